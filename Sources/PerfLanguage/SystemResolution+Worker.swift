// Topics and workers of a SystemDraft → specs, and what must hold between those that publish and those that consume.

import ExperimentModel
import TextModel

extension SystemResolver {
  /// nil after a mistake, which is reported.
  func worker(_ role: RoleDraft, _ draft: SystemDraft) -> RoleSpec? {
    guard let topic = text(role.params["consumes"]), var route = role.routes.first else { return nil }
    route.path = WorkerSpec.path(topic: topic, variables: draft.variables(of: topic))
    func number(_ name: String) -> Int? { integer(role.params[name], Shape.worker.key(name)) }
    func time(_ name: String) -> Nanoseconds { duration(role.params[name], Shape.worker.key(name)) ?? .zero }
    let batch = number("batch") ?? 1
    if batch > 100_000 {
      findings.error(
        PerfDiagnosticID.outOfRange, "a batch has at most 100000 messages, not \(batch)", remedy: "a batch is in memory",
        at: role.params["batch"]?.place ?? role.place)
    }
    let dlq = text(role.params["dlq"])
    if dlq == nil, let retries = role.params["retries"] {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`retries` of the worker `\(role.name)` does nothing without `dlq`: a message that fails comes back for ever",
        remedy: "name a topic for the dead letters: `dlq: \(topic)-dead`", at: retries.place)
    }
    if dlq == topic {
      findings.error(
        PerfDiagnosticID.cycle, "the dead letters of the worker `\(role.name)` go back to `\(topic)`, which it consumes",
        remedy: "name another topic, such as `\(topic)-dead`", at: role.params["dlq"]?.place ?? role.place)
    }
    guard let stages = stages(route, role, draft, inWorker: true) else { return nil }
    let spec = WorkerSpec(
      consumes: topic, batch: batch, linger: time("linger"), retries: number("retries") ?? 3, backoff: time("backoff"), dlq: dlq,
      fsync: text(role.params["fsync"]).flatMap(FsyncPolicy.init) ?? .each)
    return RoleSpec(
      name: role.name, kind: "worker", workers: number("workers") ?? 1, queueLimit: 0, timeout: .zero,
      routes: [RouteSpec(method: route.method, path: route.path, stages: stages)], worker: spec)
  }

  /// A route's stages as one flat list, without those that are off; nil after a mistake in one of them.
  func stages(_ route: RouteDraft, _ role: RoleDraft, _ draft: SystemDraft, inWorker: Bool) -> [StageSpec]? {
    var specs: [StageSpec] = []
    var open: [StageDraft] = []
    var isWhole = true
    for stage in route.stages {
      if stage.isEnd {
        // A lock that is off goes, and what is inside stays.
        if let lock = open.popLast(), !lock.isOff {
          specs.append(StageSpec(name: lock.name, work: .unlock(LockSpec(lock: text(lock.params["name"]) ?? ""))))
        }
        continue
      }
      if stage.kind == .lock { open.append(stage) }
      if stage.isOff { continue }
      checkScope(stage, inWorker: inWorker, isLocked: open.contains { !$0.isOff })
      guard let work = work(stage, route, role, draft) else {
        isWhole = false
        continue
      }
      var spec = StageSpec(name: stage.name, work: work, scope: text(stage.params["per"]) == "batch" ? .batch : nil)
      spec.when = condition(stage, draft)
      if stage.params["span"]?.value == .flag(false) { spec.span = false }
      specs.append(spec)
    }
    return isWhole ? specs : nil
  }

  private func checkScope(_ stage: StageDraft, inWorker: Bool, isLocked: Bool) {
    if inWorker, stage.kind == .limit {
      findings.error(
        PerfDiagnosticID.doesNotApply, "a worker has nobody whom the limit `\(stage.name)` could send away",
        remedy: "limit where requests come in, or let fewer `workers` take messages", at: stage.place)
    }
    if inWorker, stage.kind == .wait, let async = stage.params["async"], async.value == .flag(true) {
      findings.error(
        PerfDiagnosticID.doesNotApply, "a worker holds its messages until they are acknowledged: `async` of the wait `\(stage.name)` frees nobody",
        remedy: "leave it out, and let more `workers` wait at the same time", at: async.place)
    }
    guard let per = stage.params["per"], !inWorker || isLocked && per.value == .text("batch") else { return }
    findings.error(
      PerfDiagnosticID.doesNotApply,
      inWorker ? "`per: batch` does nothing inside a lock, which each message takes for itself" : "`per` does nothing outside a worker: a request is one",
      remedy: "leave it out", at: per.place)
  }

  // MARK: What must hold between topics

  func checkTopics(_ draft: SystemDraft) {
    let consumed = draft.consumers.map(\.topic)
    let published = draft.publishers
    for publisher in published {
      if !consumed.contains(publisher.topic) {
        findings.error(
          PerfDiagnosticID.unknownTarget, "nobody consumes the topic `\(publisher.topic)` that `\(publisher.stage.name)` publishes to",
          remedy: consumed.isEmpty
            ? "add `worker: {consumes: \(publisher.topic), stages: […]}`" : suggestion(for: publisher.topic, among: consumed, what: "topics with a worker"),
          at: publisher.stage.params["topic"]?.place ?? publisher.stage.place)
      }
      if publisher.variables.contains(WorkerSpec.offsetVariable), !publisher.isWorker {
        findings.error(
          PerfDiagnosticID.duplicateName, "the route's variable `{offset}` has the name of a message's place in its topic",
          remedy: "call it otherwise", at: publisher.stage.place)
      }
    }
    var seen: Set<String> = []
    let letters = draft.consumers.compactMap(\.dlq)
    let names = Set(draft.roles.map(\.name) + draft.roles.flatMap(\.routes).flatMap(\.stages).map(\.name))
    for consumer in draft.consumers {
      let place = consumer.role.params["consumes"]?.place ?? consumer.role.place
      if !seen.insert(consumer.topic).inserted {
        findings.error(
          PerfDiagnosticID.duplicateName, "two workers consume the topic `\(consumer.topic)`",
          remedy: "give one of them more `workers`, or publish to a topic for each", at: place)
      }
      let sources = published.map(\.topic) + letters
      if !sources.contains(consumer.topic) {
        findings.error(
          PerfDiagnosticID.unknownTarget, "the worker `\(consumer.role.name)` consumes `\(consumer.topic)`, which nobody publishes to",
          remedy: sources.isEmpty ? "add `publish: {topic: \(consumer.topic)}` to a route" : suggestion(for: consumer.topic, among: sources, what: "topics"),
          at: place)
      }
      for topic in [consumer.topic, consumer.dlq].compactMap({ $0 }) where names.contains(topic) {
        findings.error(
          PerfDiagnosticID.duplicateName, "the topic `\(topic)` has the name of another part of the system `\(draft.id)`",
          remedy: "counters go by name: call it otherwise", at: place)
      }
      if let circle = draft.circle(from: consumer.topic) {
        findings.error(
          PerfDiagnosticID.cycle, "messages go round for ever: \(circle.joined(separator: " → "))", remedy: "cut one `publish` or `dlq`",
          at: place)
      }
    }
  }
}

