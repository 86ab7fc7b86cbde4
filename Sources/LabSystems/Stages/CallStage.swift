import ExperimentModel

/// Asks another route of the system over real connections, as one service asks another, and holds its worker until the
/// last answer is there. One failed call fails the request: a page without its price is no page.
final class CallStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  private let spec: CallSpec
  private let path: KeyTemplate
  private let peer: any Peer
  private let environment: any Environment
  /// How a call's span looks; nil: it has none.
  var span: StageSpan?
  private var requests = 0
  private var calls = 0
  private var failed = 0
  private var waited: Int64 = 0

  init(_ spec: CallSpec, name: String, path: KeyTemplate, peer: any Peer, environment: any Environment) {
    self.spec = spec; self.name = name; self.path = path; self.peer = peer; self.environment = environment
    probe = StageProbe(name, .real)
  }

  /// One request's calls: how many are still to be sent and to be answered.
  private final class Fan {
    let exchange: Exchange
    let path: String
    var unsent: Int
    var open: Int
    var hasFailed = false
    init(_ exchange: Exchange, path: String, k: Int) { self.exchange = exchange; self.path = path; unsent = k; open = k }
  }

  func enter(_ exchange: Exchange) -> StageStep {
    requests += 1
    let fan = Fan(exchange, path: path.key(exchange.variables), k: spec.k)
    for _ in 0..<(spec.mode == .parallel ? spec.k : 1) { send(fan) }
    return .later
  }

  private func send(_ fan: Fan) {
    fan.unsent -= 1
    calls += 1
    let start = environment.now
    let trail = fan.exchange.trail
    let call = trail?.call(span)
    var port = 0
    port = peer.get(fan.path, of: spec.role, fields: call?.fields ?? "") { [self] status in
      waited += environment.now - start
      if let call { trail?.ends(call.span, status: status, port: port, path: fan.path) }
      fan.open -= 1
      if !(200..<400).contains(status) {
        failed += 1
        fan.hasFailed = true
      }
      // A serial caller gives up at the first failure.
      if spec.mode == .serial, fan.open > 0, !fan.hasFailed { return send(fan) }
      guard fan.open == 0 || spec.mode == .serial else { return }
      let role = fan.exchange.route.role
      guard fan.hasFailed else { return role.resume(fan.exchange) }
      fan.exchange.fail(502, "\(name): a call to \(fan.path) failed")
      role.complete(fan.exchange)
    }
  }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "requests", requests)
    counters.add(name, "calls", calls)
    counters.add(name, "failed", failed)
    counters.add(name, "waited_ns", Int(waited))
  }

  func resetCounters() { requests = 0; calls = 0; failed = 0; waited = 0 }
}

/// Whom a `call` stage asks. Tests answer on a virtual clock.
protocol Peer: AnyObject {
  /// - Parameters:
  ///   - fields: further lines of the head, each with its line end.
  ///   - answered: gets the status, 0 when no answer came; never inside this call.
  /// - Returns: the port that is asked.
  func get(_ path: String, of role: String, fields: String, answered: @escaping (Int) -> Void) -> Int
}
