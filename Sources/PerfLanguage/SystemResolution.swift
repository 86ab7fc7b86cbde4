// SystemDraft with its overrides applied → SystemSpec: defaults filled in, fences inlined, and the
// rules that hold between parameters.

import ExperimentModel
import TextModel

struct SystemResolver {
  /// The text of `sql` fences by id.
  let statements: [String: String]
  let findings: Findings

  /// nil after a mistake, which is reported.
  func resolve(_ draft: SystemDraft, seed: UInt64) -> SystemSpec? {
    guard !draft.isBroken else { return nil }
    let before = findings.diagnostics.all.count
    let draft = draft.withHiddenFault(findings)
    var isWhole = true
    checkTopics(draft)
    checkLocks(draft)
    for dataset in draft.data where dataset.rows > datasetRowsMax {
      findings.error(
        PerfDiagnosticID.outOfRange, "`\(dataset.name).rows` is at most \(datasetRowsMax), not \(dataset.rows)", remedy: "a lab's data is in memory",
        at: draft.place)
    }
    // Those that answer come first: a run's counters are those of the first role.
    let roles = (draft.roles.filter { !$0.isWorker } + draft.roles.filter(\.isWorker)).compactMap { role -> RoleSpec? in
      if role.isWorker {
        let spec = worker(role, draft)
        isWhole = isWhole && spec != nil
        return spec
      }
      if role.isEdge { return edgeRole(role, draft) }
      var spec = self.role(role, draft, &isWhole)
      spec.transport = transport(role)
      if text(role.params["conventions"]) == ConventionAge.old.rawValue { spec.conventions = .old }
      addInstances(to: &spec, role, draft, &isWhole)
      return spec
    }
    guard isWhole, !findings.diagnostics.all[before...].contains(where: { $0.severity == .error }) else { return nil }
    var system = SystemSpec(id: draft.id, seed: seed, roles: roles, data: draft.data)
    system.telemetry = telemetry(draft)
    return checkTransport(system, draft) ? system : nil
  }

  /// nil: plain HTTP/1.1.
  func transport(_ role: RoleDraft) -> LabTransport? { text(role.params["transport"]).flatMap(LabTransport.init) }

  /// One port has one transport, and only the first has another than HTTP/1.1.
  private func checkTransport(_ system: SystemSpec, _ draft: SystemDraft) -> Bool {
    let entry = system.frontEdge?.name
    let wanting = system.roles.filter { $0.transport != nil && (entry == nil || $0.name != entry) }
    guard let wrong = entry == nil ? wanting.dropFirst().first : wanting.first else { return true }
    findings.error(
      PerfDiagnosticID.doesNotApply,
      entry.map { "traffic enters at `\($0)`, and what is behind it speaks HTTP/1.1" } ?? "`\(wanting[0].name)` and `\(wrong.name)` share one port, which has one transport",
      remedy: "set `transport` of \(entry.map { "`\($0)`" } ?? "one of them")", at: draft.roles.first { $0.name == wrong.name }?.params["transport"]?.place ?? draft.place)
    return false
  }

  func role(_ role: RoleDraft, _ draft: SystemDraft, _ isWhole: inout Bool) -> RoleSpec {
    RoleSpec(
      name: role.name, workers: integer(role.params["workers"], Shape.role.key("workers")) ?? 32,
      queueLimit: integer(role.params["queue.limit"], Shape.queue.key("limit")) ?? 256,
      timeout: duration(role.params["timeout"], Shape.role.key("timeout")) ?? Nanoseconds(seconds: 10),
      routes: role.routes.map { route in
        let stages = stages(route, role, draft, inWorker: false)
        isWhole = isWhole && stages != nil
        return RouteSpec(method: route.method, path: route.path, stages: stages ?? [])
      })
  }

  func work(_ stage: StageDraft, _ route: RouteDraft, _ role: RoleDraft, _ draft: SystemDraft) -> StageWork? {
    switch stage.kind {
    case .cache: cache(stage, route, draft).map { .cache($0) }
    case .sql:
      statement(stage, route).map {
        .sql(
          SQLSpec(
            statement: $0, pool: integer(stage.params["pool"], stage.kind.key("pool")) ?? 5,
            durable: stage.params["durable"]?.value == .flag(true) ? true : nil))
      }
    case .wait: wait(stage).map { .wait($0) }
    case .cpu: cpu(stage).map { .cpu($0) }
    case .call: call(stage, route, draft).map { .call($0) }
    case .alloc: alloc(stage).map { .alloc($0) }
    case .io: io(stage).map { .io($0) }
    case .infer: infer(stage, role).map { .infer($0) }
    case .publish: publish(stage).map { .publish($0) }
    case .lock: .lock(LockSpec(lock: text(stage.params["name"]) ?? ""))
    case .limit: limit(stage, route).map { .limit($0) }
    case .error: error(stage, route).map { .error($0) }
    default: bytes(stage, route).map { .bytes($0) }
    }
  }

