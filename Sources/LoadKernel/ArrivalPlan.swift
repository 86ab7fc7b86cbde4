// The open model's schedule: absolute intended times tᵢ = F⁻¹(i), one global plan per run, from a seed.
// A pure function of the profile: nothing that the target does can move it. Several loops share one plan by
// each taking every n-th arrival of its own copy.

import ExperimentModel
import Statistics

public struct ArrivalPlan: Sendable {
  private enum Shape {
    case rates([Piece])
    case bursts(size: Int, every: Double)
    case replay([Int64])
  }
  /// Linear rate on [start, start + length): r(t) = from + slope·(t − start); `count` arrivals before it.
  private struct Piece {
    var start, length, from, slope, count: Double
    var arrivals: Double { (from + slope * length / 2) * length }
  }

  private let shape: Shape
  /// Seconds.
  public let duration: Double
  private let poisson: Bool
  private var random: SeededRandom
  /// Expected arrivals up to the next one: integer steps when uniform, exponential ones for Poisson.
  private var position: Double
  /// Arrivals given out, and the piece that the last one fell into: positions only rise.
  private var index = 0
  private var piece = 0

  /// - Parameter duration: seconds of a slice; replaces the profile's own unless that has stages or a replay.
  /// - Returns: nil for a profile that is not open.
  public init?(_ profile: LoadProfile, duration: Nanoseconds?, seed: UInt64) {
    guard profile.executor.isOpen else { return nil }
    let asked = (duration ?? profile.duration).seconds
    poisson = profile.arrivals == .poisson && profile.burst == nil && profile.replay == nil
    if let replay = profile.replay {
      shape = .replay(replay.map(\.rawValue))
      // The last arrival is inside: a plan is open at its right end.
      self.duration = Double((replay.last?.rawValue ?? 0) + 1) / 1e9
    } else if let burst = profile.burst {
      shape = .bursts(size: max(1, burst.size), every: max(1e-9, burst.every.seconds))
      self.duration = asked
    } else if profile.executor == .rampingArrivalRate || !profile.stages.isEmpty {
      let pieces = Self.pieces(profile.stages, from: profile.rate ?? 0)
      shape = .rates(pieces)
      self.duration = pieces.last.map { $0.start + $0.length } ?? 0
    } else {
      shape = .rates([Piece(start: 0, length: asked, from: profile.rate ?? 0, slope: 0, count: 0)])
      self.duration = asked
    }
    random = SeededRandom(seed: seed, stream: 1)
    position = poisson ? 0 : -0.5
  }

  private static func pieces(_ stages: [RampStage], from first: Double) -> [Piece] {
    var pieces: [Piece] = []
    var start = 0.0
    var count = 0.0
    var rate = first
    for stage in stages {
      let length = stage.duration.seconds
      if stage.jump == true { rate = stage.target }
      let slope = length > 0 ? (stage.target - rate) / length : 0
      let piece = Piece(start: start, length: length, from: rate, slope: slope, count: count)
      pieces.append(piece)
      count += piece.arrivals
      start += length
      rate = stage.target
    }
    return pieces
  }

  /// Arrivals that the plan expects in all.
  public var expected: Double {
    switch shape {
    case .rates(let pieces): pieces.last.map { $0.count + $0.arrivals } ?? 0
    case .bursts(let size, let every): Double(size) * (duration / every).rounded(.up)
    case .replay(let times): Double(times.count)
    }
  }

  /// The highest rate in arrivals per second, for a cap; of a replay its mean.
  public var peakRate: Double {
    switch shape {
    case .rates(let pieces): pieces.map { max($0.from, $0.from + $0.slope * $0.length) }.max() ?? 0
    case .bursts(let size, let every): Double(size) / every
    case .replay(let times): duration > 0 ? Double(times.count) / duration : 0
    }
  }

  /// The next intended time in nanoseconds from the start, or nil when the plan is over.
  public mutating func next() -> Int64? {
    defer { index += 1 }
    let seconds: Double
    switch shape {
    case .rates(let pieces):
      position += poisson ? random.exponential() : 1
      guard let time = time(of: position, pieces) else { return nil }
      seconds = time
    case .bursts(let size, let every):
      seconds = Double(index / size) * every
    case .replay(let times):
      return index < times.count ? times[index] : nil
    }
    return seconds < duration ? Int64(seconds * 1e9) : nil
  }

  /// The arrival after the `others` next ones.
  mutating func next(skipping others: Int) -> Int64? {
    for _ in 0..<others where next() == nil { return nil }
    return next()
  }

  /// F⁻¹: where the integrated rate reaches `count`.
  private mutating func time(of count: Double, _ pieces: [Piece]) -> Double? {
    while piece < pieces.count {
      let here = pieces[piece]
      guard count <= here.count + here.arrivals else {
        piece += 1
        continue
      }
      let need = count - here.count
      if abs(here.slope) < 1e-12 { return here.start + (here.from > 0 ? need / here.from : here.length) }
      // slope/2·t² + from·t = need, in the form that does not cancel.
      let root = max(0, here.from * here.from + 2 * here.slope * need).squareRoot()
      return here.start + 2 * need / (here.from + root)
    }
    return nil
  }
}
