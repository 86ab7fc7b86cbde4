// Systems drawn from the key table: every shape and key of the language may come up, mostly with a legal value, at times with
// one that is out of range, of another type or misspelled. What is drawn is small and quick, so that thousands can be served.

import ExperimentModel

@testable import PerfLanguage

struct RandomSystem {
  /// The system block, as flow YAML.
  let text: String
  /// `PATH=VALUE`, as `--set` takes them.
  let overrides: [String]

  init(_ random: inout Draw) {
    // A system in three has mistakes, and mistakes come in company.
    random.wrongness = random.chance(1 / 3) ? 0.15 : 0
    let hasEdge = random.chance(0.3)
    let hasWorker = random.chance(0.3)
    random.hasTelemetry = random.chance(0.3)
    random.topic = hasWorker || random.chance(0.02) ? "jobs" : nil
    var parts = ["kind: system", "id: drawn"]
    parts.append("origin: " + random.role(isEntry: !hasEdge))
    if hasEdge { parts.append("edge: " + random.shape(.edge, always: ["upstream: origin"], not: ["upstream", "kind", "weights"])) }
    if hasWorker {
      let stages = "stages: [\(random.stages(depth: 1, variables: ["id"]).joined(separator: ", "))]"
      parts.append("worker: " + random.shape(.worker, always: ["consumes: jobs", stages], not: ["kind", "consumes", "stages"]))
    }
    if random.hasTelemetry { parts.append("telemetry: {attributes: {tenant: header:X-T}, " + random.shape(.telemetry, not: ["attributes"]).dropFirst()) }
    parts.append("data: {products: {rows: \(random.below(50))}}")
    text = "{" + parts.joined(separator: ", ") + "}"
    var overrides: [String] = []
    while random.chance(0.4) { overrides.append(random.override()) }
    self.overrides = overrides
  }
}

/// A seeded stream of choices.
struct Draw {
  private var state: UInt64
  /// Share of keys and values that are wrong.
  var wrongness = 0.0
  var topic: String?
  /// It has the attribute `tenant`.
  var hasTelemetry = false
  private var names = 0

  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

  mutating func below(_ n: Int) -> Int {
    // SplitMix64.
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return Int((z ^ z >> 31) % UInt64(n))
  }
  mutating func chance(_ share: Double) -> Bool { Double(below(1_000_000)) < share * 1e6 }
  mutating func pick<T>(_ all: [T]) -> T { all[below(all.count)] }