  private func cache(_ stage: StageDraft, _ route: RouteDraft, _ draft: SystemDraft) -> CacheSpec? {
    let params = stage.params
    guard params["capacity"] != nil || params["bytes"] != nil else {
      findings.error(
        PerfDiagnosticID.missingKey, "the cache `\(stage.name)` needs `capacity` or `bytes`",
        remedy: "such as `capacity: 1000`; 0 switches it off", at: stage.place)
      return nil
    }
    for name in ["bytes", "ttl"] {
      guard let given = params[name], let number = given.value.plain, number <= 0 else { continue }
      findings.error(
        PerfDiagnosticID.outOfRange, "`\(name)` of the cache `\(stage.name)` is above 0",
        remedy: name == "ttl" ? "leave it out, and entries never expire" : "`capacity: 0` switches the cache off", at: given.place)
      return nil
    }
    let key = text(params["key"]) ?? route.variables.map { "{\($0)}" }.joined(separator: "/")
    for name in templateVariables(key) where !route.variables.contains(name) {
      findings.error(
        PerfDiagnosticID.keyMismatch, "the cache's key uses `{\(name)}`, which is not in the route `\(route.path)`",
        remedy: suggestion(for: name, among: route.variables, what: "variables of the route"), at: params["key"]?.place ?? stage.place)
    }
    if let l2 = text(params["l2"]), !Self.isNear(l2) {
      findings.error(
        PerfDiagnosticID.wrongType, "`l2` of the cache `\(stage.name)` is `lab` or a memcached on this machine, not `\(l2)`",
        remedy: "write `lab`, or 127.0.0.1:PORT", at: params["l2"]?.place ?? stage.place)
    }
    var invalidateOn: String?
    if let written = text(params["invalidate_on"]) {
      let known = draft.clientRoutes.map { "\($0.method) \($0.path)" }
      if !known.contains(written) {
        findings.error(
          PerfDiagnosticID.unknownRoute, "`invalidate_on` names `\(written)`, which is no route of the system `\(draft.id)`",
          remedy: suggestion(for: written, among: known, what: "its routes"), at: params["invalidate_on"]?.place ?? stage.place)
      }
      invalidateOn = written
    }
    return CacheSpec(
      key: key, policy: text(params["policy"]).flatMap(CachePolicy.init) ?? .lru, capacity: params["capacity"]?.value.plain.map { Int($0) },
      bytes: params["bytes"]?.value.plain.map { Int($0) }, ttl: duration(params["ttl"], nil), jitter: params["jitter"]?.value.plain ?? 0,
      singleFlight: params["single_flight"]?.value == .flag(true), l2: text(params["l2"]), invalidateOn: invalidateOn)
  }

  /// The lab contacts nobody elsewhere.
  private static func isNear(_ address: String) -> Bool {
    let parts = address.split(separator: ":", omittingEmptySubsequences: false)
    return address == "lab" || parts.count == 2 && ["127.0.0.1", "localhost"].contains(parts[0]) && Int(parts[1]).map { (1...65_535).contains($0) } == true
  }

  private func statement(_ stage: StageDraft, _ route: RouteDraft) -> String? {
    if let statement = text(stage.params["statement"]) { return statement }
    guard let fence = text(stage.params["fence"]) else { return nil }
    guard let statement = statements[fence] else {
      findings.error(
        PerfDiagnosticID.unknownFence, "there is no `sql` code fence `#\(fence)`",
        remedy: statements.isEmpty
          ? "add one: ```sql #\(fence)" : suggestion(for: fence, among: Array(statements.keys.sorted()), what: "sql fences"),
        at: stage.params["fence"]?.place ?? stage.place)
      return nil
    }
    return statement
  }

