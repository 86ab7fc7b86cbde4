import DocumentModel
import ExperimentModel
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
