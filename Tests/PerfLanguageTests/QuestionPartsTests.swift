import DocumentModel
import ExperimentModel
import Testing
import TextModel

@testable import PerfLanguage

@Suite struct QuestionPartsTests {
  private static let notebook = """
    ```perf
    kind: system
    id: mine
    origin:
      routes:
        GET /a: [{sql: {fence: read}}]
    data: {items: {rows: 10}}
    ```

    ```sql #read
    SELECT id FROM items WHERE id = 1
    ```

    ```perf
    kind: load
    id: base
    uses: mine
    executor: constant-arrival-rate
    rate: 10rps
    duration: 1s
    scenario: [{get: /a}]
    ```

    ```perf
    kind: cost
    id: money
    formula: F3
    inputs: {usd_per_vcpu_hour: '${market.vcpu-hour}', cpu_per_req: '${base.cpu_per_req}', target_utilisation: 0.6}
    ```
    """

  private static func parts(_ text: String, _ context: PlanContext = Golden.context) -> [String: [String: String]] {
    Planner(context).questionParts(of: Document(parsing: SourceText(path: "input.md", text: text)))
  }

  @Test("a load block is made of itself, its system and the system's statements; a price of its facts, too")
  func names() {
    let parts = Self.parts(Self.notebook)
    #expect(parts["base"].map { Set($0.keys) } == ["block", "seed", "nb", "system mine", "fence read"])
    #expect(parts["money"].map { Set($0.keys) } == ["block", "seed", "nb", "fact vcpu-hour"])
  }

  @Test(
    "what changed is named, and what is no part of the question changes nothing",
    arguments: [
      ("rate: 10rps", "rate: 11rps", ["the block was edited"]), ("rows: 10", "rows: 11", ["its system `mine` was changed"]),
      ("id = 1", "id = 2", ["its fence `read` was changed"]), ("id: base\n", "id: base\ntitle: Before\n# a comment\nwhy: so\n", []),
      ("kind: load\nid: base", "id:   base\nkind: load", []), ("GET /a: [{sql: {fence: read}}]", "GET /a: [{sql: {statement: SELECT 1}}]", ["its fence `read` is gone", "its system `mine` was changed"]),
    ])
  func changes(_ old: String, _ new: String, _ told: [String]) throws {
    let before = try #require(Self.parts(Self.notebook)["base"])
    let after = try #require(Self.parts(Self.notebook.replacing(old, with: new))["base"])
    #expect(changedParts(from: before, to: after) == told)
  }

  @Test("a fact that was dated anew is named; a result without parts says that it cannot say")
  func facts() throws {
    var context = Golden.context
    context.facts["vcpu-hour"]?.value = "0.05 USD/h"
    let before = try #require(Self.parts(Self.notebook)["money"])
    #expect(changedParts(from: before, to: try #require(Self.parts(Self.notebook, context)["money"])) == ["the market fact `vcpu-hour` was changed"])
    #expect(changedParts(from: nil, to: before) == nil)
  }

  @Test("hints are no part of the question")
  func hints() {
    let text = "```perf\nkind: bench\nid: a\nsubjects: [{builtin: spin}]\n```\n\n```perf\nkind: check\nid: b\ngate: ['a.time<=1s']\n```\n"
    let with = text.replacing("gate: ['a.time<=1s']", with: "gate: ['a.time<=1s']\nhints: [think]")
    #expect(plan(with).found == [])
    #expect(plan(text).planned.plan.cells.map(\.inputs) == plan(with).planned.plan.cells.map(\.inputs))
    #expect(Self.parts(text) == Self.parts(with))
  }

  @Test("longer is more of the same: slices and pairs, never another length of one")
  func longer() throws {
    let cells = plan(Self.notebook.replacing("scenario: [{get: /a}]", with: "scenario: [{get: /a}]\ncompare:\n  baseline: {name: a}\n  candidates: [{name: b, rate: 20rps}]")).planned.plan.cells
    let base = try #require(cells.first { $0.id == "base" })
    let twice = try #require(base.lasting(2))
    guard case .load(let short) = base.work, case .load(let long) = twice.work, case .compare(let a) = short.design, case .compare(let b) = long.design else {
      Issue.record("a load that compares stays one")
      return
    }
    #expect(b.runs == 2 * a.runs && twice.inputs == base.inputs)
    #expect(zip(short.arms, long.arms).allSatisfy { $1.profile.duration.rawValue / Int64(b.runs) == $0.profile.duration.rawValue / Int64(a.runs) })
    #expect(try #require(cells.first { $0.id == "money" }).lasting(2) == nil)
  }
}
