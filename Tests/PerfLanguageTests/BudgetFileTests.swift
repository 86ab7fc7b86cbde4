import ExperimentModel
import Foundation
import Testing
import TextModel

@testable import PerfLanguage

private func read(_ text: String) -> (budgets: [PerformanceBudget], found: [Diagnostic]) {
  var diagnostics = Diagnostics()
  let budgets = readBudgets(SourceText(path: "budgets.yml", text: text), diagnostics: &diagnostics)
  return (budgets, diagnostics.all)
}

private func entry(metric: String = "day08/onoff.on.mean", limit: String = "<=15ms", since: String = "2026-11-23") -> String {
  "- {metric: '\(metric)', limit: '\(limit)', owner: Ada, since: \(since), why: the goal of the product page}\n"
}

@Suite struct BudgetFileTests {
  @Test("what a reader of a mistaken budget sees", arguments: BudgetDiagnosticID.all.map(\.rawValue))
  func failing(_ name: String) throws {
    let data = try Data(contentsOf: Golden.root.appendingPathComponent("Fail/\(name)/budgets.yml"))
    let source = SourceText(path: "budgets.yml", bytes: [UInt8](data))
    var diagnostics = Diagnostics()
    _ = readBudgets(source, diagnostics: &diagnostics)
    #expect(diagnostics.all.contains { $0.id.rawValue == name })
    try Golden.check(diagnostics.ordered.map { $0.rendered(in: source) }.joined(separator: "\n"), "Fail", name, "expected.txt")
  }

  @Test("ids of budget files are not those of perf blocks")
  func distinct() {
    #expect(Set(BudgetDiagnosticID.all).isDisjoint(with: PerfDiagnosticID.all))
    #expect(Set(BudgetDiagnosticID.all).count == BudgetDiagnosticID.all.count)
  }

  @Test("a budget reads with the grammar of blocks")
  func reads() throws {
    let (budgets, found) = read(
      entry() + entry(metric: "day08/hit-curve.hit_ratio@capacity=1000", limit: ">=50pct")
        + entry(metric: "day06/algo.ratio.fast.time", limit: ">=20"))
    #expect(found == [])
    try #require(budgets.count == 3)
    #expect(budgets[0].lesson == "day08")
    #expect(budgets[0].address == Address(block: "onoff", arm: ["on"], metric: "mean"))
    #expect(budgets[0].limit == Quantity(15e6, .nanoseconds))
    #expect(budgets[0].op == .lessOrEqual && budgets[0].limitText == "<=15ms")
    #expect(budgets[0].owner == "Ada" && budgets[0].since == "2026-11-23" && budgets[0].why == "the goal of the product page")
    #expect(budgets[1].address == Address(block: "hit-curve", arm: [], metric: "hit_ratio", at: ["capacity": 1000]))
    #expect(budgets[1].limit == Quantity(0.5, .share))
    #expect(budgets[2].limit == Quantity(20, .ratio))
  }

  @Test("one mistake each", arguments: [
    (entry(metric: "onoff.on.mean"), "bad-address"), (entry(metric: "mean"), "bad-address"), (entry(metric: "Day08"), "bad-address"),
    (entry(metric: "day08/onoff.on.meen"), "unknown-metric"), (entry(limit: "15ms"), "bad-expression"),
    (entry(limit: "mean<=15ms"), "bad-expression"), (entry(limit: "<=15"), "missing-unit"), (entry(limit: "<=15rps"), "wrong-unit"),
    (entry(since: "2026-02-29"), "budget-bad-date"), (entry(since: "2026-11"), "budget-bad-date"), ("- 3\n", "wrong-type"),
    ("a: 1\n", "budget-not-a-list"), (entry() + entry(limit: "<=12ms"), "budget-duplicate"),
    (entry(metric: "day08/onoff.on.hit_ratio", limit: "<=0.5"), "budget-direction"),
    (entry(metric: "day08/onoff.ratio.mean", limit: "<=2"), "budget-direction"),
    (entry() + "- [", "yaml-syntax"), (entry().replacing("owner: Ada", with: "owner: ' '"), "wrong-type"),
  ])
  func mistakes(_ text: String, _ id: String) {
    #expect(read(text).found.map(\.id.rawValue) == [id])
  }

  @Test("no remark where the direction is right or the metric has none", arguments: [
    entry(metric: "day08/onoff.on.hit_ratio", limit: ">=0.5"), entry(metric: "day08/onoff.ratio.mean", limit: ">=2"),
    entry(metric: "day08/onoff.on.rate", limit: ">=100rps"), entry(metric: "day08/onoff.on.rate", limit: "<=100rps"),
    entry(metric: "day08/onoff.ratio.hit_ratio", limit: "<=0.5"), entry(metric: "day08/l1l2.parity", limit: "==1"),
  ])
  func direction(_ text: String) { #expect(read(text).found == []) }

  @Test("all mistakes at once; a misspelt key is reported once, with the nearest; the rest is used")
  func together() {
    let (budgets, found) = read(
      entry().replacing("owner", with: "ownr") + "- {metric: day08/onoff.on.p99, limt: '<=1ms'}\n"
        + entry(metric: "day08/x.on.meen", limit: "fast", since: "soon") + entry(metric: "day08/onoff.on.p50"))
    #expect(found.map(\.id.rawValue) == [
      "unknown-key", "unknown-key", "missing-key", "missing-key", "missing-key", "budget-bad-date", "unknown-metric", "bad-expression",
    ])
    #expect(found[0].remedy == "did you mean `owner`?" && found[1].remedy == "did you mean `limit`?")
    #expect(budgets.map(\.metric) == ["day08/onoff.on.p50"])
  }

  @Test("a file without entries is a course without budgets", arguments: ["", "# none yet\n", "---\n\n# none\n", "[]\n"])
  func empty(_ text: String) {
    let (budgets, found) = read(text)
    #expect(budgets == [] && found == [])
  }
}
