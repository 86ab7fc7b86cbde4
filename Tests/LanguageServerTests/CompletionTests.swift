import DocumentModel
import ExperimentModel
import PerfLanguage
import Testing
import TextModel

@testable import LanguageServer

/// A notebook with `¦` where the cursor stands.
private func items(_ marked: String) -> [CompletionItem] {
  let parts = marked.split(separator: "¦", omittingEmptySubsequences: false)
  let offset = parts[0].utf8.count
  let source = SourceText(path: "x.md", text: parts.joined())
  var context = PlanContext()
  context.facts["aws.hour"] = MarketFact(
    id: "aws.hour", statement: "an hour", value: "0.08 USD/h", number: 0.08, unit: .usdPerHour, asOf: "2026-01-01", source: "x", sourceKind: "primary",
    strength: nil, ttlDays: 10, stale: false, usedBy: [])
  let analysis = NotebookAnalysis(Document(parsing: source), context)
  let writer = CompletionWriter(analysis: analysis, source: source, encoding: .utf16, snippets: true)
  guard let fence = analysis.document.perfFences.first(where: { $0.range.lower <= offset && offset <= $0.range.upper }),
    let place = CursorPlace(fence.lines, in: source, at: offset)
  else { return writer.prose(at: offset) }
  return writer.items(at: place)
}

private func labels(_ marked: String) -> Set<String> { Set(items(marked).map(\.label)) }

private let system = """
  ```perf
  kind: system
  id: store
  origin:
    routes:
      GET /item/{id}:
        - cache: {as: shelf, capacity: 10}
        - wait: {mean: 5ms, stands_for: a database}
  ```

  ```sql #by-id
  SELECT 1
  ```

  ```perf
  kind: load
  id: first
  uses: store
  executor: constant-arrival-rate
  rate: 50rps
  duration: 1s
  scenario: [{get: "/item/{id}", key: {dist: uniform, n: 100}}]
  ```


  """

@Suite struct CompletionTests {
  @Test("an empty block begins with its kind")
  func begin() {
    #expect(labels("```perf\n¦\n```\n") == ["kind", "id"])
    #expect(labels("```perf\nkind: ¦\n```\n").isSuperset(of: ["load", "bench", "sim", "sweep", "runbook"]))
  }

  @Test("keys of the block, without those that stand there, the required ones first")
  func keys() throws {
    let found = items("```perf\nkind: sim\nid: a\n¦\nmodel: mm1\n```\n")
    let names = found.map(\.label)
    #expect(names.contains("replications") && !names.contains("model") && !names.contains("id"))
    let load = items("```perf\nkind: load\nid: a\n¦\n```\n").sorted { ($0.sortText ?? "") < ($1.sortText ?? "") }
    #expect(Set(load.prefix(3).map(\.label)) == ["uses", "executor", "scenario"])
    let executor = try #require(load.first { $0.label == "executor" })
    #expect(executor.textEdit.newText.hasPrefix("executor: ${1|constant-arrival-rate,"))
    #expect(executor.documentation?.value.contains("who decides when the next request is sent") == true)
  }

  @Test("keys inside of brackets and of lists")
  func nested() {
    #expect(labels(system + "```perf\nkind: load\nid: a\nwarm: {¦}\n```\n") == ["requests", "keys"])
    #expect(labels(system + "```perf\nkind: load\nid: a\nscenario:\n  - ¦\n```\n").isSuperset(of: ["get", "post", "journey", "weight"]))
    #expect(labels("```perf\nkind: system\nid: s\norigin:\n  routes:\n    GET /:\n      - ¦\n```\n").isSuperset(of: ["cache", "sql", "wait"]))
    #expect(labels("```perf\nkind: system\nid: s\norigin:\n  routes:\n    GET /:\n      - cache: {capacity: 1, ¦}\n```\n").isSuperset(of: ["ttl", "policy"]))
    #expect(labels("```perf\nkind: sim\nid: s\nmodel: mm1\nparams: {¦}\n```\n").contains("rho"))
    #expect(labels("```perf\nkind: cost\nid: s\nformula: F1\ninputs:\n  ¦\n```\n").contains("delay"))
  }

  @Test("names by what the notebook has")
  func names() {
    #expect(labels(system + "```perf\nkind: load\nid: a\nuses: ¦\n```\n").isSuperset(of: ["store", "shop"]))
    #expect(labels(system + "```perf\nkind: load\nid: a\nuses: store\nset: {¦}\n```\n").isSuperset(of: ["shelf.capacity", "origin.workers"]))
    #expect(labels(system + "```perf\nkind: observe\nid: a\nquery: littles_law\nfrom: ¦\n```\n") == ["first"])
    #expect(labels(system + "```perf\nkind: bench\nid: a\nsubjects: [{fence: ¦}]\n```\n") == ["by-id"])
    #expect(labels(system + "```perf\nkind: cost\nid: a\nformula: F3\ninputs: {cpu_per_req: \"${¦}\"}\n```\n").isSuperset(of: ["first", "market.aws.hour"]))
    #expect(labels(system + "```perf\nkind: cost\nid: a\nformula: F3\ninputs:\n  cpu_per_req: ${market.¦}\n```\n") == ["market.aws.hour"])
    #expect(labels(system + "```perf\nkind: cost\nid: a\nformula: F3\nsources: [¦]\n```\n") == ["market.aws.hour"])
  }

  @Test("words, defaults and units")
  func values() {
    #expect(labels("```perf\nkind: load\nid: a\narrivals: ¦\n```\n") == ["poisson", "uniform"])
    #expect(labels("```perf\nkind: load\nid: a\nduration: 20¦\n```\n").isSuperset(of: ["20ms", "20s", "20us"]))
    #expect(labels("```perf\nkind: load\nid: a\nrate: 20¦\n```\n").contains("20rps"))
    #expect(labels("```perf\nkind: load\nid: a\ntimeout: ¦\n```\n") == ["10s"])
    #expect(labels("```perf\nkind: sim\nid: a\nmodel: mm1\nexpect:\n  mean: {theory: ¦}\n```\n").isSuperset(of: ["erlang-c", "che"]))
  }

  @Test("addresses in prose and in gates")
  func addresses() {
    #expect(labels(system + "It took {{ ¦").contains("first"))
    #expect(labels(system + "It took {{ first.¦ }}").isSuperset(of: ["p99", "mean", "http_reqs"]))
    #expect(labels(system + "It took {{ first.p99 }}, and ¦") == [])
    #expect(labels(system + "```perf\nkind: check\nid: a\ngate: ['first.¦']\n```\n").contains("p99"))
    let item = items(system + "{{ first.p¦ }}").first { $0.label == "p99" }
    #expect(item?.textEdit.newText == "first.p99" && item?.filterText == "first.p99")
  }
}
