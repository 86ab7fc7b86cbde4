// The traffic of one arm: the keys of a load block, overridden by those of a variant and by the value
// of a sweep, become a LoadProfile. Says which keys an executor needs, and which would do nothing.

import ExperimentModel
import StrictYAML
import TextModel

/// A variant's keys over its block's; the first that has a key gives it.
struct TrafficReader {
  let layers: [Fields]
  /// A load field that a sweep varies, with this arm's value.
  var varied: (name: String, value: Value)?
  let draft: SystemDraft
  let seed: UInt64
  /// A file of the course's folder; nil: not there.
  let readFile: (String) -> String?
  let findings: Findings

  func layer(_ key: String) -> Fields? { layers.first { $0.has(key) } }
  private func has(_ key: String) -> Bool { varied?.name == key || layer(key) != nil }
  private func value(_ key: String) -> Value? {
    if let varied, varied.name == key { return varied.value }
    return (layer(key) ?? layers[layers.count - 1]).value(key)
  }
  private func integer(_ key: String) -> Int? { value(key)?.plain.map { Int($0) } }
  private func duration(_ key: String) -> Nanoseconds? { if case .duration(let time)? = value(key) { time } else { nil } }
  private func place(_ key: String) -> SourceRange { (layer(key) ?? layers[layers.count - 1]).place(key) }

  /// Needed and allowed keys of each executor.
  static let keys: [Executor: (needed: [String], allowed: [String])] = [
    .constantArrivalRate: (["rate", "duration"], ["arrivals"]),
    .rampingArrivalRate: (["stages"], ["arrivals"]),
    .constantVUs: (["vus", "duration"], ["thinkTime"]),
    .rampingVUs: (["stages"], ["thinkTime"]),
    .sharedIterations: (["vus", "iterations"], ["thinkTime"]),
  ]

