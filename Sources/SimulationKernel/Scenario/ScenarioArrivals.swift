// When the requests of an open scenario are due.

/// Arrivals of a piecewise linear rate, one after the other: a unit-rate sequence (exponential steps, or one at each half) led
/// through the inverse of the cumulative rate. For a Poisson process this is exact (Çinlar 1975).
struct ScenarioArrivals {
  private let pieces: [ScenarioPiece]
  private let isPoisson: Bool
  private var piece = 0
  /// Seconds before the current piece.
  private var start = 0.0
  /// Expected arrivals since the beginning of the current piece.
  private var inside: Double

  init(_ pieces: [ScenarioPiece], isPoisson: Bool) {
    self.pieces = pieces
    self.isPoisson = isPoisson
    inside = isPoisson ? 0 : -0.5
  }

  /// Seconds from the start; nil: there is none any more.
  mutating func next(_ stream: inout Stream) -> Double? {
    inside += isPoisson ? stream.exponential() : 1
    while piece < pieces.count {
      let one = pieces[piece]
      let expected = (one.from + one.to) / 2 * one.length
      if inside < expected { return start + Self.time(one, inside) }
      inside -= expected
      start += one.length
      piece += 1
    }
    return nil
  }

  /// The t at which from·t + slope·t²/2 has become `count`.
  private static func time(_ piece: ScenarioPiece, _ count: Double) -> Double {
    let slope = (piece.to - piece.from) / piece.length
    // Written so that a slope of zero needs no case of its own.
    let root = (piece.from * piece.from + 2 * slope * count).squareRoot()
    return 2 * count / (piece.from + root)
  }
}
