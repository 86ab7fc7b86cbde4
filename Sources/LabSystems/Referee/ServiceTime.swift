// How long one request takes to serve, apart from any waiting. Values in, values out: the random numbers are
// an argument.

import Foundation

/// A law of service times, in nanoseconds.
public enum ServiceTime: Hashable, Sendable {
  case none
  case fixed(Int64)
  case uniform(ClosedRange<Int64>)
  case exponential(mean: Double)

  /// `0`, `100us`, `uniform:50us-150us`, `exp:100us`. Bare `exp` and `uniform` wait for a capacity to set their mean.
  public init(_ text: String) throws(LabError) {
    guard let parsed = Self.parsed(text) else {
      throw LabError(
        place: "--service", cause: "`\(text)` is no service time",
        remedy: "write 0, 100us, uniform:50us-150us or exp:100us")
    }
    self = parsed
  }

  private static func parsed(_ text: String) -> ServiceTime? {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    switch (parts[0], parts.count) {
    case ("exp", 1): return .exponential(mean: 0)
    case ("uniform", 1): return .uniform(0...0)
    case ("exp", 2): return RefereeOptions.nanoseconds(parts[1]).map { .exponential(mean: Double($0)) }
    case ("uniform", 2):
      let ends = parts[1].split(separator: "-", omittingEmptySubsequences: false).map { RefereeOptions.nanoseconds($0) }
      guard ends.count == 2, let low = ends[0], let high = ends[1], low <= high else { return nil }
      return .uniform(low...high)
    case (let duration, 1): return RefereeOptions.nanoseconds(duration).map { $0 == 0 ? .none : .fixed($0) }
    default: return nil
    }
  }

  /// The same shape with another mean: uniform from 0 to twice the mean, fixed where there was none.
  func withMean(_ mean: Double) -> ServiceTime {
    switch self {
    case .none, .fixed: .fixed(Int64(mean.rounded()))
    case .uniform: .uniform(0...Int64((2 * mean).rounded()))
    case .exponential: .exponential(mean: mean)
    }
  }

  func draw(_ random: inout SeededRandom) -> Int64 {
    switch self {
    case .none: 0
    case .fixed(let length): length
    case .uniform(let range): range.lowerBound + Int64(random.unit() * Double(range.upperBound - range.lowerBound))
    // Inversion; 1 − u is never 0.
    case .exponential(let mean): Int64(-mean * log(1 - random.unit()))
    }
  }
}
