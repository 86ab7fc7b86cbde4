import ExperimentModel

/// The declared link between the edge and its clients. Answers share its rate: their pieces go out in turns, each one when the one
/// before it is through. A connection may have `window` bytes under way; a piece's credit returns a round trip after it left,
/// so that one connection gets at most min(rate, window / delay).
final class ShapedLink {
  /// What one connection has under way.
  final class Flow {
    fileprivate var underWay = 0
    fileprivate var left = 0
    fileprivate var isQueued = false
    fileprivate var piece: (Int) -> Void = { _ in }
    fileprivate var done: () -> Void = {}
  }

  /// Two full Ethernet segments.
  private static let pieceLeast = 2_920

  private let spec: LinkSpec
  private let environment: any Environment
  private let pieceMax: Int
  private var random: SeededRandom
  /// Flows with something to send and credit to send it.
  private var ready: [Flow] = []
  private var freeAt = Int64.min
  private var isSending = false
  private(set) var pieces = 0

  init(_ spec: LinkSpec, seed: UInt64, environment: any Environment) {
    self.spec = spec
    self.environment = environment
    // A millisecond's worth: fine enough to share the link, coarse enough for the event loop.
    let paced = spec.rate.map { max(Self.pieceLeast, Int($0 / 1_000)) } ?? .max
    pieceMax = max(1, min(paced, spec.window ?? .max))
    random = SeededRandom(seed: seed, stream: "link")
  }

  /// Nanoseconds of one direction.
  func halfTrip() -> Int64 {
    var delay = Double(spec.delay.rawValue)
    if spec.jitter > .zero { delay += Double(spec.jitter.rawValue) * (2 * random.unit() - 1) }
    return Int64(max(0, delay) / 2)
  }

  /// Sends `size` bytes after half a round trip: `piece` is called with the number of bytes that go out now, `done` after the last.
  func send(_ size: Int, over flow: Flow, piece: @escaping (Int) -> Void, done: @escaping () -> Void) {
    environment.at(environment.now + halfTrip()) { [self] in
      guard spec.rate != nil || spec.window != nil else {
        piece(size)
        return done()
      }
      (flow.left, flow.piece, flow.done) = (size, piece, done)
      offer(flow)
      sendNext()
    }
  }

  /// The connection is gone.
  func drop(_ flow: Flow) {
    flow.left = 0
    (flow.piece, flow.done) = ({ _ in }, {})
  }

  private func offer(_ flow: Flow) {
    guard !flow.isQueued, flow.left > 0, flow.underWay < spec.window ?? .max else { return }
    flow.isQueued = true
    ready.append(flow)
  }

  private func sendNext() {
    guard !isSending else { return }
    isSending = true
    defer { isSending = false }
    while let flow = ready.first {
      let now = environment.now
      // Busy: the piece that is on its way calls again when it is through.
      if now < freeAt { return }
      ready.removeFirst()
      flow.isQueued = false
      let size = min(flow.left, pieceMax, (spec.window ?? .max) - flow.underWay)
      guard size > 0 else { continue }
      pieces += 1
      flow.left -= size
      // The piece is through, and visible, once its last byte is.
      let through = now + (spec.rate.map { Int64(Double(size) / $0 * 1e9) } ?? 0)
      freeAt = through
      let isLast = flow.left == 0
      let (piece, done) = (flow.piece, flow.done)
      if spec.window != nil {
        flow.underWay += size
        environment.at(through + spec.delay.rawValue) { [self] in
          flow.underWay -= size
          offer(flow)
          sendNext()
        }
      }
      environment.at(through) { [self] in
        piece(size)
        if isLast { done() }
        sendNext()
      }
      offer(flow)
    }
  }
}
