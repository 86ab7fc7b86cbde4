// The stages `publish`, `limit` and `error` of a SystemDraft → specs, and the order in which locks are taken.

import ExperimentModel
import TextModel

extension SystemResolver {
  func publish(_ stage: StageDraft) -> PublishSpec? {
    guard let topic = text(stage.params["topic"]) else { return nil }
    let limit = integer(stage.params["limit"], nil)
    if limit == nil, let full = stage.params["full"] {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`full` does nothing without `limit`: the topic `\(topic)` takes what the disk holds",
        remedy: "such as `limit: 200`", at: full.place)
    }
    let size = stage.params["size"]?.value.plain.map { Int($0) } ?? 0
    guard size <= 1 << 20 else {
      findings.error(
        PerfDiagnosticID.outOfRange, "`size` of a message is at most 1MiB, not \(size) B", remedy: "write at most 1MiB",
        at: stage.params["size"]?.place ?? stage.place)
      return nil
    }
    return PublishSpec(
      topic: topic, fsync: text(stage.params["fsync"]).flatMap(FsyncPolicy.init) ?? .each, size: size, limit: limit,
      full: text(stage.params["full"]).flatMap(PublishSpec.Overflow.init) ?? .reject)
  }

  func limit(_ stage: StageDraft, _ route: RouteDraft) -> LimitSpec? {
    guard case .rate(let rate)? = stage.params["rate"]?.value else { return nil }
    let burst = integer(stage.params["burst"], stage.kind.key("burst")) ?? 1
    let milli = (rate * 1_000).rounded()
    guard (1...1e9).contains(milli), burst <= 1_000_000 else {
      findings.error(
        PerfDiagnosticID.outOfRange,
        burst > 1_000_000 ? "`burst` is at most 1000000, not \(burst)" : "`rate` of a limit is from 0.001rps to 1000000rps",
        remedy: "without any token nobody would ever pass",
        at: stage.params[burst > 1_000_000 ? "burst" : "rate"]?.place ?? stage.place)
      return nil
    }
    return LimitSpec(
      milliTokensPerSecond: Int(milli), burst: burst, key: key(stage, route), headers: stage.params["headers"]?.value == .flag(true))
  }

  func error(_ stage: StageDraft, _ route: RouteDraft) -> ErrorSpec? {
    let status = integer(stage.params["status"], stage.kind.key("status")) ?? 500
    guard status <= 599 else {
      findings.error(
        PerfDiagnosticID.outOfRange, "`status` of an error is from 400 to 599, not \(status)", remedy: "such as 503",
        at: stage.params["status"]?.place ?? stage.place)
      return nil
    }
    if stage.params["share"] == nil, stage.params["slow_share"] == nil {
      findings.error(
        PerfDiagnosticID.missingKey, "the error `\(stage.name)` needs `share` or `slow_share`", remedy: "such as `share: 1pct`", at: stage.place)
      return nil
    }
    return ErrorSpec(
      share: stage.params["share"]?.value.plain ?? 0, status: status, seed: UInt64(integer(stage.params["seed"], stage.kind.key("seed")) ?? 1),
      key: key(stage, route), slow: slow(stage))
  }

  private func slow(_ stage: StageDraft) -> ErrorSpec.Slow? {
    guard let share = stage.params["slow_share"]?.value.plain else {
      for name in ["slow_by", "stands_for"] {
        guard let useless = stage.params[name] else { continue }
        findings.error(
          PerfDiagnosticID.doesNotApply, "`\(name)` of the error `\(stage.name)` does nothing without `slow_share`", remedy: "such as `slow_share: 3pct`",
          at: useless.place)
      }
      return nil
    }
    guard let by = duration(stage.params["slow_by"], nil) else {
      findings.error(
        PerfDiagnosticID.missingKey, "`slow_share` of the error `\(stage.name)` needs `slow_by`", remedy: "such as `slow_by: 120ms`", at: stage.place)
      return nil
    }
    guard let standsFor = text(stage.params["stands_for"]) else {
      findings.error(
        PerfDiagnosticID.missingStandsFor, "`slow_by` without `stands_for` would be an unlabelled sleep",
        remedy: "say which remote party it stands for: `stands_for: a cold replica`", at: stage.place)
      return nil
    }
    return ErrorSpec.Slow(share: share, by: by, standsFor: standsFor)
  }

  /// A template whose variables the route has.
  private func key(_ stage: StageDraft, _ route: RouteDraft) -> String {
    let key = text(stage.params["key"]) ?? ""
    for name in templateVariables(key) where !route.variables.contains(name) {
      findings.error(
        PerfDiagnosticID.keyMismatch, "the key of `\(stage.name)` uses `{\(name)}`, which is not in the route `\(route.path)`",
        remedy: suggestion(for: name, among: route.variables, what: "variables of the route"), at: stage.params["key"]?.place ?? stage.place)
    }
    return key
  }

  // MARK: Locks

  /// Two requests that take two locks in different orders wait for each other for ever, and one that takes a lock twice for
  /// itself; a call inside a lock takes those of the route that it asks.
  func checkLocks(_ draft: SystemDraft) {
    var order: [(outer: String, inner: String, place: SourceRange)] = []
    for role in draft.roles {
      for route in role.routes { walkLocks(route, role, draft, held: [], above: [], into: &order) }
    }
    for (outer, inner, place) in order {
      guard let way = way(from: inner, to: outer, order.map { ($0.outer, $0.inner) }) else { continue }
      findings.error(
        PerfDiagnosticID.cycle,
        outer == inner
          ? "the lock `\(outer)` is taken inside itself: the request would wait for itself"
          : "these locks are taken inside each other: \(([outer] + way).joined(separator: " → "))",
        remedy: outer == inner ? "take the inner one out" : "take them in one order everywhere", at: place)
    }
  }

  private func walkLocks(
    _ route: RouteDraft, _ role: RoleDraft, _ draft: SystemDraft, held: [(name: String, place: SourceRange)], above: [String],
    into order: inout [(outer: String, inner: String, place: SourceRange)]
  ) {
    var open: [(name: String, place: SourceRange)?] = []
    for stage in route.stages {
      if stage.isEnd {
        _ = open.popLast()
      } else if stage.kind == .lock, !stage.isOff, let name = text(stage.params["name"]) {
        // A lock that a call takes is reported where the call is.
        for outer in held { order.append((outer.name, name, outer.place)) }
        for outer in open.compactMap({ $0 }) { order.append((outer.name, name, stage.place)) }
        open.append((name, stage.place))
      } else if stage.kind == .lock {
        open.append(nil)
      } else if stage.kind == .call, !stage.isOff, let path = text(stage.params["path"]) {
        let name = text(stage.params["to"]) ?? role.name
        let mark = "\(name) \(path)"
        let inside = held + open.compactMap { $0.map { ($0.name, stage.place) } }
        guard !inside.isEmpty, !above.contains(mark), let callee = draft.roles.first(where: { $0.name == name }),
          let target = callee.routes.first(where: { $0.method == "GET" && samePath($0.path, path) })
        else { continue }
        walkLocks(target, callee, draft, held: inside, above: above + [mark], into: &order)
      }
    }
  }

  /// The locks on the way from one to another; empty steps do not count, so a lock is not on the way to itself.
  private func way(from start: String, to end: String, _ edges: [(outer: String, inner: String)]) -> [String]? {
    if start == end { return [start] }
    var open = [[start]]
    var seen: Set<String> = [start]
    while !open.isEmpty {
      let path = open.removeFirst()
      for edge in edges where edge.outer == path.last && seen.insert(edge.inner).inserted {
        if edge.inner == end { return path + [end] }
        open.append(path + [edge.inner])
      }
    }
    return nil
  }
}
