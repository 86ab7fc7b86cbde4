import DocumentModel
import ExperimentModel
import Foundation
import StrictYAML
import Testing
import TextModel

@testable import PerfLanguage

private func block(_ body: String) -> String { "```perf\n\(body)\n```\n\n" }

private let load = """
  kind: load
  id: base
  uses: shop
  executor: constant-arrival-rate
  rate: 120rps
  duration: 4s
  scenario: [{get: "/product/{id}", key: products}]
  """

private func loadCell(_ body: String) throws -> (cell: Cell, load: LoadCell) {
  let (planned, found) = plan(block(body))
  try #require(found.isEmpty, "\(found)")
  let cell = try #require(planned.plan.cells.first)
  guard case .load(let load) = cell.work else { throw CocoaError(.featureUnsupported) }
  return (cell, load)
}

private func cacheCapacities(_ load: LoadCell) -> [Int?] {
  load.arms.map { arm in
    for stage in arm.system.roles[0].routes[0].stages { if case .cache(let cache) = stage.work { return cache.capacity } }
    return -1
  }
}

@Suite struct PlanningTests {
  @Test("overrides go system ← block ← variant")
  func overrides() throws {
    let compare =
      "\nset: {product-cache.capacity: 7, product-cache.ttl: 5s}\ncompare:\n  baseline: {name: plain}\n  candidates: [{name: big, set: {product-cache.capacity: 9}}]"
    let (_, load) = try loadCell(load + compare)
    #expect(cacheCapacities(load) == [7, 9])
    #expect(load.design == .compare(Comparison(runs: 8, metric: "mean")))
  }

  @Test("`off: true` removes a stage; a sweep sets one value per arm, in stored units")
  func sweep() throws {
    let (cell, load) = try loadCell(load + "\nset: {primary.off: true}\nvary: {param: product-cache.ttl, values: [20ms, 1s], quick: [1s]}")
    #expect(load.arms.map(\.params) == [["ttl": 2e7], ["ttl": 1e9]])
    #expect(load.arms.map(\.name) == ["20ms", "1s"])
    #expect(load.arms[0].system.roles[0].routes[0].stages.map(\.name) == ["product-cache", "db", "body"])
    #expect(load.design == .sweep(param: "product-cache.ttl", values: [2e7, 1e9], quick: [1e9]))
    #expect(cell.plots.map(\.kind) == [.curve])
  }

