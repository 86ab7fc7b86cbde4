// Work of a known amount: n units take n times as long as one, by construction, so that a slow-down of exactly 1 %
// can be made and looked for. Nothing is allocated, nothing is read from memory, nothing can be left out.

import CKernelShims
import Synchronization

public enum SpinKernel {
  /// Where results go so that the compiler must make them.
  private static let sink = Atomic<UInt64>(0)

  /// Takes a value as if it were used: work whose result ends here cannot be left out.
  @inline(never)
  public static func blackHole(_ value: UInt64) { sink.store(value, ordering: .relaxed) }

  /// `units` steps, each of 32 multiplications that wait for each other, so that neither a wide processor nor the
  /// compiler can make two at once. Not inlined: every call runs the same instructions at the same place, whatever
  /// stands around it.
  @inline(never)
  public static func spin(units: Int, from seed: UInt64) -> UInt64 {
    var x = seed | 1
    for _ in 0..<units {
      for _ in 0..<32 { x = (x ^ (x >> 29)) &* 0xBF58_476D_1CE4_E5B9 }
    }
    return x
  }

  /// Nanoseconds of `units` units.
  public static func time(units: Int) -> Double {
    let start = nb_now()
    let result = spin(units: units, from: UInt64(truncatingIfNeeded: start))
    let end = nb_now()
    blackHole(result)
    return Double(max(1, end - start))
  }

  /// The number of units that last about `nanoseconds`, a whole multiple of 100: 1 % of it is a whole number too.
  public static func units(lasting nanoseconds: Double) -> Int {
    // The fastest of several: a sample that was interrupted would make all the others too short.
    let trial = 1_000
    let unit = (0..<20).map { _ in time(units: trial) / Double(trial) }.min() ?? 1
    return max(1, Int((nanoseconds / unit / 100).rounded())) * 100
  }
}
