import ExperimentModel

/// What a network toxic does to the bytes of one connection, as a value: it is told how many bytes come and when, and says
/// what becomes of them. It knows no socket and no clock; `ToxicHandler` obeys.
///
/// The toxics mean what Toxiproxy's of the same names mean, on the answers' direction.
struct ToxicFlow {
  enum Fate: Equatable {
    case pass
    /// So many bytes each, each at its time, in order.
    case pieces([Piece])
    case lost
    /// So many go out, then the connection ends.
    case last(Int)
  }
  struct Piece: Equatable { var size: Int; var at: Int64 }

  /// A fiftieth of a second's worth: fine enough that a reader sees a steady stream.
  private static let pieces = 50

  let toxic: Toxic
  let parameters: ToxicParameters
  private var random: SeededRandom
  /// When the last byte of what came before is through.
  private var freeAt = Int64.min
  private var sent = 0

  init(_ toxic: Toxic, _ parameters: ToxicParameters, random: SeededRandom) {
    self.toxic = toxic; self.parameters = parameters; self.random = random
  }

  mutating func take(_ size: Int, now: Int64) -> Fate {
    switch toxic {
    case .latency:
      // Never before what was sent earlier: a stream keeps its order whatever the jitter.
      freeAt = max(freeAt, now + delay())
      return .pieces([Piece(size: size, at: freeAt)])
    case .bandwidth:
      let rate = Double(max(1, parameters.rate ?? 1))
      return cut(size, into: { max(1, Int(rate) / Self.pieces) }, now: now) { Int64(Double($0) / rate * 1e9) }
    case .slicer:
      let (average, variation) = (max(1, parameters.averageSize ?? 1), parameters.sizeVariation ?? 0)
      let pause = parameters.delay?.rawValue ?? 0
      let next = { (random: inout SeededRandom) in
        variation > 0 ? average - variation + Int(random.next(upTo: UInt64(2 * variation + 1))) : average
      }
      var generator = random
      defer { random = generator }
      return cut(size, into: { max(1, next(&generator)) }, now: now) { _ in pause }
    case .limitData:
      let left = (parameters.bytes ?? 0) - sent
      sent += size
      return size >= left ? .last(max(0, left)) : .pass
    case .timeout, .resetPeer: return .lost
    default: return .pass
    }
  }

  /// How long after the connection has met the toxic it ends by it; nil: not by time.
  var endsAfter: Int64? {
    switch toxic {
    case .timeout: parameters.timeout.flatMap { $0 > .zero ? $0.rawValue : nil }
    case .resetPeer: parameters.timeout?.rawValue ?? 0
    default: nil
    }
  }

  /// How much later than it would, the connection closes.
  var closesAfter: Int64 { toxic == .slowClose ? parameters.delay?.rawValue ?? 0 : 0 }

  private mutating func delay() -> Int64 {
    let (base, jitter) = (parameters.latency?.rawValue ?? 0, parameters.jitter?.rawValue ?? 0)
    return max(0, base + (jitter > 0 ? Int64(Double(jitter) * (2 * random.unit() - 1)) : 0))
  }

  /// Pieces one after the other; each goes out once it is through.
  private mutating func cut(_ size: Int, into next: () -> Int, now: Int64, time: (Int) -> Int64) -> Fate {
    var pieces: [Piece] = []
    var left = size
    var at = max(freeAt, now)
    while left > 0 {
      let piece = min(left, next())
      // A slice waits for the one before it, a stretch of bandwidth for itself.
      if toxic == .bandwidth { at += time(piece) }
      pieces.append(Piece(size: piece, at: at))
      if toxic == .slicer { at += time(piece) }
      left -= piece
    }
    freeAt = at
    return .pieces(pieces)
  }
}

extension SeededRandom {
  /// Uniform in 0..<bound, nearly: the bias of a remainder is below 2⁻⁴⁰ for the sizes used here.
  fileprivate mutating func next(upTo bound: UInt64) -> UInt64 { next() % bound }
}
