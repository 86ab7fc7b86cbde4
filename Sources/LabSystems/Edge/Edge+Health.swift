import ExperimentModel

// Active checks: every instance is asked at its interval, the instances spread over it, and has until the next check to answer.
extension Edge {
  /// The lab's own check; see `Connection`.
  static let healthPath = "/_nb/health"

  /// Once, when the instances listen.
  func startChecks() {
    guard let health = spec.health else { return }
    for backend in backends {
      let offset = health.interval.rawValue * Int64(backend.index) / Int64(backends.count)
      environment.at(environment.now + offset) { [self] in check(backend, health) }
    }
  }

  private func check(_ backend: Backend, _ health: HealthSpec) {
    counts.checks += 1
    var isOver = false
    func over(_ passed: Bool) {
      isOver = true
      backend.health.checked(passed, health)
    }
    let request = ProxyRequest(
      method: "GET", target: health.path ?? Self.healthPath, fields: HeaderFields([HeaderField("Via", "1.1 \(name)")]))
    let call = checks.send(request, to: backend.index) { result in
      guard !isOver else { return }
      if case .answer(let response) = result { over((200..<400).contains(response.status)) } else { over(false) }
    }
    environment.at(environment.now + health.interval.rawValue) { [self] in
      if !isOver {
        checks.cancel(call)
        over(false)
      }
      check(backend, health)
    }
  }
}