extension SystemDraft {
  struct Publisher { var topic: String; var stage: StageDraft; var variables: [String]; var isWorker: Bool; var source: String? }
  struct Taker { var topic: String; var dlq: String?; var role: RoleDraft }

  private func text(_ parameter: Parameter?) -> String? { if case .text(let text)? = parameter?.value { text } else { nil } }

  var consumers: [Taker] {
    roles.filter(\.isWorker).compactMap { role in
      text(role.params["consumes"]).map { Taker(topic: $0, dlq: text(role.params["dlq"]), role: role) }
    }
  }

  /// Every `publish` stage, those that are off too: a comparison may switch one off, and the topic is still there.
  var publishers: [Publisher] {
    roles.flatMap { role in
      role.routes.flatMap { route in
        route.stages.filter { $0.kind == .publish }.compactMap { stage in
          text(stage.params["topic"]).map {
            Publisher(
              topic: $0, stage: stage, variables: route.variables, isWorker: role.isWorker,
              source: role.isWorker ? text(role.params["consumes"]) : nil)
          }
        }
      }
    }
  }

  /// What every message of a topic carries: the variables that all its publishers have, in the order of the first.
  func variables(of topic: String) -> [String] { variables(of: topic, above: []) }

  private func variables(of topic: String, above: Set<String>) -> [String] {
    guard !above.contains(topic) else { return [] }
    let above = above.union([topic])
    var sets = publishers.filter { $0.topic == topic }.map { publisher in
      publisher.source.map { variables(of: $0, above: above) } ?? publisher.variables
    }
    sets += consumers.filter { $0.dlq == topic }.map { variables(of: $0.topic, above: above) }
    guard let first = sets.first else { return [] }
    return first.filter { name in sets.allSatisfy { $0.contains(name) } }
  }

  /// The topics that a message may pass on its way back to this one.
  func circle(from topic: String) -> [String]? {
    func way(_ at: String, _ passed: [String]) -> [String]? {
      let next = publishers.filter { $0.source == at && !$0.stage.isOff }.map(\.topic) + consumers.filter { $0.topic == at && $0.dlq != at }.compactMap(\.dlq)
      for name in next {
        if name == topic { return passed + [name] }
        if !passed.contains(name), let found = way(name, passed + [name]) { return found }
      }
      return nil
    }
    return way(topic, [topic])
  }
}
