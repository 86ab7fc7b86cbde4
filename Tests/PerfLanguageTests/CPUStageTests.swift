import DocumentModel
import ExperimentModel
import Testing
import TextModel

@testable import PerfLanguage

/// The stage `cpu` from its keys to its specification.
@Suite struct CPUStageTests {
  private func notebook(_ stage: String, load: String = "") -> String {
    """
    ```perf
    kind: system
    id: recommending
    origin:
      routes:
        GET /recommend:
          - cpu: \(stage)
    ```

    ```perf
    kind: load
    id: base
    uses: recommending
    executor: constant-arrival-rate
    rate: 20rps
    duration: 4s
    scenario: [{get: /recommend}]
    \(load)
    ```
    """
  }

  private func stages(_ text: String) throws -> [[StageSpec]] {
    let (planned, found) = plan(text)
    try #require(found.isEmpty, "\(found)")
    guard case .load(let load)? = planned.plan.cells.first?.work else { return [] }
    return load.arms.map { $0.system.roles[0].routes[0].stages }
  }

  @Test func everyWorkIsRead() throws {
    for work in CPUWork.allCases {
      let stages = try stages(notebook("{work: \(work.rawValue), units: 10}"))
      #expect(stages == [[StageSpec(name: "cpu", work: .cpu(CPUSpec(work: work, units: 10)))]])
    }
  }

  @Test func unitsCanBeSweptAndTheStageSwitchedOff() throws {
    let swept = try stages(notebook("{as: dedupe, work: dedupe-hash, units: 10}", load: "vary: {param: dedupe.units, values: [500, 1000]}"))
    #expect(swept.flatMap { $0 }.map(\.work) == [500, 1_000].map { .cpu(CPUSpec(work: .dedupeHash, units: $0)) })
    #expect(try stages(notebook("{as: dedupe, work: sort, units: 10}", load: "set: {dedupe.off: true}")) == [[]])
  }

  @Test func whatIsTooMuchForARequestIsRefusedAtItsPlace() throws {
    for work in CPUWork.allCases {
      #expect(try stages(notebook("{work: \(work.rawValue), units: \(work.unitsMax)}")).count == 1)
      let found = plan(notebook("{work: \(work.rawValue), units: \(work.unitsMax + 1)}")).found
      #expect(found.contains { $0.id.rawValue == "out-of-range" }, "\(work)")
    }
    let set = plan(notebook("{work: dedupe-hash, units: 60000}", load: "set: {cpu.work: dedupe-quadratic}")).found
    #expect(set.contains { $0.id.rawValue == "out-of-range" })
  }

  @Test func explainAndReferenceKnowIt() throws {
    let document = Document(parsing: SourceText(path: "input.md", text: notebook("{work: sha256, units: 10}")))
    let text = try #require(explain(document, id: "recommending", context: PlanContext()))
    #expect(text.contains("- cpu: {work: sha256, units: 10}"), "\(text)")
    #expect(referencePage().contains("### the stage `cpu`") && referencePage().contains("`dedupe-quadratic`"))
  }
}
