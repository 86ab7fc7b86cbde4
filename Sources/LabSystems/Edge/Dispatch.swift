import ExperimentModel
import TelemetryModel

/// One attempt at one instance.
final class Attempt {
  let dispatch: Dispatch
  let backend: Backend
  let start: Int64
  let isHedge: Bool
  fileprivate(set) var isOver = false
  fileprivate var call: UpstreamCall?
  var span = ActiveSpan.none

  init(_ dispatch: Dispatch, _ backend: Backend, start: Int64, isHedge: Bool) {
    self.dispatch = dispatch; self.backend = backend; self.start = start; self.isHedge = isHedge
  }
}

/// One request on its way to the upstream: attempts, a hedge beside each, retries after failures, until there is an answer.
final class Dispatch {
  private let edge: Edge
  private let request: ProxyRequest
  private let done: (ProxyResponse) -> Void
  private var out: [Attempt] = []
  private var tried: Set<Int> = []
  private var retries = 0
  /// Attempts that have begun.
  private var sent = 0
  /// Span of the latest of them.
  private(set) var last = TraceParent.none
  private var isDone = false

  init(_ edge: Edge, _ request: ProxyRequest, done: @escaping (ProxyResponse) -> Void) {
    self.edge = edge; self.request = request; self.done = done
  }

  func start() {
    edge.counts.forwarded += 1
    edge.budget.requested()
    guard edge.admitsMore() else {
      edge.counts.shed += 1
      return finish(ProxyResponse(status: 503, reason: "\(edge.name): the queue behind is too long"))
    }
    attempt(isHedge: false)
  }

  private func attempt(isHedge: Bool) {
    guard let backend = edge.pick(avoiding: tried, for: request) else {
      if !isHedge { finish(ProxyResponse(status: 503, reason: "\(edge.name): no instance of \(edge.spec.upstream) is in service")) }
      return
    }
    tried.insert(backend.index)
    let attempt = Attempt(self, backend, start: edge.environment.now, isHedge: isHedge)
    out.append(attempt)
    edge.begin(attempt)
    let request = edge.telemetry?.begin(attempt, request, number: sent) ?? request
    (sent, last) = (sent + 1, attempt.span.parent)
    attempt.call = edge.upstream.send(request, to: backend.index) { [self] result in ended(attempt, result) }
    if !isHedge { planHedge(beside: attempt) }
  }

  // MARK: The end of an attempt

  /// nil: it ran out of time.
  func ended(_ attempt: Attempt, _ result: UpstreamResult?) {
    guard !attempt.isOver else { return }
    attempt.isOver = true
    out.removeAll { $0 === attempt }
    let failure = edge.end(attempt, result)
    edge.telemetry?.end(attempt, result)
    if result == nil, let call = attempt.call { edge.upstream.cancel(call) }
    attempt.call = nil
    guard let failure else {
      guard case .answer(let response)? = result else { preconditionFailure("what did not fail has an answer") }
      if attempt.isHedge { edge.counts.hedgeWins += 1 }
      return finish(response)
    }
    // The other one may still come.
    guard out.isEmpty else { return }
    var wasSeen = true
    if case .refused? = result { wasSeen = false }
    retry(or: failure, isSafe: request.isIdempotent || !wasSeen)
  }

  private func retry(or failure: ProxyResponse, isSafe: Bool) {
    guard let spec = edge.spec.retry, retries < spec.max, isSafe else { return finish(failure) }
    guard !edge.isShedding, edge.budget.take() else {
      edge.counts.retriesDenied += 1
      return finish(failure)
    }
    retries += 1
    edge.counts.retries += 1
    let pause = spec.pause(retries, using: &edge.random)
    guard pause > 0 else { return attempt(isHedge: false) }
    edge.environment.at(edge.environment.now + pause) { [self] in attempt(isHedge: false) }
  }

  private func finish(_ response: ProxyResponse) {
    precondition(!isDone, "a request was answered twice")
    isDone = true
    for attempt in out {
      attempt.isOver = true
      edge.callOff(attempt)
      edge.telemetry?.callOff(attempt)
      if let call = attempt.call { edge.upstream.cancel(call) }
      attempt.call = nil
    }
    out.removeAll()
    done(response)
  }

  // MARK: Hedging

  private func planHedge(beside first: Attempt) {
    guard request.isIdempotent, let spec = edge.spec.hedge else { return }
    let after: Int64
    switch spec {
    case .time(let time): after = time.rawValue
    // Too little is known of the times yet: nobody would know a slow one.
    case .quantile: guard let time = edge.times?.value else { return }; after = time
    }
    edge.environment.at(first.start + after) { [weak self, weak first] in
      guard let self, let first, !first.isOver, !isDone else { return }
      guard !edge.isShedding, edge.budget.take() else {
        edge.counts.retriesDenied += 1
        return
      }
      edge.counts.hedges += 1
      attempt(isHedge: true)
    }
  }
}
