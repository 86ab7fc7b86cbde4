import DocumentModel
import ExperimentModel
import Foundation
import Testing
import TextModel

@testable import PerfLanguage

/// `telemetry` of a system and `when` of a stage, from keys to specifications.
@Suite struct TelemetryPlanningTests {
  private func notebook(_ telemetry: String, stage: String = "bytes: {size: 1KiB}", set: String = "{}") -> String {
    """
    ```perf
    kind: system
    id: shop
    \(telemetry)
    origin:
      routes:
        GET /a/{id}:
          - \(stage)
    ```

    ```perf
    kind: load
    id: base
    uses: shop
    set: \(set)
    executor: constant-arrival-rate
    rate: 20rps
    duration: 4s
    scenario: [{get: "/a/1"}]
    ```
    """
  }

  private func system(_ text: String) throws -> SystemSpec {
    let (planned, found) = plan(text)
    try #require(found.isEmpty, "\(found)")
    guard case .load(let load)? = planned.plan.cells.first?.work else { throw CancellationError() }
    return load.arms[0].system
  }

  private func found(_ text: String) -> [String] { plan(text).1.map { "\($0)" } }

  @Test func offIsNotInThePlan() throws {
    let plain = plan(notebook("")).0.plan.cells[0].inputs
    for off in ["telemetry: {}", "telemetry: {traces: 0, logs: false}", "telemetry: {attributes: {tenant: header:X-Tenant}}"] {
      #expect(try system(notebook(off)).telemetry == nil)
      #expect(plan(notebook(off)).0.plan.cells[0].inputs == plain, "the same question, the same digest")
    }
  }

  @Test func everySwitchCanBeSet() throws {
    let spec = try system(notebook("telemetry: {traces: 10pct, metrics: true, attributes: {tenant: header:X-Tenant, item: \"{id}\"}}", set: "{telemetry.logs: true, telemetry.traces: 0.5}"))
      .telemetry
    #expect(
      spec
        == TelemetrySpec(
          traces: 0.5, logs: true, metrics: true,
          attributes: [RequestAttribute(name: "tenant", source: .header("X-Tenant")), RequestAttribute(name: "item", source: .variable("id"))]))
    #expect(try system(notebook("", set: "{telemetry.metrics: true}")).telemetry == TelemetrySpec(metrics: true))
  }

  @Test func namesAndSpansAreLeftOutWhereTheyAreTheUsual() throws {
    let plain = plan(notebook("")).0.plan.cells[0].inputs
    #expect(plan(notebook("", set: "{origin.conventions: stable, bytes.span: true}")).0.plan.cells[0].inputs == plain, "the same question")
    let spec = try system(notebook("", set: "{origin.conventions: old, bytes.span: false}"))
    #expect(spec.roles[0].conventions == .old && spec.roles[0].routes[0].stages[0].span == false)
    let usual = try system(notebook("", stage: "bytes: {size: 1KiB, span: true}", set: "{origin.conventions: stable}"))
    #expect(usual.roles[0].conventions == nil && usual.roles[0].routes[0].stages[0].span == nil)
    #expect(found(notebook("", set: "{origin.conventions: older}")).contains { $0.contains("`stable`, `old`") })
  }

  @Test func aConditionKeepsTheAttributesWhenNothingIsRecorded() throws {
    let text = notebook("telemetry: {attributes: {tenant: header:X-Tenant}}", stage: "wait: {mean: 1ms, stands_for: a party, when: \"tenant==t7\"}")
    let spec = try system(text)
    #expect(spec.telemetry?.isSilent == true && spec.telemetry?.attributes.count == 1)
    #expect(spec.roles[0].routes[0].stages[0].when == StageCondition(attribute: "tenant", value: "t7"))
    #expect(try system(notebook("telemetry: {attributes: {tenant: header:X-Tenant}}", stage: "wait: {mean: 1ms, stands_for: a party, when: \"tenant==t7\"}", set: "{wait.when: tenant==t8}")).roles[0].routes[0].stages[0].when?.value == "t8")
  }

  @Test func mistakesAreNamed() {
    for (telemetry, stage, id) in [
      ("telemetry: {tracing: 1}", "bytes: {size: 1B}", "unknown-key"),
      ("telemetry: {traces: 2}", "bytes: {size: 1B}", "wrong-type"),
      ("telemetry: {attributes: [a]}", "bytes: {size: 1B}", "wrong-type"),
      ("telemetry: {attributes: {Tenant: header:X-Tenant}}", "bytes: {size: 1B}", "bad-name"),
      ("telemetry: {attributes: {tenant: X-Tenant}}", "bytes: {size: 1B}", "wrong-type"),
      ("telemetry: {attributes: {tenant: \"header:X Tenant\"}}", "bytes: {size: 1B}", "wrong-type"),
      ("", "bytes: {size: 1B, when: tenant==t7}", "unknown-path"),
      ("telemetry: {attributes: {tenant: header:X-Tenant}}", "bytes: {size: 1B, when: tenantt==t7}", "unknown-path"),
      ("telemetry: {attributes: {tenant: header:X-Tenant}}", "bytes: {size: 1B, when: \"tenant = t7\"}", "bad-expression"),
      ("telemetry: {metrics: true}", "bytes: {as: telemetry, size: 1B}", "duplicate-name"),
    ] {
      #expect(plan(notebook(telemetry, stage: stage)).1.contains { $0.id.rawValue == id }, "\(telemetry) \(stage): \(found(notebook(telemetry, stage: stage)))")
    }
  }
}

