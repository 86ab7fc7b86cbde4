import DocumentModel
import ExperimentModel
import Foundation
import Testing
import TextModel

@testable import Reporting

#if canImport(FoundationXML)
  import FoundationXML
#endif

private var suites: [CheckSuite] {
  var undecided = Sample.curve
  undecided.thresholds = [
    JudgementResult(
      text: "hit_ratio@capacity=1000>=55pct", measured: Sample.share(0.5568, 0.5498, 0.5638), outcome: .inconclusive)
  ]
  var broken = Sample.onoff
  broken.thresholds[1].outcome = .fail
  broken.thresholds[1].measured = MetricValue(Estimate(1.42, low: 1.38, high: 1.47), .ratio)
  var failed = CellResult(id: "money", kind: "cost", inputs: "1", quick: false, evidence: .computed)
  failed.failure = "the market fact `aws.m7g` is missing\nadd it to facts.yml"
  var invalid = Sample.onoff
  invalid.id = "burst"
  invalid.validity = .invalid
  invalid.validityReason = "the rate was short by 7 %"
  var second = checkSuite(notebook: "Notebooks/day09.md", results: [failed, invalid], lines: ["money": 12])
  second.cases.append(CheckCase(name: "burst against main", outcome: .fail, message: "1.31 [1.28, 1.35] times slower than main"))
  return [
    checkSuite(notebook: "Notebooks/day08.md", results: [broken, undecided], lines: ["onoff": 40, "hit-curve": 92]), second,
  ]
}

@Test func checkReportsMatchTheirGolden() throws {
  #expect(try golden("check", "junit.xml", junitXML(suites)))
  #expect(try golden("check", "annotations.txt", githubAnnotations(suites)))
}

@Test func outcomesOfAnInvalidRunAreNotBelieved() {
  let burst = suites[1].cases.filter { $0.name.hasPrefix("burst: ") }
  #expect(burst.count == 2 && burst.allSatisfy { $0.outcome == .inconclusive && !$0.message.contains("measured") })
  #expect(
    suites.flatMap(\.cases).map(\.outcome.rawValue).joined(separator: " ")
      == "pass pass fail pass inconclusive error inconclusive inconclusive inconclusive fail")
}

// MARK: JUnit

/// All elements in order with their attributes and texts.
private final class Elements: NSObject, XMLParserDelegate {
  var found: [(name: String, attributes: [String: String], text: String)] = []
  private var open: [Int] = []
  func parser(
    _: XMLParser, didStartElement name: String, namespaceURI _: String?, qualifiedName _: String?, attributes: [String: String]
  ) {
    open.append(found.count)
    found.append((name, attributes, ""))
  }
  func parser(_: XMLParser, foundCharacters text: String) { if let last = open.last { found[last].text += text } }
  func parser(_: XMLParser, didEndElement _: String, namespaceURI _: String?, qualifiedName _: String?) { open.removeLast() }
}

private func parsed(_ xml: String) throws -> Elements {
  let elements = Elements()
  let parser = XMLParser(data: Data(xml.utf8))
  parser.delegate = elements
  try #require(parser.parse(), "\(String(describing: parser.parserError))")
  return elements
}

@Test func junitCountsWhatItHolds() throws {
  let elements = try parsed(junitXML(suites)).found
  #expect(
    elements[0].name == "testsuites"
      && elements[0].attributes == ["name": "nb", "tests": "10", "failures": "2", "errors": "1", "skipped": "4"])
  for (tag, count) in [("testsuite", 2), ("testcase", 10), ("failure", 2), ("error", 1), ("skipped", 4)] {
    #expect(elements.filter { $0.name == tag }.count == count, "\(tag)")
  }
  #expect(elements.allSatisfy { $0.attributes["time"] == nil && $0.attributes["timestamp"] == nil })
  let error = try #require(elements.first { $0.name == "error" })
  #expect(error.text == "the market fact `aws.m7g` is missing\nadd it to facts.yml", "the text keeps its lines")
}

@Test func hostileCasesComeBackThroughXML() throws {
  let h = Sample.hostile
  let cases = [CheckOutcome.fail, .error, .inconclusive, .pass].map {
    CheckCase(name: h, line: 1, outcome: $0, message: h + "\u{FFFE}\u{1B}[0m")
  }
  let elements = try parsed(junitXML([CheckSuite(notebook: h, cases: cases), CheckSuite(notebook: "", cases: [])])).found
  #expect(
    elements.map(\.name) == [
      "testsuites", "testsuite", "testcase", "failure", "testcase", "error", "testcase", "skipped", "testcase", "testsuite",
    ])
  // What XML cannot hold is gone, the rest is as it was.
  let expected = h.replacing("\n", with: " ").replacing("\u{202E}", with: "").replacing("\u{0}", with: " ")
  #expect(elements[1].attributes["name"] == expected && elements[2].attributes["name"] == expected)
  #expect(elements[3].text == h.replacing("\u{202E}", with: "").replacing("\u{0}", with: "") + "[0m")
  #expect(try parsed(junitXML([])).found.count == 1)
}

// MARK: GitHub