  /// nil after a mistake, which is reported.
  func profile() -> LoadProfile? {
    guard case .text(let word)? = value("executor"), let executor = Executor(rawValue: word), let rule = Self.keys[executor] else {
      return nil
    }
    for key in rule.needed where !has(key) && !layers.contains(where: { $0.mentions(key) }) {
      findings.error(
        PerfDiagnosticID.missingKey, "the executor \(word) needs `\(key)`", remedy: "such as `\(key): \(Self.examples[key] ?? "…")`",
        at: place("executor"))
    }
    for key in ["rate", "duration", "stages", "vus", "iterations", "thinkTime", "arrivals"]
    where has(key) && !rule.needed.contains(key) && !rule.allowed.contains(key) {
      // A variant may choose another executor and leave its block's keys without effect.
      guard layers.count == 1 || layers[0].has(key) || !layers[0].has("executor") else { continue }
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(key)` does nothing with the executor \(word)",
        remedy: "leave it out; \(word) has \((rule.needed + rule.allowed).map { "`\($0)`" }.joined(separator: ", "))", at: place(key))
    }
    guard rule.needed.allSatisfy(has) else { return nil }
    let stages = has("stages") && rule.needed.contains("stages") ? ramps(executor) : []
    let time =
      rule.needed.contains("stages")
      ? stages.reduce(Nanoseconds.zero) { $0 + $1.duration } : rule.needed.contains("duration") ? duration("duration") ?? .zero : .zero
    let rate = rule.needed.contains("rate") ? value("rate")?.plain : nil
    if let rate, rate <= 0 || rate > 1_000_000 {
      findings.error(
        PerfDiagnosticID.outOfRange, "`rate` lies above 0 and at most at 1000000rps", remedy: "such as 120rps", at: place("rate"))
      return nil
    }
    if rule.needed.contains("duration"), time.rawValue <= 0 || time.seconds > 3600 {
      findings.error(PerfDiagnosticID.outOfRange, "`duration` lies above 0 and at most at 1h", remedy: "such as 4s", at: place("duration"))
      return nil
    }
    guard let (requests, journeys) = scenario() else { return nil }
    let data = dataTable()
    // A broken `data` has been reported; what it would have filled is not worth another error.
    if data != nil || !layers.contains(where: { $0.mentions("data") }) {
      checkVariables(requests, journeys, data?.columns ?? [], at: place("scenario"))
    }
    var arrivals = Arrivals.poisson
    if case .text(let word)? = value("arrivals") { arrivals = Arrivals(rawValue: word) ?? .poisson }
    var profile = LoadProfile(
      executor: executor, arrivals: arrivals, rate: rate, duration: time, stages: stages,
      vus: rule.needed.contains("vus") ? integer("vus") : nil,
      iterations: rule.needed.contains("iterations") ? integer("iterations") : nil, connections: integer("connections"),
      thinkTime: rule.allowed.contains("thinkTime") ? duration("thinkTime") : nil, requests: requests,
      timeout: duration("timeout") ?? Nanoseconds(seconds: 10), seed: seed)
    if !journeys.isEmpty { profile.journeys = journeys }
    profile.data = data
    if case .flag(true)? = value("cookies") { profile.cookies = true }
    return profile
  }

  static let examples = [
    "rate": "120rps", "duration": "4s", "vus": "16", "iterations": "20000", "stages": "[{target: 40rps, duration: 1s}]",
  ]

  private func ramps(_ executor: Executor) -> [RampStage] {
    let items = layer("stages")?.items("stages") ?? []
    if items.isEmpty {
      findings.error(
        PerfDiagnosticID.outOfRange, "`stages` is empty", remedy: "such as [{target: 40rps, duration: 1s}]", at: place("stages"))
    }
    return items.compactMap { item in
      let fields = Fields(item, .stage, findings)
      guard let node = fields.contents("target"), let duration = fields.duration("duration") else { return nil }
      let type: KeyType = executor.isOpen ? .rate : .integer(0)
      switch parseValue(node.text ?? "", type) {
      case .success(let value): return value?.plain.map { RampStage(target: $0, duration: duration, jump: fields.flag("jump") ? true : nil) }
      case .failure(let problem):
        findings.error(problem.id, "`target` of \(executor.rawValue) is \(problem.cause)", remedy: problem.remedy, at: node.range)
        return nil
      }
    }
  }

  // MARK: Scenario

  /// Single requests and journeys; nil after a mistake.
  private func scenario() -> (requests: [RequestSpec], journeys: [JourneySpec])? {
    guard let scenario = layer("scenario") else { return nil }
    let items = scenario.items("scenario")
    guard !items.isEmpty else {
      findings.error(
        PerfDiagnosticID.outOfRange, "`scenario` has no request", remedy: "such as [{get: \"/product/{id}\", key: products}]",
        at: scenario.place("scenario"))
      return nil
    }
    let areJourneys = items.map { item in item.entries?.contains { $0.key == "journey" } ?? false }
    let single = zip(items, areJourneys).filter { !$1 }.map(\.0)
    let requests = single.compactMap(request)
    guard let journeys = journeys(zip(items, areJourneys).filter { $1 }.map(\.0)), requests.count == single.count else { return nil }
    guard requests.contains(where: { $0.weight > 0 }) || journeys.contains(where: { $0.weight > 0 }) else {
      findings.error(
        PerfDiagnosticID.outOfRange, "every request of the scenario has the weight 0",
        remedy: "leave `weight` out, or give one a weight above 0", at: scenario.place("scenario"))
      return nil
    }
    return (requests, journeys)
  }

  func request(_ item: YAMLNode) -> RequestSpec? {
    let fields = Fields(item, .request, findings)
    let verbs = ["get", "head", "post", "put", "patch", "delete"].filter { fields.has($0) }
    guard verbs.count == 1, let path = fields.text(verbs[0]) else {
      if !fields.isBroken || verbs.count > 1 {
        findings.error(
          PerfDiagnosticID.missingKey,
          verbs.isEmpty ? "a request needs a method and a path" : "a request has one method, not \(verbs.joined(separator: " and "))",
          remedy: "such as `get: \"/product/{id}\"`", at: item.range)
      }
      return nil
    }
    let method = verbs[0].uppercased()
    let shape = withoutVariables(path)
    let variables = templateVariables(shape)
    guard isPath(String(shape.prefix { $0 != "?" })), isQuery(shape), variables.count <= 1 else {
      findings.error(
        PerfDiagnosticID.badRoute, "`\(path)` is not a path with at most one `{…}`", remedy: "such as /product/{id}",
        at: fields.contents(verbs[0])?.range ?? item.range)
      return nil
    }
    checkRoute(method, shape, fields.contents(verbs[0])?.range ?? item.range)
    let keys = distribution(fields)
    if keys == nil, !fields.has("key"), let variable = variables.first {
      findings.error(
        PerfDiagnosticID.keyMismatch, "nothing fills `{\(variable)}` of `\(path)`",
        remedy: "add `key:` with a dataset, or with {dist, n, s}", at: item.range)
    }
    if fields.has("key"), variables.isEmpty {
      findings.error(
        PerfDiagnosticID.keyMismatch, "`key` has no `{…}` in `\(path)` to fill",
        remedy: "leave it out, or write a path such as /product/{id}", at: fields.place("key"))
    }
    var headers: [String: String] = [:]
    for entry in fields.contents("headers")?.entries ?? [] { headers[entry.key] = headerValue(entry) }
    var request = RequestSpec(
      name: fields.text("name") ?? "\(method) \(path)", weight: fields.number("weight") ?? 1, method: method, path: path, key: keys,
      headers: headers, body: fields.text("body"))
    readReading(fields, into: &request)
    return request
  }

  private func headerValue(_ entry: YAMLEntry) -> String? {
    let isToken = !entry.key.isEmpty && entry.key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }
    guard isToken, let text = entry.value.text, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      findings.error(
        PerfDiagnosticID.wrongType, "`\(entry.key)` is not a header with one line of text", remedy: "such as `Accept: text/html`",
        at: entry.keyRange)
      return nil
    }
    return text
  }

  private func checkRoute(_ method: String, _ path: String, _ place: SourceRange) {
    let routes = draft.entryRoutes
    let wanted = path.prefix { $0 != "?" }.split(separator: "/")
    let isThere = routes.contains { route in
      let parts = route.path.split(separator: "/")
      let sameMethod = route.method == method || method == "HEAD" && route.method == "GET"
      return sameMethod && parts.count == wanted.count && zip(parts, wanted).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
    guard !isThere, !draft.isBroken else { return }
    let names = routes.map { "\($0.method) \($0.path)" }
    findings.error(
      PerfDiagnosticID.unknownRoute, "the system `\(draft.id)` has no route for `\(method) \(path)`",
      remedy: suggestion(for: "\(method) \(path)", among: names, what: "its routes"), at: place)
  }

  private func distribution(_ fields: Fields) -> KeyDistribution? {
    guard let node = fields.contents("key") else { return nil }
    if let name = node.text {
      if let dataset = draft.data.first(where: { $0.name == name }) {
        if dataset.rows > 0 { return dataset.popularity }
        findings.error(
          PerfDiagnosticID.unknownDataset, "the dataset `\(name)` is empty: there is no key to ask for",
          remedy: "name one with rows, or write {dist: sequential, n: 1000000}", at: node.range)
        return nil
      }
      findings.error(
        PerfDiagnosticID.unknownDataset, "the system `\(draft.id)` has no dataset `\(name)`",
        remedy: suggestion(for: name, among: draft.data.map(\.name), what: "its datasets"), at: node.range)
      return nil
    }
    let inner = Fields(node, .keys, findings)
    guard let dist = inner.text("dist"), let n = inner.integer("n") else { return nil }
    if dist != "zipf", inner.has("s") {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`s` does nothing with `dist: \(dist)`", remedy: "it is the exponent of `zipf`", at: inner.place("s")
      )
    }
    switch dist {
    case "zipf": return .zipf(n: n, s: inner.number("s") ?? 0.9)
    case "uniform": return .uniform(n: n)
    default: return .sequential(n: n)
    }
  }

  // MARK: Warm-up and faults

  func warm() -> Warm? {
    guard let layer = layer("warm"), let fields = layer.fields("warm") else { return nil }
    if let n = fields.integer("requests"), !fields.has("keys") { return .requests(n) }
    if let text = fields.text("keys"), !fields.has("requests"), text.hasPrefix("top-"), let n = Int(text.dropFirst(4)), n > 0 {
      return .topKeys(n)
    }
    if !fields.isBroken {
      findings.error(
        PerfDiagnosticID.wrongType, "`warm` is {requests: N} or {keys: top-N}", remedy: "such as {requests: 6000}", at: layer.place("warm"))
    }
    return nil
  }
}