/// `observe` blocks that ask telemetry, and what is said of those that cannot be answered.
@Suite struct TelemetryQueryPlanningTests {
  private func notebook(_ observe: String, telemetry: String = "telemetry: {traces: 1}", load: String = "") -> String {
    """
    ```perf
    kind: system
    id: shop
    \(telemetry)
    origin:
      routes:
        GET /a/{id}:
          - bytes: {size: 1KiB}
    ```

    ```perf
    kind: load
    id: base
    uses: shop
    executor: constant-arrival-rate
    rate: 20rps
    duration: 4s
    scenario: [{get: "/a/1"}]
    \(load)
    ```

    ```perf
    kind: observe
    id: asked
    from: base
    \(observe)
    ```
    """
  }

  private func found(_ observe: String, telemetry: String = "telemetry: {traces: 1}", load: String = "") -> [String] {
    plan(notebook(observe, telemetry: telemetry, load: load)).1.map { "\($0.cause); \($0.remedy ?? "")" }
  }

  @Test(arguments: TelemetryQuery.Kind.allCases)
  func everyQueryIsPlanned(_ kind: TelemetryQuery.Kind) throws {
    let more = kind == .sampling ? "\nsampling: {head: 10pct}" : ""
    let (planned, found) = plan(notebook("query: \(kind.rawValue)\(more)", telemetry: "telemetry: {traces: 1, logs: true, metrics: true}"))
    #expect(found.isEmpty, "\(found)")
    let cell = try #require(planned.plan.cells.last)
    guard case .observe(.telemetry("base", nil, let query, rows: 8)) = cell.work else { throw CancellationError() }
    #expect(query.kind == kind && cell.needs == ["base"])
    // Every figure that a query can have has a name that the metric table knows, with the same unit.
    for metric in kind.columns + kind.wholeColumns { #expect(Metric.named(metric.name)?.unit == metric.unit, "\(metric.name)") }
  }

  @Test(arguments: [
    ("query: red\nshow: [p96]", "`red` has no column `p96`; did you mean `p95`?"),
    ("query: red\nshow: [http.route]\ngroup_by: [tenant]", "`red` has no column `http.route`"),
    ("query: red\nthreshold: 5ms", "`threshold` means nothing to the query `red`"),
    ("query: red\nwhere: 'duration~5ms'", "`duration~5ms` compares nothing"),
    ("query: red\nwhere: 'duration>p(200)'", "`p(200)` is no quantile"),
    ("query: lift\nsource: logs", "asks logs, and the system of `base` records none"),
    ("query: use", "asks metrics, and the system of `base` records none; let it: `telemetry: {metrics: true}`"),
    ("query: sampling", "needs `sampling`"),
    ("query: sampling\nsampling: {head: 10pct, tail: []}", "decided at the `head` or at the `tail`"),
    ("query: sampling\nsampling: {tail: []}", "`tail` is empty"),
    ("query: sampling\nsampling: {tail: [{latency: 5ms, status: error}]}", "a policy is one of"),
    ("query: sampling\nsampling: {tail: [{attribute: a}]}", "a policy is one of"),
    ("query: sampling\nsampling: {tail: [{rate: 5ms}]}", "`rate` is spans per second"),
    ("query: red\nplots: [{kind: timeline}]", "pictures of telemetry follow from the query"),
    ("query: red\narm: fast", "`base` has no arm `fast`"),
    ("query: red\nthresholds: {top.lift: ['>1']}", "has no `lift`"),
  ])
  func mistakesAreSaid(_ observe: String, _ text: String) {
    let all = found(observe)
    #expect(all.contains { $0.contains(text) }, "\(all)")
  }

  @Test func plansAreAskedOfStatementsAndTheMachineOfNobody() {
    let bench = """
      ```sql #all
      select * from products
      ```

      ```perf
      kind: bench
      id: timed
      uses: shop
      subjects: [{fence: all}, {builtin: spin}]
      ```

      """
    func asked(_ query: String) -> [String] {
      plan(bench + notebook("query: red").replacingOccurrences(of: "from: base\nquery: red", with: query)).1.map { "\($0.cause); \($0.remedy ?? "")" }
    }
    #expect(asked("query: machine").isEmpty)
    #expect(asked("query: machine\nfrom: base").contains { $0.contains("`from` means nothing to the query `machine`") })
    #expect(asked("query: plan").contains { $0.contains("`plan` needs `from`") && $0.contains("name a bench block") })
    #expect(asked("query: plan\nfrom: base").contains { $0.contains("there is no bench block `base`") || $0.contains("benches no SQL statement") })
    #expect(!asked("query: plan\nfrom: timed").contains { $0.contains("`timed`") })
  }

  @Test func armsAreNamedAndPointsCannotBe() {
    let compare = "compare: {baseline: {name: silent, set: {telemetry.traces: 0}}, candidates: [{name: told}], runs: 6}"
    #expect(found("query: red", load: compare).contains { $0.contains("`base` has 2 arms") && $0.contains("`arm: silent` or `arm: told`") })
    #expect(found("query: red\narm: told", load: compare).isEmpty)
    #expect(found("query: red\narm: silent", load: compare).contains { $0.contains("records none") })
    #expect(found("query: red", load: "vary: {param: rate, values: [10rps, 20rps]}").contains { $0.contains("its points have no names") })
    #expect(found("query: littles_law", load: compare).contains { $0.contains("`base` has 2 arms, and a recording is of one") })
  }
}