/// A workflow command as the runner takes it apart: at the first `::` after the prefix, `,` and `=`, then `%25` last.
private func command(_ line: Substring) -> (name: String, properties: [String: String], message: String)? {
  guard line.hasPrefix("::"), let end = line.dropFirst(2).range(of: "::") else { return nil }
  let head = line[line.index(line.startIndex, offsetBy: 2)..<end.lowerBound].split(separator: " ", maxSplits: 1)
  func plain(_ text: Substring, _ escapes: [(String, String)]) -> String {
    escapes.reduce(String(text)) { $0.replacing($1.0, with: $1.1) }
  }
  let data = [("%0D", "\r"), ("%0A", "\n"), ("%25", "%")]
  let property = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")]
  var properties: [String: String] = [:]
  for pair in head.dropFirst().first?.split(separator: ",") ?? [] {
    let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    properties[String(parts[0])] = plain(parts[1], property)
  }
  return (String(head[0]), properties, plain(line[end.upperBound...], data))
}

@Test func annotationsPointAtTheBlock() throws {
  let found = githubAnnotations(suites).split(separator: "\n").map { command($0) }
  #expect(found.map { $0?.name } == ["error", "warning", "error", "warning", "warning", "warning", "error"])
  let first = try #require(found[0])
  #expect(first.properties == ["file": "Notebooks/day08.md", "line": "40", "title": "onoff: ratio.p99<=1.3"])
  #expect(first.message == "ratio.p99<=1.3 does not hold: measured 1.42 [1.38, 1.47]")
  #expect(found[2]?.message.contains("\n") == true && found[3]?.properties["line"] == nil)
}

@Test func hostileTextIsNoCommandOfItsOwn() throws {
  let h = "100 % %0A a:b,c=d ::error::x\r\n::stop-commands::y \u{1B}[31m\u{202E}" + Sample.hostile
  let text = githubAnnotations([
    CheckSuite(
      notebook: h, cases: [CheckCase(name: h, line: 3, outcome: .fail, message: h), CheckCase(name: h, outcome: .inconclusive)])
  ])
  let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
  #expect(lines.count == 3 && !text.contains("\r") && !text.contains("\u{1B}") && !text.contains("\u{202E}"))
  let back = try #require(command(lines[0]))
  let kept = h.replacing("\u{1B}", with: " ").replacing("\u{0}", with: " ").replacing("\u{202E}", with: "")
  #expect(back.properties == ["file": kept, "line": "3", "title": kept] && back.message == kept)
  #expect(command(lines[1])?.message == "inconclusive")
}

// MARK: Budgets

private func judged(
  _ metric: String, _ limit: String, _ measured: MetricValue?, _ left: Double?, _ outcome: BudgetOutcome, reason: String? = nil,
  quick: Bool = false
) -> JudgedBudget {
  let budget = PerformanceBudget(
    metric: metric, lesson: "day08", address: Address(block: "onoff", arm: [], metric: "mean"), op: .lessOrEqual,
    limit: Quantity(1, .plain),
    limitText: limit, owner: "Ada", since: "2026-11-01", why: "the page must feel immediate")
  return JudgedBudget(budget: budget, outcome: outcome, measured: measured, left: left, quick: quick, reason: reason)
}

private var budgets: [JudgedBudget] {
  [
    judged("day08/onoff.on.p99", "<=25ms", Sample.ms(22, 21.6, 22.4), 0.12, .pass),
    judged("day08/hit-curve.hit_ratio@capacity=1000", ">=58pct", Sample.share(0.5568, 0.5498, 0.5638), -0.04, .fail, quick: true),
    judged(
      "day08/onoff.on.mean", "<=10.5ms", Sample.ms(10.52, 9.6, 11.4), -0.0019, .inconclusive,
      reason: "the interval covers the limit"),
    judged("day09/gone.time", "<=1s", nil, nil, .unmeasured, reason: "no results of `day09` are saved"),
  ]
}

@Test func budgetsMatchTheirGolden() throws {
  #expect(try golden("budgets", "expected.md", budgetMarkdown(budgets) + "\n"))
  #expect(try golden("budgets", "terminal.txt", budgetText(budgets)))
}

@Test(
  arguments: [
    (0.12, "12 % left"), (-0.034, "3.4 % over"), (0, "0 % left"), (-0.0, "0 % left"), (1e-9, "0 % left"), (-1e-9, "just over"),
    (1, "100 % left"),
    (-3, "300 % over"), (.nan, nil), (nil, nil), (.infinity, nil), (0.0004, "0.04 % left"),
  ] as [(Double?, String?)])
func whatIsLeft(share: Double?, text: String?) { #expect(leftText(share) == text) }

@Test func hostileBudgetsStayText() {
  let h = Sample.hostile
  var hostile = judged(h, h, MetricValue(Estimate(.nan), .ratio), .nan, .fail, reason: h)
  hostile.budget.owner = h
  hostile.budget.since = h
  let document = Document(parsing: SourceText(path: "x.md", text: budgetMarkdown([hostile])))
  var options = HTMLOptions()
  options.unsafe = true
  let html = document.html(options).html
  #expect(!html.contains("<script") && document.values.isEmpty && html.components(separatedBy: "<td").count - 1 == 7)
  let text = budgetText([hostile] + budgets, style: TerminalStyle(ascii: true))
  #expect(text.utf8.allSatisfy { (32...126).contains($0) || $0 == 10 })
  #expect(text.split(separator: "\n").count == 9)
  #expect(!budgetMarkdown([]).contains("|") && budgetText([]) == "No budgets are set.\n")
}
