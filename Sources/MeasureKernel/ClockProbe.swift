// What reading the clock costs and how fine it is, so that samples can be kept far above both.

import CKernelShims

/// The monotonic clock as this machine has it.
public struct ClockProbe: Hashable, Sendable {
  /// Nanoseconds of one reading: the fastest of 20 rows of 1,000 readings.
  public var cost: Double
  /// The smallest step in nanoseconds that two neighbouring readings showed.
  public var resolution: Int64

  /// Takes about 2 ms.
  public static func measure() -> ClockProbe {
    var cost = Double.infinity
    var resolution = Int64.max
    for _ in 0..<20 {
      let start = nb_now()
      var last = start
      for _ in 0..<1_000 {
        let now = nb_now()
        if now > last { resolution = min(resolution, now - last) }
        last = now
      }
      cost = min(cost, Double(last - start) / 1_000)
    }
    // A clock that did not move in 20,000 readings has at least the length of a row as its step.
    return ClockProbe(cost: cost, resolution: resolution == .max ? Int64(cost * 1_000) : resolution)
  }
}
