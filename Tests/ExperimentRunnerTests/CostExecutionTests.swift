import ExperimentModel
import SimulationKernel
import Testing

@testable import ExperimentRunner

/// Money over measured values: what becomes of intervals, and what a reader is told.
@Suite struct CostExecutionTests {
  private static let options = RunOptions(
    quick: false, launcher: LabLauncher(executable: "none", serveArguments: []), subjectArguments: [], fenceCache: "/tmp")
  private let lantern: [String: CostInput] = [
    "sessions_per_day": .quantity(Quantity(120_000, .count)), "conversion": .quantity(Quantity(0.024, .share)), "order_value": .quantity(Quantity(68, .usd)),
  ]
  private let effort: [String: CostInput] = [
    "effort_hours": .quantity(Quantity(10, .count)), "rate": .quantity(Quantity(100, .usdPerHour)),
    "run_cost_per_month": .quantity(Quantity(50, .usdPerMonth)), "horizon": .quantity(Quantity(300 * 86_400e9, .nanoseconds)),
  ]

  private func read(_ metric: String) -> CostInput { .reference(Address(block: "m", arm: [], metric: metric)) }

  /// Prices `inputs`; `${m.METRIC}` is what `measured` says.
  private func price(
    _ formula: String, _ inputs: [String: CostInput], roi: [String: CostInput]? = nil, _ measured: [String: MetricValue] = [:]
  ) throws -> CellResult {
    var cost = CostCell(formula: formula, inputs: inputs, sources: [])
    cost.roi = roi
    var known = CellResult(id: "m", kind: "load", inputs: "1", quick: false, evidence: .real)
    known.arms = [ArmResult(name: "only", metrics: measured)]
    let runner = Runner(Self.options, cancelled: { false }, report: { _ in })
    return try #require(try runner.run([Cell(id: "money", work: .cost(cost), needs: ["m"], inputs: "0123456789")], known: ["m": known]) { $0 }.first)
  }

  private func value(_ result: CellResult, _ metric: String) -> Estimate? {
    result.value(at: Address(block: nil, arm: [], metric: metric))?.estimate
  }

  private func near(_ estimate: Estimate?, _ value: Double, _ low: Double, _ high: Double) -> Bool {
    guard let estimate, let l = estimate.low, let h = estimate.high else { return false }
    return zip([estimate.value, l, h], [value, low, high]).allSatisfy { abs($0 - $1) <= 1e-9 * abs($1) + 1e-12 }
  }

  @Test("an interval goes through a formula by its ends, for each end of the bracket")
  func oneInterval() throws {
    var inputs = lantern
    inputs["delay"] = read("mean")
    inputs["sensitivity_per_100ms"] = .bracket(low: 0, base: 0.003, high: 0.01)
    let result = try price("F1", inputs, ["mean": MetricValue(Estimate(50e6, low: 40e6, high: 80e6), .nanoseconds)])
    #expect(near(value(result, "base"), 293.76, 235.008, 470.016) && near(value(result, "high"), 979.2, 783.36, 1566.72))
    #expect(value(result, "low") == Estimate(0))
    #expect(result.doubts.isEmpty && result.columns == ["low", "base", "high"])
  }

  @Test("two intervals are taken at their worse ends at once, and the reader is told")
  func twoIntervals() throws {
    let inputs: [String: CostInput] = [
      "cpu_per_req": read("cpu_per_req"), "usd_per_vcpu_hour": .quantity(Quantity(0.036, .usdPerHour)),
      "target_utilisation": .quantity(Quantity(0.5, .share)), "rate": read("rate"), "vcpu_per_instance": .quantity(Quantity(2, .count)),
    ]
    let result = try price(
      "F3", inputs,
      ["cpu_per_req": MetricValue(Estimate(5e6, low: 4e6, high: 6e6), .nanoseconds), "rate": MetricValue(Estimate(900, low: 800, high: 1_000), .perSecond)])
    // What a million costs hangs on one of them only.
    #expect(near(value(result, "per_million"), 0.1, 0.08, 0.12))
    #expect(near(value(result, "instances"), 5, 4, 6))
    #expect(result.doubts.map(\.id) == ["worst-ends"] && result.doubts[0].text.contains("cpu_per_req and rate"))
  }

