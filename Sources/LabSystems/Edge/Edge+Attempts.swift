import ExperimentModel
import NIOCore

/// Attempts in the order in which they began. All have the same time to answer, so one timer, for the oldest, is enough.
struct AttemptQueue {
  private var attempts = CircularBuffer<Attempt>()

  mutating func append(_ attempt: Attempt) {
    // Those that have ended hold their requests: they leave here too, not only when somebody asks for the oldest.
    _ = oldest()
    attempts.append(attempt)
  }

  /// The oldest that is still out.
  mutating func oldest() -> Attempt? {
    while let first = attempts.first, first.isOver { attempts.removeFirst() }
    return attempts.first
  }
}

// What an attempt's beginning and end mean for the edge: the instance's health and breaker, the delay that tells a standing queue,
// the times that tell a slow answer.
extension Edge {
  func begin(_ attempt: Attempt) {
    counts.attempts += 1
    attempt.backend.begins(now: environment.now)
    under.append(attempt)
    armTimeout()
  }

  private func armTimeout() {
    guard !isTimeoutArmed, let oldest = under.oldest() else { return }
    isTimeoutArmed = true
    environment.at(oldest.start + spec.timeout.rawValue) { [self] in
      isTimeoutArmed = false
      while let attempt = under.oldest(), environment.now - attempt.start >= spec.timeout.rawValue { attempt.dispatch.ended(attempt, nil) }
      armTimeout()
    }
  }

  /// - Parameter result: nil when it ran out of time.
  /// - Returns: what the client is told if nobody tries again; nil when the attempt brought an answer to pass on.
  func end(_ attempt: Attempt, _ result: UpstreamResult?) -> ProxyResponse? {
    let now = environment.now
    let failure = failure(attempt, result)
    attempt.backend.ends(failed: failure != nil || isServerError(result), now: now)
    if let health = spec.health, case .refused? = result { attempt.backend.health.refused(health) }
    if case .answer(let response)? = result { counts.bytesIn += response.body.readableBytes }
    // A refused connection is quick and says nothing of a queue.
    if case .answer? = result { shedder?.ended(after: now - attempt.start, now: now) }
    if result == nil { shedder?.ended(after: now - attempt.start, now: now) }
    if !attempt.isHedge { times?.add(now - attempt.start) }
    return failure
  }

  private func failure(_ attempt: Attempt, _ result: UpstreamResult?) -> ProxyResponse? {
    switch result {
    case .answer(let response)?: return [502, 503, 504].contains(response.status) ? response : nil
    case .refused?:
      counts.refused += 1
      return ProxyResponse(status: 502, reason: "\(name): \(attempt.backend.name) refuses connections")
    case .broken?:
      counts.broken += 1
      return ProxyResponse(status: 502, reason: "\(name): \(attempt.backend.name) ended the connection")
    case nil:
      counts.timeouts += 1
      return ProxyResponse(status: 504, reason: "\(name): \(attempt.backend.name) did not answer in time")
    }
  }

  private func isServerError(_ result: UpstreamResult?) -> Bool {
    if case .answer(let response)? = result { response.status >= 500 } else { false }
  }

  /// Another attempt has answered. That it took longer than this is known, so it counts as slow for the hedge's quantile.
  func callOff(_ attempt: Attempt) {
    attempt.backend.calledOff(now: environment.now)
    if !attempt.isHedge { times?.add(environment.now - attempt.start) }
  }

  // MARK: Shedding

  func admitsMore() -> Bool {
    let now = environment.now
    let age = under.oldest().map { now - $0.start }
    return shedder?.admits(oldest: age, now: now) ?? true
  }

  /// No second attempts into a queue that stands.
  var isShedding: Bool { shedder?.isStanding(environment.now) ?? false }
}
