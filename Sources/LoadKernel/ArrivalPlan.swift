// The open model's schedule: absolute intended times tᵢ = F⁻¹(i), one global plan per run, from a seed.
// A pure function of the profile: nothing that the target does can move it.

import ExperimentModel
import Statistics

public struct ArrivalPlan: Sendable {
  private enum Shape { case constant(rate: Double), ramp([Piece]) }
  /// Linear rate on [start, start + length): r(t) = from + slope·(t − start); `count` arrivals before it.
  private struct Piece { var start, length, from, slope, count: Double }

  private let shape: Shape
  /// Seconds.
  public let duration: Double
  private let poisson: Bool
  private var random: SeededRandom
  /// Expected arrivals up to the next one: integer steps when uniform, exponential ones for Poisson.
  private var position: Double

  /// - Returns: nil for a profile that is not open.
  public init?(_ profile: LoadProfile, duration: Nanoseconds?, seed: UInt64) {
    guard profile.executor.isOpen else { return nil }
    if profile.executor == .rampingArrivalRate {
      var pieces: [Piece] = []
      var start = 0.0
      var count = 0.0
      var rate = profile.rate ?? 0
      for stage in profile.stages {
        let length = stage.duration.seconds
        let slope = length > 0 ? (stage.target - rate) / length : 0
        pieces.append(Piece(start: start, length: length, from: rate, slope: slope, count: count))
        count += (rate + stage.target) / 2 * length
        start += length
        rate = stage.target
      }
      shape = .ramp(pieces)
      self.duration = start
    } else {
      shape = .constant(rate: profile.rate ?? 0)
      self.duration = (duration ?? profile.duration).seconds
    }
    poisson = profile.arrivals == .poisson
    random = SeededRandom(seed: seed, stream: 1)
    position = poisson ? 0 : -0.5
  }

  /// Arrivals that the plan expects in all.
  public var expected: Double {
    switch shape {
    case .constant(let rate): rate * duration
    case .ramp(let pieces): pieces.last.map { $0.count + ($0.from + $0.slope * $0.length / 2) * $0.length } ?? 0
    }
  }

  /// The next intended time in nanoseconds from the start, or nil when the plan is over.
  public mutating func next() -> Int64? {
    position += poisson ? random.exponential() : 1
    let seconds: Double
    switch shape {
    case .constant(let rate):
      guard rate > 0 else { return nil }
      seconds = position / rate
    case .ramp(let pieces):
      guard let time = Self.time(of: position, pieces) else { return nil }
      seconds = time
    }
    return seconds < duration ? Int64(seconds * 1e9) : nil
  }

  /// F⁻¹: where the integrated rate reaches `count`.
  private static func time(of count: Double, _ pieces: [Piece]) -> Double? {
    for piece in pieces {
      let here = (piece.from + piece.slope * piece.length / 2) * piece.length
      guard count <= piece.count + here else { continue }
      let need = count - piece.count
      if abs(piece.slope) < 1e-12 { return piece.start + (piece.from > 0 ? need / piece.from : piece.length) }
      // slope/2·t² + from·t = need, in the form that does not cancel.
      let root = (piece.from * piece.from + 2 * piece.slope * need).squareRoot()
      return piece.start + 2 * need / (piece.from + root)
    }
    return nil
  }
}
