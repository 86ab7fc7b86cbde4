// An edge's parameters → EdgeSpec, and a role's instances; with the rules that hold between parameters and roles.

import ExperimentModel
import TextModel

extension SystemResolver {
  /// A role without workers, queue or routes; those it has are behind it.
  func edgeRole(_ role: RoleDraft, _ draft: SystemDraft) -> RoleSpec {
    var spec = RoleSpec(name: role.name, kind: "edge", workers: 0, queueLimit: 0, timeout: .zero, routes: [])
    spec.edge = edge(role, draft)
    spec.transport = transport(role)
    spec.timeout = spec.edge?.timeout ?? .zero
    return spec
  }

  private func edge(_ role: RoleDraft, _ draft: SystemDraft) -> EdgeSpec? {
    guard let upstream = upstream(role, draft), let balance = word(role, "balance", BalancePolicy.init) else { return nil }
    var spec = EdgeSpec(upstream: upstream.name, balance: balance)
    spec.weights = weights(role, balance, count: instanceCount(upstream))
    spec.hashKey = hashKey(role, balance, draft.routes(of: role))
    if let bound = value(role, "bound")?.plain { spec.bound = bound }
    if role.params["bound"] != nil, balance != .boundedHash { doesNothing(role, "bound", with: balance, than: "bounded_hash") }
    spec.connections = value(role, "connections")?.plain.map { Int($0) } ?? 256
    spec.timeout = positive(role, "timeout") ?? Nanoseconds(seconds: 10)
    if isOn(role, "health") {
      spec.health = HealthSpec(
        interval: positive(role, "health.interval") ?? Nanoseconds(seconds: 1), fall: count(role, "health.fall"), rise: count(role, "health.rise"),
        path: text(role.params["health.path"]), passive: value(role, "health.passive") == .flag(true))
      if let path = spec.health?.path, !isPath(path) {
        findings.error(PerfDiagnosticID.badRoute, "`\(path)` is not a path", remedy: "such as /product/1", at: place(role, "health.path"))
      }
    }
    for (part, key) in [("retry", "max"), ("hedge", "after"), ("shed", "queue_delay")] where isOn(role, part) && role.params["\(part).\(key)"] == nil {
      findings.error(
        PerfDiagnosticID.missingKey, "`\(part)` of `\(role.name)` needs `\(key)`", remedy: "set `\(role.name).\(part).\(key)` too", at: place(role, part))
    }
    spec.cache = cache(role)
    spec.limit = limit(role)
    spec.retry = retry(role)
    spec.hedge = hedge(role, draft)
    if isOn(role, "breaker") {
      spec.breaker = BreakerSpec(
        failures: count(role, "breaker.failures"), share: role.params["breaker.share"]?.value.plain, window: count(role, "breaker.window"),
        cooldown: positive(role, "breaker.cooldown") ?? Nanoseconds(seconds: 5))
      if role.params["breaker.window"] != nil, role.params["breaker.share"] == nil {
        findings.error(
          PerfDiagnosticID.doesNotApply, "`window` of a breaker does nothing without `share`", remedy: "add `share: 50pct`, or leave it out",
          at: place(role, "breaker.window"))
      }
    }
    if isOn(role, "shed") { spec.shed = positive(role, "shed.queue_delay").map { ShedSpec(queueDelay: $0) } }
    spec.shape = link(role)
    return spec
  }

  // MARK: Who is behind

  private func upstream(_ role: RoleDraft, _ draft: SystemDraft) -> RoleDraft? {
    guard let name = role.upstream else { return nil }
    let others = draft.roles.map(\.name).filter { $0 != role.name }
    guard let found = draft.roles.first(where: { $0.name == name }) else {
      findings.error(
        PerfDiagnosticID.unknownTarget, "`upstream` of `\(role.name)` is `\(name)`, which is no role of the system `\(draft.id)`",
        remedy: suggestion(for: name, among: others, what: "its roles"), at: place(role, "upstream"))
      return nil
    }
    var above = [role.name]
    var next = found
    while next.isEdge {
      if above.contains(next.name) {
        findings.error(
          PerfDiagnosticID.cycle, "these edges ask each other: \((above + [next.name]).joined(separator: " → "))",
          remedy: "a request would never end: let one of them ask an origin", at: place(role, "upstream"))
        return nil
      }
      above.append(next.name)
      // A missing one is reported where it is written.
      guard let name = next.upstream, let deeper = draft.roles.first(where: { $0.name == name }) else { return nil }
      next = deeper
    }
    return found
  }