  @Test("what chosen servers make of a load jumps with their number, and has no interval")
  func sizing() throws {
    var inputs: [String: CostInput] = ["cpu_per_req": read("cpu_per_req"), "wait_target": .quantity(Quantity(0.2, .share))]
    for (name, quantity) in [
      ("usd_per_vcpu_hour", Quantity(0.036, .usdPerHour)), ("target_utilisation", Quantity(1, .share)), ("rate", Quantity(160, .perSecond)),
      ("vcpu_per_instance", Quantity(2, .count)),
    ] { inputs[name] = .quantity(quantity) }
    let result = try price("F3", inputs, ["cpu_per_req": MetricValue(Estimate(20e6, low: 15e6, high: 30e6), .nanoseconds)])
    #expect(near(value(result, "servers"), 6, 5, 8) && near(value(result, "instances"), 3, 3, 4))
    #expect(value(result, "waiting_share").map { $0.low == nil && abs($0.value - 0.127103) < 1e-6 } == true && value(result, "p99")?.high == nil)
    #expect(result.columns == ["per_million", "instances", "fleet_per_month", "servers", "waiting_share", "p99"])
  }

  @Test("a gain that may be less than the running cost: a point without an interval, and a warning")
  func pole() throws {
    let inputs = ["gain": read("base")].merging(effort) { a, _ in a }
    // Dollars a day where dollars a month are due: 4 a day are 120 a month.
    let result = try price("F5", inputs, ["base": MetricValue(Estimate(4, low: 1, high: 6), .usdPerDay)])
    #expect(near(value(result, "gain_base"), 120, 30, 180))
    #expect(near(value(result, "roi_base"), 0.07, -0.02, 0.13) && near(value(result, "net_base"), -300, -1_200, 300))
    let payback = try #require(value(result, "payback_base"))
    #expect(abs(payback.value / 86_400e9 - 1_000 / 70 * 30) < 1e-6 && payback.low == nil && payback.high == nil)
    #expect(result.doubts.map(\.id) == ["may-never-pay", "good-enough-low-base-high"])
  }

  @Test("a loss is never paid back, and no number is infinite")
  func never() throws {
    var inputs = lantern
    inputs["delay"] = .quantity(Quantity(100e6, .nanoseconds))
    inputs["sensitivity_per_100ms"] = .bracket(low: 0, base: 0.003, high: 0.01)
    let result = try price("F1", inputs, roi: effort.merging(["margin": .quantity(Quantity(1, .share))]) { a, _ in a })
    #expect(value(result, "payback_low") == nil && value(result, "breakeven_delay_low") == nil)
    #expect(result.doubts.map(\.id) == ["never-pays", "good-enough-low", "gain-is-revenue"])
    #expect(result.arms.flatMap(\.metrics.values).allSatisfy { $0.estimate.value.isFinite })
    // At its break-even delay the change just pays.
    let delay = try #require(value(result, "breakeven_delay_base")).value
    inputs["delay"] = .quantity(Quantity(delay, .nanoseconds))
    let again = try price("F1", inputs, roi: effort.merging(["margin": .quantity(Quantity(1, .share))]) { a, _ in a })
    #expect(abs(try #require(value(again, "net_base")).value) < 1e-6)
  }

  @Test("break-even points: at each of them the net is nothing", arguments: [
    ("F2", "bad_minutes", "breakeven_minutes_base"), ("F3", "usd_per_vcpu_hour", "breakeven_price_base"), ("F4", "bad_requests", "breakeven_bad_base"),
    ("F5", "gain", "breakeven_gain"),
  ])
  func breakeven(_ formula: String, _ input: String, _ metric: String) throws {
    var inputs = lantern
    let row = try #require(CostFormula.named(formula)?.rows.first { $0.name == input })
    let others: [String: Quantity] = [
      "affected": Quantity(0.2, .share), "objective": Quantity(0.999, .share), "period": Quantity(28 * 86_400e9, .nanoseconds),
      "cpu_per_req": Quantity(3e6, .nanoseconds), "target_utilisation": Quantity(0.6, .share), "rate": Quantity(90, .perSecond),
      "vcpu_per_instance": Quantity(2, .count), "requests_per_session": Quantity(40, .count), "churn_per_bad_session": Quantity(0.0001, .share),
      "lifetime_value": Quantity(210, .usd),
    ]
    for (name, quantity) in others { inputs[name] = .quantity(quantity) }
    if formula == "F5" { inputs = effort }
    inputs[input] = .quantity(Quantity(row.unit == .share ? 0.01 : 1, row.unit))
    let roi = formula == "F5" ? nil : effort
    let point = try #require(value(try price(formula, inputs, roi: roi), metric)).value
    inputs[input] = .quantity(Quantity(point, row.unit))
    let there = try price(formula, inputs, roi: roi)
    #expect(abs(try #require(value(there, "net_base")).value) < 1e-6, "\(there.failure ?? "")")
  }

