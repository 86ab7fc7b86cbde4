import ExperimentModel
import Testing

@testable import PerfLanguage

private let fences = """
  ```swift #slow n=1000
  func subject(_ n: Int) -> Int { n }
  ```

  ```py #fast edit n=1000
  def subject(n): return n
  ```

  ```rust #other
  fn main() {}
  ```


  """

private func bench(_ body: String) throws -> BenchCell {
  let (planned, found) = plan(fences + "```perf\nkind: bench\nid: b\n\(body)\n```\n")
  try #require(found.isEmpty, "\(found)")
  guard case .bench(let cell)? = planned.plan.cells.first?.work else { throw Missing() }
  return cell
}

private struct Missing: Error {}

private func findings(_ body: String) -> [String] {
  plan(fences + "```perf\n\(body)\n```\n").found.map { "\($0.cause): \($0.remedy ?? "")" }
}

@Suite struct BenchPlanningTests {
  @Test("code fences become subjects with their language, their size and the line of their code")
  func codeFences() throws {
    let cell = try bench("subjects: [{fence: slow}, {fence: fast, n: 7, name: python}]")
    guard case .fence(let slow) = cell.subjects[0].work, case .fence(let fast) = cell.subjects[1].work else { throw Missing() }
    #expect(slow.language == .swift && slow.n == 1000 && slow.line == 2 && slow.source == "func subject(_ n: Int) -> Int { n }")
    #expect(fast.language == .python && fast.n == 7 && cell.subjects[1].name == "python")
    #expect(cell.system == nil && cell.comparison == nil)
  }

  @Test("commands run without a shell, unless a shell is asked for")
  func commands() throws {
    let cell = try bench("subjects: [{command: /bin/echo a}, {shell: 'echo a | wc -c', name: piped}]\nprepare: sync")
    #expect(cell.subjects.map(\.name) == ["echo", "piped"])
    #expect(cell.subjects[0].work == .command(CommandSpec(text: "/bin/echo a", usesShell: false)))
    #expect(cell.subjects[1].work == .command(CommandSpec(text: "echo a | wc -c", usesShell: true)))
    #expect(cell.prepare == "sync")
  }

  @Test("a parameter of the system is varied for what works in items: one system for each value")
  func parameters() throws {
    let cell = try bench(
      """
      uses: pipeline
      subjects: [{builtin: commit}]
      vary: {param: worker.batch, values: [1, 20, 500], quick: [20]}
      fit: {kind: hyperbola}
      expect:
        fsyncs_per_msg: {theory: batch, tolerance: 0.001}
      thresholds:
        commit.balance: ['>=2']
        item_time@batch=20: ['<=1s']
      """)
    #expect(cell.sizes == [1, 20, 500] && cell.quickSizes == [20] && cell.sizeName == "batch" && cell.fitsHyperbola == true && cell.fitsSlope == nil)
    #expect(cell.systems?.compactMap { $0.roles.compactMap(\.worker).first?.batch } == [1, 20, 500])
  }

  @Test("spans need no system; their attributes are `n`, which can be varied from zero, and a line fitted")
  func spans() throws {
    let one = try bench("subjects: [{builtin: span-off}, {builtin: span, n: 12}]")
    #expect(one.system == nil && one.subjects.map(\.n) == [nil, 12])
    let cell = try bench(
      """
      subjects: [{builtin: span-off}, {builtin: span}, {builtin: span-exported}, {builtin: span-api-noop}, {builtin: span-api}]
      vary: {param: n, values: [0, 2, 4, 6, 8], quick: [6]}
      fit: {kind: line}
      thresholds:
        span.time@n=6: ['<=1us']
        span-api.item_cost: ['>=0ns']
        span.shared_cost: ['>=0ns']
        span-exported.line_error: ['<=50pct']
      """)
    #expect(cell.sizes == [0, 2, 4, 6, 8] && cell.quickSizes == [6] && cell.sizeName == "n" && cell.fitsLine == true && cell.fitsSlope == nil)
    #expect(!cell.isOnLogAxis)
  }

  @Test("mistakes of spans and lines", arguments: [
    ("subjects: [{builtin: span, n: 17}]", "a span has 0 to 16 attributes here, not 17"),
    ("subjects: [{builtin: span}]\nvary: {param: n, values: [0, 20]}", "not 20"),
    ("subjects: [{builtin: span}]\nvary: {param: rows, values: [1, 20]}", "reads no table"),
    ("subjects: [{builtin: span}]\nvary: {param: n, values: [0, 2]}\nfit: {kind: line}", "a line needs `vary` with at least three sizes"),
    ("subjects: [{builtin: span}]\nvary: {param: n, values: [0, 2, 4]}\nfit: {kind: hyperbola}", "does nothing whose cost items share"),
    ("subjects: [{builtin: spin}]\nvary: {param: n, values: [0, 2]}", "has no size `n` to vary"),
    ("subjects: [{builtin: span, set: {origin.workers: 2}}]", "uses no system that `set` could change"),
  ])
  func spanMistakes(body: String, expected: String) {
    let found = findings("kind: bench\nid: b\n\(body)")
    #expect(found.contains { $0.contains(expected) }, "\(found)")
  }