  @Test("a variant may change the traffic, the warm-up and the faults")
  func variants() throws {
    let (_, load) = try loadCell(
      load + """

        warm: {requests: 100}
        compare:
          baseline: {name: slow, rate: 60rps}
          candidates:
            - {name: closed, executor: shared-iterations, vus: 4, iterations: 100, warm: {keys: top-10}, faults: [{at: 1s, for: 10ms, target: origin, toxic: stall}]}
        """)
    #expect(load.arms[0].profile.rate == 60)
    #expect(load.arms[0].warm == .requests(100))
    #expect(load.arms[1].profile.executor == .sharedIterations)
    #expect(load.arms[1].profile.iterations == 100)
    #expect(load.arms[1].warm == .topKeys(10))
    #expect(
      load.arms[1].faults == [FaultSpec(at: Nanoseconds(seconds: 1), duration: Nanoseconds(10_000_000), target: "origin", toxic: .stall)])
  }

  @Test("arms of a cell share a seed; blocks and lessons do not")
  func seeds() throws {
    let (_, load) = try loadCell(load + "\nvary: {param: rate, values: [100rps, 200rps]}")
    #expect(Set(load.arms.map(\.profile.seed)).count == 1)
    #expect(derivedSeed(808, "onoff") == derivedSeed(808, "onoff"))
    #expect(Set([derivedSeed(808, "onoff"), derivedSeed(809, "onoff"), derivedSeed(808, "onof")]).count == 3)
    #expect(derivedSeed(1, "shop") < 1 << 53)
  }

  @Test("inputs change with the question and not with its wording")
  func inputs() throws {
    func digest(_ body: String) throws -> String { try loadCell(body).cell.inputs }
    let plain = try digest(load)
    #expect(plain.count == 10 && plain.allSatisfy { $0.isHexDigit })
    #expect(try digest(load + "\ntitle: A title\nwhy: because\nplots: []\nblock_time: {full: 3s, quick: 1s}") == plain)
    #expect(try digest(load + "\n# a remark") == plain)
    #expect(try digest(load.replacing("120rps", with: "0.12k/s")) == plain)
    #expect(try digest(load.replacing("120rps", with: "121rps")) != plain)
    #expect(try digest(load + "\nset: {db.pool: 6}") != plain)
    #expect(try digest(load + "\nthresholds:\n  p99: ['<1s']") != plain)
  }

  @Test("the fence's text is part of the question")
  func fenceInputs() throws {
    let system = block(
      "kind: system\nid: tiny\norigin:\n  routes:\n    GET /product/{id}:\n      - sql: {fence: by-id}\ndata:\n  products: {rows: 10}")
    func digest(_ sql: String) -> String? {
      plan(system + block(load.replacing("shop", with: "tiny")) + "```sql #by-id\n\(sql)\n```\n").planned.plan.cells.first?.inputs
    }
    #expect(digest("SELECT 1") == digest("SELECT 1;"))
    #expect(digest("SELECT 1") != digest("SELECT 2"))
  }

  @Test("thresholds without an arm hold for every arm")
  func everyArm() throws {
    let (cell, _) = try loadCell(load + "\nvary: {param: rate, values: [100rps, 200rps]}\nthresholds:\n  http_req_duration: ['p(95)<80ms']")
    #expect(cell.thresholds.map(\.address) == [100.0, 200.0].map { Address(block: nil, arm: [], metric: "p95", at: ["rate": $0]) })
    #expect(cell.thresholds.map(\.text) == ["100rps http_req_duration p(95)<80ms", "200rps http_req_duration p(95)<80ms"])
    #expect(cell.thresholds.allSatisfy { $0.limit == Quantity(8e7, .nanoseconds) })
  }

  @Test("windows and early ends are for figures that a run has while it lasts; twins for one open arm", arguments: [
    ("thresholds:\n  p95: [{threshold: '<80ms', window: 1ms}]", "at least 10ms"),
    ("thresholds:\n  p95: [{threshold: '<80ms', window: [3s, 2s]}]", "from and to"),
    ("thresholds:\n  hit_ratio: [{threshold: '>=0.5', window: 1s}]", "`window` does nothing"),
    ("thresholds:\n  cpu_per_req: [{threshold: '<1ms', abortOnFail: true}]", "`abortOnFail` does nothing"),
    ("vary: {param: rate, values: [100rps, 200rps]}\ntwin: closed", "one arm"),
  ])
  func stretches(_ part: String, _ said: String) {
    let found = plan(block(load + "\n" + part)).found
    #expect(found.count == 1 && (found[0].cause + (found[0].remedy ?? "")).contains(said), "\(found)")
  }

  @Test("tolerances: a share of the value, or its unit")
  func tolerances() throws {
    let (cell, _) = try loadCell(
      load
        + "\nexpect:\n  mean: {value: 22ms, tolerance: 10pct}\n  hit_ratio: {value: 0.5, tolerance: 2pp}\n  p99: {value: 30ms, tolerance: 5ms}\n  http_reqs: {value: 480, tolerance: 20}"
    )
    #expect(cell.expects.map(\.tolerance) == [0.1, 0.02, 5e6, 20])
    #expect(cell.expects.map(\.relative) == [true, false, false, false])
  }

  @Test("needs follow gates and costs")
  func needs() {
    let (planned, found) = plan(
      block(load)
        + block(
          "kind: cost\nid: infra\nformula: F3\ninputs: {cpu_per_req: \"${base.cpu_per_req}\", usd_per_vcpu_hour: 0.04 USD/h, target_utilisation: 0.6}"
        )
        + block("kind: check\nid: exercise\ngate: ['base.p99<=1s', 'infra.per_million<=2 USD']"))
    #expect(found.isEmpty)
    #expect(planned.plan.cells.map(\.needs) == [[], ["base"], ["base", "infra"]])
    #expect(planned.blocks.map(\.kind) == ["load", "cost", "check"])
  }

  @Test("the course's money stands in for inputs that are left out")
  func courseMoney() {
    let context = PlanContext(courseMoney: [
      "order_value": Quantity(68, .usd), "conversion": Quantity(0.024, .share), "sessions_per_day": Quantity(1000, .count),
    ])
    let body = block("kind: cost\nid: money\nformula: F1\ninputs: {delay: 100ms, sensitivity_per_100ms: 0.003}")
    #expect(plan(body, context).found.isEmpty)
    #expect(plan(body).found.count == 3)
  }

  @Test("a fact's age is no part of the question")
  func staleness() {
    let body = block(
      "kind: cost\nid: infra\nformula: F3\ninputs: {cpu_per_req: 1ms, usd_per_vcpu_hour: \"${market.old-price}\", target_utilisation: 0.6}")
    var fresh = Golden.context
    fresh.facts["old-price"]?.stale = false
    #expect(plan(body, fresh).planned.plan.cells.map(\.inputs) == plan(body).planned.plan.cells.map(\.inputs))
  }

  @Test("presets resolve; their systems can be extended")
  func presets() throws {
    #expect(presetNames == ["broken-shop", "cdn", "fleet", "model", "page", "pipeline", "pool", "shop"])
    #expect(presetSummaries.allSatisfy { preset($0.name) != nil && $0.title != $0.name && !$0.days.isEmpty })
    #expect(preset("shup") == nil)
    let shop = try #require(preset("shop"))
    #expect(shop.roles[0].routes.map(\.path) == ["/product/{id}", "/product/{id}"])
    #expect(shop.data == [DatasetSpec(name: "products", rows: 10_000, popularity: .zipf(n: 10_000, s: 0.9))])
    let (planned, found) = plan(
      block("kind: system\nid: shop\nextends: shop\norigin: {workers: 3, routes: {GET /ping: [{bytes: {size: 2B}}]}}"))
    #expect(found.isEmpty)
    #expect(planned.systems["shop"]?.roles[0].workers == 3)
    #expect(planned.systems["shop"]?.roles[0].routes.count == 3)
  }

  @Test("overrides from a shell are checked like those of a block")
  func typedOverrides() throws {
    var found = Diagnostics()
    let shop = try #require(preset("shop", set: ["origin.workers=3", "product-cache.ttl=5s", "db-write.off=true"], diagnostics: &found))
    #expect(found.all.isEmpty && shop.roles[0].workers == 3 && shop.roles[0].routes[1].stages.map(\.name) == ["receipt"])
    for (text, remedy) in [
      ("product-cach.ttl=5s", "did you mean `product-cache.ttl`?"), ("product-cache.ttl=5", "write `5ns`"), ("origin.workers", "such as --set origin.workers=8"),
    ] {
      found = Diagnostics()
      #expect(preset("shop", set: [text], diagnostics: &found) == nil)
      #expect(found.all.count == 1 && found.all[0].remedy?.hasPrefix(remedy) == true, "\(found.all)")
    }
    let source = SourceText(path: "x", text: block("kind: system\nid: tiny\norigin: {routes: {GET /ping: [{bytes: {size: 2B}}]}}"))
    let document = Document(parsing: source)
    #expect(Planner().system("tiny", in: document, set: ["bytes.size=1KiB"], diagnostics: &found)?.roles[0].routes[0].stages[0].work == .bytes(BytesSpec(size: 1024, etag: false)))
    #expect(Planner().system("none", in: document, set: [], diagnostics: &found) == nil)
  }

  @Test("`explain` fills in defaults, and its text means the same block")
  func explained() throws {
    let body =
      load
      + "\ncompare:\n  baseline: {name: 'off', set: {product-cache.capacity: 0}}\n  candidates: [{name: 'on'}]\nthresholds:\n  ratio.mean: ['>=1.5']"
    let document = Document(parsing: SourceText(path: "x", text: block(body)))
    let text = try #require(explain(document, id: "base", context: PlanContext()))
    #expect(text.contains("arrivals: poisson  # default"))
    #expect(text.contains("  runs: 8  # default"))
    #expect(explain(document, id: "nothing", context: PlanContext()) == nil)
    #expect(try loadCell(text).cell == loadCell(body).cell)
  }

  @Test("the reference page names every key, metric and closed form")
  func reference() {
    let page = referencePage()
    for shape in Shape.allCases { for key in shape.keys { #expect(page.contains("| `\(key.name)` |")) } }
    for metric in Metric.all { #expect(page.contains("| `\(metric.name)` |")) }
    for theory in theories { #expect(page.contains("| `\(theory.name)` |")) }
  }

  @Test("every standard value of the key table is a value of its key's type, and every shape has rows")
  func standards() throws {
    for shape in Shape.allCases {
      #expect(!shape.keys.isEmpty, "\(shape)")
      #expect(Set(shape.keys.map(\.name)).count == shape.keys.count, "\(shape)")
      #expect(shape.later.allSatisfy { shape.key($0) == nil }, "\(shape)")
      for key in shape.keys { if let standard = key.standard { _ = try parseValue(standard, key.type).get() } }
    }
  }

  @Test("plain Markdown may hold other templates' braces")
  func plainMarkdown() {
    #expect(plan("Dear {{ name }},\n").found.isEmpty)
    #expect(plan("").planned.plan.cells.isEmpty)
  }
}

@Suite struct AddressTests {
  @Test(
    "forms",
    arguments: [
      ("p99", Address(block: nil, arm: [], metric: "p99")), ("onoff.p99", Address(block: "onoff", arm: [], metric: "p99")),
      ("onoff.est.delta.on.mean", Address(block: "onoff", arm: ["est", "delta", "on"], metric: "mean")),
      ("policy.lru-0.9.hit_ratio", Address(block: "policy", arm: ["lru-0.9"], metric: "hit_ratio")),
      ("stale.stale_share@ttl=20ms", Address(block: "stale", arm: [], metric: "stale_share", at: ["ttl": 2e7])),
      ("a.b@n=4000,s=0.9", Address(block: "a", arm: [], metric: "b", at: ["n": 4000, "s": 0.9])),
      ("day08/hit-curve.p99", Address(block: "day08/hit-curve", arm: [], metric: "p99")),
      ("walk.request.pay.p95", Address(block: "walk", arm: [], metric: "p95", request: "pay")),
      ("walk.on.request.buy.pay.p95", Address(block: "walk", arm: ["on"], metric: "p95", request: "buy / pay")),
      ("walk.p95{name:GET /product/{id}}", Address(block: "walk", arm: [], metric: "p95", request: "GET /product/{id}")),
    ])
  func forms(_ text: String, _ address: Address) {
    #expect(parseAddress(text) == .success(address))
    #expect(addressText(address) == text || text.contains("20ms"))
  }

  @Test(
    "not addresses",
    arguments: ["", ".", "a..b", "a.", ".b", "A.b", "a.b@", "a.b@n", "a.b@=1", "a.b@n=x", "a.b@n=1,n=2", "a b", "a.b.c.d.e.f.g", "9.a", "a.p95{", "a.p95{name:}", "a.p95{tag:x}", "a.request.p95.", "a.p95}"])
  func refused(_ text: String) {
    if case .success(let address) = parseAddress(text) { Issue.record("\(text) read as \(address)") }
  }

  @Test(
    "quantities",
    arguments: [
      ("40rps", 40.0, MetricUnit.perSecond), ("2k/s", 2000, .perSecond), ("18 ms", 18e6, .nanoseconds), ("0.1s", 1e8, .nanoseconds),
      ("2KiB", 2048, .bytes), ("10pct", 0.1, .share), ("2pp", 2, .points), ("1.5x", 1.5, .ratio), ("68 USD", 68, .usd),
      ("1e3", 1000, .plain),
    ])
  func quantities(_ text: String, _ value: Double, _ unit: MetricUnit) throws {
    let quantity = try #require(parseQuantity(text))
    #expect(abs(quantity.value - value) < 1e-12 * max(1, value))
    #expect(quantity.unit == unit)
  }

  @Test("no quantities", arguments: ["", "rps", "4 sec", "4  s", "1.2.3", "--1", "0x10", "1e", "nan", "inf", "1e999"])
  func noQuantities(_ text: String) { #expect(parseQuantity(text) == nil) }
}