  @Test("what a formula has no meaning for is refused by name")
  func refused() throws {
    let inputs: [String: CostInput] = ["usd_per_hour": .quantity(Quantity(2, .usdPerHour)), "tokens_per_second": read("rate")]
    #expect(try price("F7", inputs, ["rate": MetricValue(Estimate(0), .perSecond)]).failure?.contains("tokens_per_second is 0") == true)
    #expect(try price("F7", inputs).failure?.contains("not measured yet") == true)
    // The interval of a share may reach beyond 1, the share cannot.
    var churn: [String: CostInput] = ["bad_requests": read("bad_share"), "requests_per_session": .quantity(Quantity(2, .count))]
    for (name, quantity) in [("sessions_per_day", Quantity(100, .count)), ("churn_per_bad_session", Quantity(1, .share)), ("lifetime_value", Quantity(1, .usd))] {
      churn[name] = .quantity(quantity)
    }
    let result = try price("F4", churn, ["bad_share": MetricValue(Estimate(0.5, low: -0.2, high: 1.2), .share)])
    #expect(near(value(result, "bad_sessions"), 0.75, 0, 1))
  }

  @Test("a price says its date and source, and when it is stale")
  func facts() throws {
    func fact(_ value: Double, stale: Bool) -> CostInput {
      .fact(id: "gpu.usd_per_hour", value: value, unit: .usdPerHour, asOf: "2026-06-17", stale: stale, source: "example.org/prices")
    }
    let tokens = CostInput.quantity(Quantity(100, .perSecond))
    let fresh = try price("F7", ["usd_per_hour": fact(2, stale: false), "tokens_per_second": tokens])
    #expect(fresh.doubts == [Doubt(id: "fact", text: "usd_per_hour is the market fact gpu.usd_per_hour of 2026-06-17, example.org/prices")])
    let old = try price("F7", ["usd_per_hour": fact(2, stale: true), "tokens_per_second": tokens])
    #expect(old.doubts.map(\.id) == ["stale-fact"] && old.doubts[0].text.hasSuffix("; it is STALE"))
  }

  // MARK: Sizing by Erlang C

  @Test("servers: Erlang C of the tables decides", arguments: [(3.6, 4, 0.787753), (1.6, 2, 0.711111), (9.5, 10, 0.825586)])
  func erlangTable(_ offered: Double, _ servers: Double, _ waits: Double) {
    // Both targets lie a hair beside the published value.
    #expect(Pricing.servers(rate: offered, service: 1e9, waitTarget: waits + 1e-5, p99Target: nil) == servers)
    #expect(Pricing.servers(rate: offered, service: 1e9, waitTarget: waits - 1e-5, p99Target: nil) == servers + 1)
  }

  @Test("servers for a p99, as a sum of factorials in Python counts them", arguments: [
    (0.3, 1.01, 3), (0.3, 1.2, 2), (0.3, 3, 1), (1, 1.01, 4), (1, 1.2, 3), (1, 3, 2), (7.7, 1.01, 12), (7.7, 1.2, 10), (7.7, 3, 9), (42, 1.01, 49),
    (42, 1.2, 44), (42, 3, 43),
  ])
  func erlangP99(_ offered: Double, _ room: Double, _ servers: Double) {
    #expect(Pricing.servers(rate: offered, service: 1e9, waitTarget: nil, p99Target: 4.605170185988092e9 * room) == servers)
  }

  @Test("servers: as few as meet the target, and one fewer does not", arguments: [0.3, 1, 7.7, 42, 311], [1.01, 1.2, 3])
  func fewest(_ offered: Double, _ room: Double) {
    let (service, rate) = (20e6, offered / 0.02)
    // The p99 of the service alone is ln 100 services; the target leaves some room above it.
    let target = 4.605170185988092 * service * room
    let c = Int(Pricing.servers(rate: rate, service: service, waitTarget: nil, p99Target: target))
    func p99(_ c: Int) -> Double { mmcSojourn(quantile: 0.99, servers: c, arrivalRate: rate / 1e9, serviceRate: 1 / service) }
    #expect(p99(c) <= target * (1 + 1e-9) && p99(c - 1) > target * (1 - 1e-9))
    #expect(Pricing.servers(rate: rate, service: service, waitTarget: nil, p99Target: target * 0.98 / room) == .infinity)
    let k = Int(Pricing.servers(rate: rate, service: service, waitTarget: 0.1, p99Target: nil))
    #expect(erlangC(servers: k, offered: offered) <= 0.1 && (k == 1 || erlangC(servers: k - 1, offered: offered) > 0.1))
  }
}