  @Test("what has no items varies no parameter, and what a subject does must be in its system", arguments: [
    ("kind: bench\nid: b\nsubjects: [{fence: slow}]\nvary: {param: worker.batch, values: [1, 2]}", "has no parameter `worker.batch` to vary"),
    ("kind: bench\nid: b\nuses: pipeline\nsubjects: [{builtin: commit}]\nvary: {param: worker.bach, values: [1, 2]}", "the system has no `worker.bach` to vary"),
    ("kind: bench\nid: b\nuses: shop\nsubjects: [{builtin: commit}]", "has no worker"),
    ("kind: bench\nid: b\nuses: shop\nsubjects: [{builtin: alloc}]", "has no heap of objects"),
    ("kind: bench\nid: b\nsubjects: [{fence: slow}]\nvary: {param: n, values: [1, 2, 3]}\nfit: {kind: hyperbola}", "does nothing whose cost items share"),
    ("kind: bench\nid: b\nuses: pipeline\nsubjects: [{builtin: commit}]\nvary: {param: rows, values: [1, 2, 3]}", "reads no table"),
  ])
  func itemMistakes(body: String, expected: String) {
    let found = findings(body)
    #expect(found.contains { $0.contains(expected) }, "\(found)")
  }

  @Test("sizes, slopes and comparisons at a size have addresses")
  func sizes() throws {
    let cell = try bench(
      """
      subjects: [{fence: slow}, {fence: fast}]
      vary: {param: n, values: [500, 1000, 2000], quick: [500, 1000]}
      fit: {kind: slope}
      compare: {baseline: slow, candidates: [fast], order: sequential, pairs: 20}
      gate: ['fast.slope<=1.3', 'ratio.time@n=2000>=5', 'slow.time@n=500<=1s', 'parity==true']
      """)
    #expect(cell.sizes == [500, 1000, 2000] && cell.quickSizes == [500, 1000] && cell.fitsSlope == true)
    #expect(cell.order == .sequential && cell.pairs == 20)
  }

  @Test("prose above a fence moves it and asks no other question; its code does")
  func fenceDigest() throws {
    let body = "```perf\nkind: bench\nid: b\nsubjects: [{fence: slow}]\n```\n"
    let here = try #require(plan(fences + body).planned.plan.cells.first).inputs
    let lower = try #require(plan("Some prose.\n\n" + fences + body).planned.plan.cells.first).inputs
    let other = try #require(plan(fences.replacing("{ n }", with: "{ n + 1 }") + body).planned.plan.cells.first).inputs
    #expect(here == lower && here != other)
  }

  @Test("mistakes are named with their remedy", arguments: [
    ("kind: bench\nid: b\nsubjects: [{fence: solw}]", "did you mean `slow`?"),
    ("kind: bench\nid: b\nsubjects: [{fence: other}]", "it runs swift, c, python, javascript and sh"),
    ("kind: bench\nid: b\nsubjects: [{fence: slow, command: ls}]", "such as {builtin: cache-get}"),
    ("kind: bench\nid: b\nsubjects: [{command: ls}]\nvary: {param: n, values: [1, 2]}", "vary fences that define `subject(n)`"),
    ("kind: bench\nid: b\nsubjects: [{fence: slow}]\nfit: {kind: slope}", "values: [500, 1000, 2000, 4000]"),
    ("kind: bench\nid: b\nsubjects: [{fence: slow}]\nvary: {param: n, values: [5, 6], quick: [7]}", "it is the part of `values`"),
    ("kind: observe\nid: p\nquery: profile\nfence: slwo", "did you mean `slow`?"),
    ("kind: observe\nid: p\nquery: profile\nfence: slow\nfile: x.csv", "leave it out"),
    ("kind: observe\nid: p\nquery: profile", "such as `fence: recommend-slow`"),
    ("kind: observe\nid: p\nquery: change_points\nfile: ../x.csv", "name a file relative"),
  ])
  func mistakes(body: String, remedy: String) {
    #expect(findings(body).contains { $0.contains(remedy) }, "\(findings(body))")
  }

  @Test("a recorded series is read from the course's data and judged whole")
  func series() throws {
    let rows = (0..<12).map { "2026-01-\($0 + 10),\(Double($0)),abc\($0)" }.joined(separator: "\n")
    let (planned, found) = plan(
      "```perf\nkind: observe\nid: nightly\nquery: change_points\nfile: data/n.csv\nexpect:\n  index: {value: 5, tolerance: 1}\n```\n",
      PlanContext(data: { ["data/n.csv": "date,value,commit\n" + rows + "\n"][$0] }))
    #expect(found.isEmpty, "\(found)")
    guard case .observe(.changePoints(let query))? = planned.plan.cells.first?.work else { throw Missing() }
    #expect(query.points.count == 12 && query.points[3] == SeriesPoint(date: "2026-01-13", value: 3, commit: "abc3"))
  }
}
