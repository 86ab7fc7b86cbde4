import ExperimentModel

// How a core makes the stages that hold requests back or pass them on, and the consumers of workers; the checks repeat what
// PerfLanguage says of a notebook, because a system may come from elsewhere as JSON.

extension LabCore {
  func makePublishStage(_ spec: PublishSpec, _ name: String, _ route: Route, _ place: String) throws -> PublishStage {
    guard let topic = broker?.topics[spec.topic] else { preconditionFailure("no topic \(spec.topic)") }
    guard (0...(1 << 20)).contains(spec.size), spec.limit ?? 1 > 0 else {
      throw LabError(place: place, cause: "\(spec.size) bytes, limit \(spec.limit ?? 0)", remedy: "use at most 1 MiB and a limit above 0")
    }
    return PublishStage(spec, name: name, variables: route.variableNames, topic: topic, environment: environment)
  }

  /// Stages of one lock name share the lock.
  func makeLockStage(_ spec: LockSpec, _ name: String) -> LockStage {
    let lock = locks[spec.lock] ?? FairLock()
    locks[spec.lock] = lock
    return LockStage(name: name, lock: lock, environment: environment)
  }

  func makeLimitStage(_ spec: LimitSpec, _ name: String, _ route: Route, _ place: String) throws -> LimitStage {
    guard (1...1_000_000_000).contains(spec.milliTokensPerSecond), (1...1_000_000).contains(spec.burst) else {
      throw LabError(
        place: place, cause: "\(spec.milliTokensPerSecond) thousandths of a token per second, burst \(spec.burst)",
        remedy: "use a rate from 0.001 to 1 000 000 per second and a burst from 1 to 1 000 000")
    }
    return LimitStage(spec, name: name, key: try template(spec.key, route, place), environment: environment)
  }

  func makeErrorStage(_ spec: ErrorSpec, _ name: String, _ route: Route, _ place: String) throws -> ErrorStage {
    guard (0...1).contains(spec.share), (0...1).contains(spec.slow?.share ?? 0), (400...599).contains(spec.status) else {
      throw LabError(
        place: place, cause: "share \(spec.share), status \(spec.status)", remedy: "use shares from 0 to 1 and a status from 400 to 599")
    }
    return ErrorStage(spec, name: name, key: try template(spec.key, route, place), environment: environment)
  }

  private func template(_ key: String, _ route: Route, _ place: String) throws -> KeyTemplate? {
    key.isEmpty ? nil : try KeyTemplate(key, variables: route.variableNames, place: place)
  }

  /// A worker's only route, cut into sections, behind its consumer.
  func attachConsumer(_ worker: WorkerSpec, _ spec: RoleSpec, to role: Role, _ route: Route) throws {
    let place = "system, role \(role.name)"
    guard let broker, let topic = broker.topics[worker.consumes], topic.consumer == nil else {
      throw LabError(place: place, cause: "another role takes the messages of \(worker.consumes)", remedy: "let each worker have its topic")
    }
    guard (1...100_000).contains(worker.batch), worker.retries >= 0, worker.linger >= .zero, worker.backoff >= .zero, spec.routes.count == 1
    else {
      throw LabError(
        place: place, cause: "a batch of \(worker.batch), \(worker.retries) retries, \(spec.routes.count) routes",
        remedy: "use a batch from 1 to 100 000, and one list of stages")
    }
    let sections = try WorkSection.split(route, isPerBatch: spec.routes[0].stages.map { $0.scope == .batch }) {
      try Route(spec.routes[0], role: role)
    }
    do throws(LogFailure) {
      role.consumer = try Consumer(
        worker, role: role, topic: topic, deadLetters: worker.dlq.flatMap { broker.topics[$0] }, sections: sections,
        environment: environment, folder: broker.acknowledgements(of: worker.consumes))
    } catch {
      throw LabError(
        place: place, cause: "its acknowledgements cannot be read: \(error)", remedy: "start with an empty folder; nothing else can be trusted")
    }
  }
}