  private func instanceCount(_ role: RoleDraft) -> Int { role.isEdge ? 1 : integer(role.params["count"], nil) ?? 1 }

  /// The role's `count`, and those of its instances that differ.
  func addInstances(to spec: inout RoleSpec, _ role: RoleDraft, _ draft: SystemDraft, _ isWhole: inout Bool) {
    let count = instanceCount(role)
    if count > 64 {
      findings.error(PerfDiagnosticID.outOfRange, "`count` is at most 64, not \(count)", remedy: "one lab serves them all", at: place(role, "count"))
    }
    if count > 1, !draft.roles.contains(where: { $0.upstream == role.name }) {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`count` of `\(role.name)` does nothing: no edge shares the requests among them",
        remedy: "add `edge: {upstream: \(role.name)}`", at: place(role, "count"))
    }
    if count > 1 { spec.count = count }
    var instances: [Int: InstanceSpec] = [:]
    for number in Set(role.overrides.map(\.number)).sorted() {
      guard number <= count else {
        findings.error(
          PerfDiagnosticID.outOfRange, "`\(role.name)` has no instance \(number): its `count` is \(count)", remedy: "number them from 1",
          at: role.overrides.first { $0.number == number }?.value.place ?? role.place)
        continue
      }
      let own = self.role(role.instance(number, of: draft), draft, &isWhole)
      instances[number] = InstanceSpec(workers: own.workers, queueLimit: own.queueLimit, timeout: own.timeout, routes: own.routes)
    }
    if !instances.isEmpty { spec.instances = instances }
  }

  // MARK: Balance

  private func weights(_ role: RoleDraft, _ balance: BalancePolicy, count: Int) -> [Double]? {
    guard let parameter = role.params["weights"], case .texts(let texts) = parameter.value else { return nil }
    let numbers = texts.compactMap { text in WrittenQuantity(text).flatMap { $0.unit.isEmpty && $0.number > 0 ? $0.number : nil } }
    guard numbers.count == texts.count, numbers.count == count else {
      findings.error(
        PerfDiagnosticID.outOfRange, "`weights` are \(count) numbers above 0, one for each instance",
        remedy: "such as [\(Array(repeating: "1", count: min(count, 8)).joined(separator: ", "))]", at: parameter.place)
      return nil
    }
    if [.roundRobin, .random].contains(balance) { doesNothing(role, "weights", with: balance, than: "wrr") }
    return numbers
  }

  private func hashKey(_ role: RoleDraft, _ balance: BalancePolicy, _ routes: [RouteDraft]) -> String? {
    guard let key = text(role.params["hash_key"]) else { return nil }
    if ![.hash, .boundedHash].contains(balance) { doesNothing(role, "hash_key", with: balance, than: "hash") }
    if isHeader(key) { return key }
    let known = Set(routes.flatMap(\.variables)).sorted()
    guard key.hasPrefix("{"), key.hasSuffix("}"), known.contains(String(key.dropFirst().dropLast())) else {
      findings.error(
        PerfDiagnosticID.keyMismatch, "`hash_key` is `\(key)`, which is no variable of a route behind `\(role.name)`",
        remedy: suggestion(for: key, among: known.map { "{\($0)}" }, what: "variables of its routes") + ", or `header:NAME`",
        at: place(role, "hash_key"))
      return nil
    }
    return key
  }

  private func doesNothing(_ role: RoleDraft, _ name: String, with balance: BalancePolicy, than policy: String) {
    findings.error(
      PerfDiagnosticID.doesNotApply, "`\(name)` does nothing with `balance: \(balance.rawValue)`", remedy: "it is for `balance: \(policy)`",
      at: place(role, name))
  }

  // MARK: Parts

  private func cache(_ role: RoleDraft) -> EdgeCacheSpec? {
    guard isOn(role, "cache") else { return nil }
    let (capacity, bytes) = (role.params["cache.capacity"]?.value.plain, role.params["cache.bytes"]?.value.plain)
    guard capacity != nil || bytes != nil else {
      findings.error(
        PerfDiagnosticID.missingKey, "the cache of `\(role.name)` needs `capacity` or `bytes`", remedy: "such as `bytes: 16MiB`",
        at: place(role, "cache"))
      return nil
    }
    // Like that of a cache stage: a sweep from 0 starts without a cache.
    if capacity == 0 { return nil }
    var spec = EdgeCacheSpec(policy: word(role, "cache.policy", CachePolicy.init) ?? .lru, capacity: capacity.map { Int($0) }, bytes: bytes.map { Int($0) })
    spec.ttl = role.params["cache.ttl"] == nil ? nil : positive(role, "cache.ttl")
    spec.singleFlight = value(role, "cache.single_flight") == .flag(true)
    if case .texts(let names)? = role.params["cache.ignore_query"]?.value { spec.ignoreQuery = names }
    return spec
  }

  private func limit(_ role: RoleDraft) -> EdgeLimitSpec? {
    guard isOn(role, "limit") else { return nil }
    let (rate, most) = (role.params["limit.rate"]?.value.plain, role.params["limit.concurrency"]?.value.plain)
    guard rate != nil || most != nil else {
      findings.error(
        PerfDiagnosticID.missingKey, "the limit of `\(role.name)` needs `rate` or `concurrency`", remedy: "such as `rate: 10rps`",
        at: place(role, "limit"))
      return nil
    }
    for name in ["burst", "key"] where rate == nil && role.params["limit.\(name)"] != nil {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(name)` does nothing without `rate`", remedy: "it is of the token bucket", at: place(role, "limit.\(name)"))
    }
    if let rate, !(0.001...1_000_000).contains(rate) {
      findings.error(
        PerfDiagnosticID.outOfRange, "`rate` of a limit lies between 0.001rps and 1000000rps", remedy: "such as 10rps", at: place(role, "limit.rate"))
      return nil
    }
    let key = text(role.params["limit.key"])
    if let key, !isHeader(key) {
      findings.error(
        PerfDiagnosticID.keyMismatch, "`key` of a limit is `header:NAME`, not `\(key)`",
        remedy: "such as `header:X-Client`; all clients are on this machine, so their addresses tell nothing", at: place(role, "limit.key"))
    }
    return EdgeLimitSpec(
      rate: rate, burst: count(role, "limit.burst"), header: key.map { String($0.dropFirst(7)) }, concurrency: most.map { Int($0) })
  }

  private func retry(_ role: RoleDraft) -> RetrySpec? {
    guard isOn(role, "retry"), let max = integer(role.params["retry.max"], nil), let backoff = word(role, "retry.backoff", RetrySpec.Backoff.init)
    else { return nil }
    if max > 10 {
      findings.error(PerfDiagnosticID.outOfRange, "`max` of retries is at most 10, not \(max)", remedy: "three are many", at: place(role, "retry.max"))
    }
    for name in ["base", "cap"] where backoff == .none && role.params["retry.\(name)"] != nil {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(name)` does nothing with `backoff: none`", remedy: "it is for `backoff: full-jitter`",
        at: place(role, "retry.\(name)"))
    }
    return RetrySpec(
      max: max, budget: role.params["retry.budget"]?.value.plain, backoff: backoff, base: positive(role, "retry.base") ?? Nanoseconds(10_000_000),
      cap: positive(role, "retry.cap") ?? Nanoseconds(seconds: 1))
  }

  private func hedge(_ role: RoleDraft, _ draft: SystemDraft) -> HedgeSpec? {
    guard isOn(role, "hedge"), let after = text(role.params["hedge.after"]) else { return nil }
    let routes = draft.routes(of: role)
    if !routes.isEmpty, !routes.contains(where: { ["GET", "HEAD", "PUT", "DELETE"].contains($0.method) }) {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`hedge` does nothing: no route behind `\(role.name)` may be asked twice",
        remedy: "only GET, HEAD, PUT and DELETE are hedged", at: place(role, "hedge"))
    }
    if after.hasPrefix("p"), let digits = WrittenQuantity(String(after.dropFirst())), digits.unit.isEmpty, (1...99.9).contains(digits.number) {
      return .quantile(digits.number / 100)
    }
    if case .success(.duration(let time)?) = parseValue(after, .duration), time > .zero { return .time(time) }
    findings.error(
      PerfDiagnosticID.wrongType, "`after` is a time or a percentile, not `\(after)`", remedy: "such as `30ms` or `p95`", at: place(role, "hedge.after"))
    return nil
  }

  private func link(_ role: RoleDraft) -> LinkSpec? {
    guard isOn(role, "shape") else { return nil }
    let (rate, window) = (role.params["shape.rate"]?.value.plain, role.params["shape.window"]?.value.plain)
    var spec = LinkSpec(rate: rate, window: window.map { Int($0) })
    spec.delay = role.params["shape.delay"].flatMap { duration($0, nil) } ?? .zero
    spec.jitter = role.params["shape.jitter"].flatMap { duration($0, nil) } ?? .zero
    if spec == LinkSpec() {
      findings.error(
        PerfDiagnosticID.missingKey, "the shape of `\(role.name)` needs `delay` or `rate`", remedy: "such as `delay: 80ms`", at: place(role, "shape"))
    }
    if spec.jitter > spec.delay {
      findings.error(
        PerfDiagnosticID.outOfRange, "`jitter` is more than `delay`: nothing arrives before it was sent", remedy: "write at most the delay",
        at: place(role, "shape.jitter"))
    }
    if window != nil, spec.delay == .zero {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`window` does nothing without `delay`: credit would return at once", remedy: "add `delay: 80ms`",
        at: place(role, "shape.window"))
    }
    for (name, least) in [("rate", 1_000.0), ("window", 1_024.0)] {
      guard let given = role.params["shape.\(name)"]?.value.plain, given < least else { continue }
      findings.error(
        PerfDiagnosticID.outOfRange, "`\(name)` of a shape is at least \(Int(least))B", remedy: "such as 256KiB", at: place(role, "shape.\(name)"))
    }
    return spec
  }

  /// The fields of an answer that caches go by.
  func addFields(to spec: inout BytesSpec, _ stage: StageDraft) {
    for (name, field) in [("cache_control", \BytesSpec.cacheControl), ("vary", \.vary), ("set_cookie", \.setCookie)] {
      guard let parameter = stage.params[name], let text = text(parameter) else { continue }
      if !text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) {
        findings.error(PerfDiagnosticID.wrongType, "`\(name)` is one line of ASCII text", remedy: "such as `max-age=60`", at: parameter.place)
      }
      spec[keyPath: field] = text
    }
  }

  // MARK: Values

  private func isOn(_ role: RoleDraft, _ part: String) -> Bool {
    role.params[part] != nil && role.params["\(part).off"]?.value != .flag(true)
  }

  private func place(_ role: RoleDraft, _ param: String) -> SourceRange {
    role.params[param]?.place ?? role.params[String(param.prefix { $0 != "." })]?.place ?? role.place
  }

  private func value(_ role: RoleDraft, _ param: String) -> Value? {
    value(role.params[param], SystemDraft.edgePathKeys.first { $0.name == param })
  }

  private func count(_ role: RoleDraft, _ param: String) -> Int { value(role, param)?.plain.map { Int($0) } ?? 1 }

  private func word<Word>(_ role: RoleDraft, _ param: String, _ make: (String) -> Word?) -> Word? {
    if case .text(let text)? = value(role, param) { make(text) } else { nil }
  }

  /// A time above 0; nil when there is none, or after a report.
  private func positive(_ role: RoleDraft, _ param: String) -> Nanoseconds? {
    guard case .duration(let time)? = value(role, param) else { return nil }
    guard time > .zero else {
      findings.error(
        PerfDiagnosticID.outOfRange, "`\(param.split(separator: ".").last ?? "")` is a time above 0", remedy: "such as 100ms", at: place(role, param))
      return nil
    }
    return time
  }

  private func isHeader(_ key: String) -> Bool {
    let name = key.dropFirst(7)
    return key.hasPrefix("header:") && !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }
  }
}

extension RoleDraft {
  /// What a fault may name: the role, or one of its instances.
  var targets: [String] {
    let count = params["count"]?.value.plain.map { Int($0) } ?? 1
    return [name] + (count > 1 ? (1...min(count, 64)).map { "\(name).\($0)" } : [])
  }
}