  /// - Parameter isEntry: traffic enters there, so that it may have a transport of its own.
  mutating func role(isEntry: Bool) -> String {
    let routes = ["GET /", "GET /a/{id}", "POST /b/{id}", "PUT /a/{id}"].prefix(1 + below(4))
    let listed = routes.map { route in "\"\(route)\": [\(stages(depth: 0, variables: route.contains("{") ? ["id"] : []).joined(separator: ", "))]" }
    let all = listed + ["\"GET /c\": [{bytes: {size: 64B}}]"] + (topic != nil ? ["\"POST /jobs/{id}\": [{publish: {as: sent, topic: jobs}}]"] : [])
    return shape(.role, always: ["routes: {\(all.joined(separator: ", "))}"], not: Set(["kind", "routes", "instances", "count"] + (isEntry ? [] : ["transport"])))
  }

  mutating func stages(depth: Int, variables: [String]) -> [String] {
    (0...below(4)).map { _ in
      var kind = pick(stageKinds)
      // No locks in locks, and nothing published to nobody.
      if depth > 0 && kind == .lock || kind == .publish && topic == nil { kind = .bytes }
      let (always, not) = coherent(kind, depth, variables)
      names += 1
      let named = chance(0.5) ? ["as: s\(names)"] : []
      let given = Set(always.map { String($0.prefix { $0 != ":" }) })
      return "{\(kind.rawValue): \(shape(kind, always: always + named, not: not.union(given).union(["as", "seed", "per"] + (hasTelemetry ? [] : ["when"]))))}"
    }
  }

  /// Keys that make sense together, and those that would not beside them: at random alone hardly a stage would be accepted.
  private mutating func coherent(_ kind: Shape, _ depth: Int, _ variables: [String]) -> (always: [String], not: Set<String>) {
    if chance(wrongness) { return ([], []) }
    let id = variables.isEmpty ? "x" : "{id}"
    switch kind {
    case .lock: return (["name: l\(below(2))", "inside: [\(stages(depth: depth + 1, variables: variables).joined(separator: ", "))]"], [])
    case .publish: return (["topic: jobs"], ["limit", "full"])
    case .sql:
      let statement = pick(["select 1", "select count(*) from products"] + variables.map { "select id from products where id = :\($0)" })
      return (["statement: \"\(statement)\""], ["fence"])
    case .call: return (["path: /c", "k: \(1 + below(3))"], ["to"])
    case .cache: return (["capacity: \(below(20))", "key: \"\(id)\""], ["l2", "invalidate_on"])
    case .limit: return (["key: \"\(id)\""], [])
    case .bytes:
      let body = chance(0.3) ? ["content: some words", "type: html"] : ["size: \(below(2_000))B"]
      return (body + ["writes: \(1 + below(2))"], ["content", "type", "size"])
    case .error:
      let slow = chance(0.3) ? ["slow_share: 0.5", "slow_by: 1ms", "stands_for: a party"] : []
      return (["share: 0.\(below(10))", "key: \"\(id)\""] + slow, ["slow_share", "slow_by", "stands_for"])
    case .io: return (["size: 4KiB", "file: 1MiB"], [])
    case .infer: return (["model: small", "batch: 2"], [])
    case .alloc:
      let kinds = [
        ["per_request: 4KiB"], ["kind: mark-sweep", "heap: 1MiB", "live: 64KiB", "per_request: 4KiB"], ["kind: malloc", "live: 64KiB", "per_request: 1KiB"],
        ["kind: arc", "live: 4KiB", "per_request: 1KiB"],
      ]
      return (pick(kinds), ["kind", "heap", "live", "leak"])
    case .wait:
      let kinds = [
        ["mean: 1ms"], ["dist: exp", "mean: 500us"], ["dist: uniform", "min: 0ms", "max: 1ms"], ["dist: lognormal", "mean: 1ms", "sigma: 1"],
        ["dist: pareto", "mean: 1ms", "alpha: 2.5"], ["dist: mix", "mean: 1ms", "slow_share: 0.1", "slow_min: 2ms", "slow_mean: 1ms"],
      ]
      return (pick(kinds) + ["stands_for: a party"], ["dist", "mean", "min", "max", "sigma", "alpha", "slow_share", "slow_min", "slow_mean"])
    default: return ([], [])
    }
  }

  /// A mapping of this shape: what it requires, some of what it offers.
  mutating func shape(_ shape: Shape, always: [String] = [], not: Set<String> = []) -> String {
    var parts = always
    for key in shape.keys where !not.contains(key.name) && (key.required || chance(0.25)) {
      if chance(wrongness / 4) { continue }
      parts.append("\(chance(wrongness / 4) ? misspelled(key.name) : key.name): \(chance(wrongness) ? wrong() : value(key))")
    }
    return "{" + parts.joined(separator: ", ") + "}"
  }

  mutating func value(_ key: Key) -> String {
    switch key.type {
    case .name: return pick(["origin", "jobs", "dead", "other"])
    case .text: return text(key.name)
    case .word(let words): return pick(words)
    case .integer(let least): return String(key.name == "units" ? 1 + below(4) : key.name == "status" ? 400 + below(200) : least + below(6))
    case .number(let range): return String(min(range.upperBound, range.lowerBound + Double(below(3))))
    case .flag: return pick(["true", "false"])
    case .duration: return pick(["1ms", "2ms", "500us", "100ms", "1s"])
    case .rate: return pick(["100rps", "5k/s"])
    case .size: return pick(["0B", "128B", "4KiB", "64KiB", "1MiB"])
    case .share: return pick(["0", "0.1", "0.5", "1", "30pct"])
    case .shape(let part): return shape(part)
    case .list, .texts, .other: return pick(["[]", "[1, 2]", "[a]"])
    }
  }

  private mutating func text(_ key: String) -> String {
    switch key {
    case "after": pick(["2ms", "p95"])
    case "key", "hash_key": pick(["\"{id}\"", "\"header:X-User\"", "k"])
    case "path": pick(["/", "/c"])
    case "when": pick(["tenant==t1", "tenant==t 2"])
    case "invalidate_on": "\"PUT /a/{id}\""
    default: pick(["some words", "\"{id}\"", "a"])
    }
  }

  /// Of a type, a range or a size that hardly any key takes.
  mutating func wrong() -> String {
    pick(["-1", "0", "1e300", "99999999999999999999", "yes", "[]", "{}", "\"\"", "12parsecs", "-5ms", "nowhere", "{a: {b: c}}", "1000000000GiB", "\"{nothing}\""])
  }

  private mutating func misspelled(_ name: String) -> String {
    var letters = Array(name)
    letters.swapAt(0, letters.count - 1)
    return String(letters)
  }

  mutating func override() -> String {
    let shapes: [(String, [Key])] = [("origin", Shape.role.keys), ("edge", SystemDraft.edgePathKeys), ("worker", Shape.worker.keys)]
      + stageKinds.map { ($0.rawValue, $0.keys) }
    let (name, keys) = pick(shapes)
    let key = pick(keys)
    if chance(0.1) { return pick(["", "=", "origin", "origin.=3", ".workers=3", "origin.workers", "a.b.c.d=1", "origin.queue.limit=1", "s1.off=true"]) }
    return "\(name).\(key.name)=\(chance(0.3) ? wrong() : value(key))"
  }
}