  private func call(_ stage: StageDraft, _ route: RouteDraft, _ draft: SystemDraft) -> CallSpec? {
    guard let path = text(stage.params["path"]), let k = integer(stage.params["k"], stage.kind.key("k")) else { return nil }
    let owner = draft.roles.first { role in !role.isWorker && role.routes.contains { $0.method == route.method && $0.path == route.path } }
    let name = text(stage.params["to"]) ?? owner?.name ?? ""
    guard let role = draft.roles.first(where: { $0.name == name }) else {
      findings.error(
        PerfDiagnosticID.unknownTarget, "the call `\(stage.name)` goes to `\(name)`, which is no role of the system `\(draft.id)`",
        remedy: suggestion(for: name, among: draft.roles.map(\.name), what: "its roles"), at: stage.params["to"]?.place ?? stage.place)
      return nil
    }
    // An edge answers for the role behind it.
    guard let target = draft.routes(of: role).first(where: { $0.method == "GET" && samePath($0.path, path) }) else {
      findings.error(
        PerfDiagnosticID.unknownRoute, "the call `\(stage.name)` asks for `GET \(path)`, which is no route of `\(name)`",
        remedy: suggestion(for: path, among: draft.routes(of: role).filter { $0.method == "GET" }.map(\.path), what: "its paths"),
        at: stage.params["path"]?.place ?? stage.place)
      return nil
    }
    for variable in templateVariables(path) where !route.variables.contains(variable) {
      findings.error(
        PerfDiagnosticID.keyMismatch, "the call's path uses `{\(variable)}`, which is not in the route `\(route.path)`",
        remedy: "write a value, or a variable of the route", at: stage.params["path"]?.place ?? stage.place)
    }
    guard k <= 1_000 else {
      findings.error(
        PerfDiagnosticID.outOfRange, "a request makes at most 1000 calls, not \(k)", remedy: "write at most 1000",
        at: stage.params["k"]?.place ?? stage.place)
      return nil
    }
    if let circle = circle(from: target, in: role, draft, [route]) {
      findings.error(
        PerfDiagnosticID.cycle, "these routes call each other: \(circle.map(\.path).joined(separator: " → "))",
        remedy: "a request would never end: cut one call", at: stage.params["path"]?.place ?? stage.place)
      return nil
    }
    return CallSpec(role: name, path: path, k: k, mode: text(stage.params["mode"]).flatMap(CallSpec.Mode.init) ?? .serial)
  }

  /// The calls that lead from `route` back to one of `above`.
  private func circle(from route: RouteDraft, in role: RoleDraft, _ draft: SystemDraft, _ above: [RouteDraft]) -> [RouteDraft]? {
    if above.contains(where: { $0.method == route.method && $0.path == route.path }) { return above + [route] }
    for stage in route.stages where stage.kind == .call && !stage.isOff {
      let name = text(stage.params["to"]) ?? role.name
      guard let path = text(stage.params["path"]), let next = draft.roles.first(where: { $0.name == name }),
        let target = draft.routes(of: next).first(where: { $0.method == "GET" && samePath($0.path, path) })
      else { continue }
      if let circle = circle(from: target, in: next, draft, above + [route]) { return circle }
    }
    return nil
  }

  /// A path that a route answers, segment by segment.
  func samePath(_ pattern: String, _ path: String) -> Bool {
    let (a, b) = (pattern.split(separator: "/"), path.split(separator: "/"))
    return a.count == b.count && zip(a, b).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
  }

  private func cpu(_ stage: StageDraft) -> CPUSpec? {
    guard let work = text(stage.params["work"]).flatMap(CPUWork.init), let units = integer(stage.params["units"], nil)
    else { return nil }
    guard units <= work.unitsMax else {
      findings.error(
        PerfDiagnosticID.outOfRange, "`units` of the work `\(work.rawValue)` is at most \(work.unitsMax), not \(units)",
        remedy: "a call of more than about a second is no request", at: stage.params["units"]?.place ?? stage.place)
      return nil
    }
    return CPUSpec(work: work, units: units)
  }

  // MARK: Values, with the table's standard

  func text(_ parameter: Parameter?) -> String? {
    if case .text(let text)? = parameter?.value { text } else { nil }
  }

  func integer(_ parameter: Parameter?, _ key: Key?) -> Int? { value(parameter, key)?.plain.map { Int($0) } }

  func duration(_ parameter: Parameter?, _ key: Key?) -> Nanoseconds? {
    if case .duration(let time)? = value(parameter, key) { time } else { nil }
  }

  func value(_ parameter: Parameter?, _ key: Key?) -> Value? {
    if let parameter { return parameter.value }
    guard let key, let standard = key.standard, case .success(let value) = parseValue(standard, key.type) else { return nil }
    return value
  }
}
