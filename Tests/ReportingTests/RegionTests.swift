import DocumentModel
import ExperimentModel
import Foundation
import Testing
import TextModel

@testable import Reporting

private let goldens = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Golden/Report")

/// The cases from which the golden folders are made; `UPDATE_GOLDEN=1` rewrites them for review.
private let cases: [String: CellResult] = {
  var degraded = Sample.onoff
  degraded.validity = .degraded
  degraded.validityReason = "on: send lag p99 was 140 µs, above 100 µs"
  degraded.quick = true
  var invalid = Sample.onoff
  invalid.validity = .invalid
  invalid.validityReason = "the rate was short by 7 %"
  var failed = CellResult(id: "onoff", kind: "load", inputs: "3f9a1c2e77", quick: false, evidence: .declaredWait)
  failed.failure = "the lab ended: port 0 is taken\nstart it again with `nb run`"
  var unmet = Sample.onoff
  unmet.unmet = "`java` and 4 CPUs"
  var several = Sample.onoff
  several.comparisons.append(ComparisonResult(candidate: "l2", metric: "time", ratio: ["time": Estimate(0.62, low: 0.6, high: 0.65)], delta: [:], verdict: .slower))
  several.arms.append(ArmResult(name: "", metrics: ["parity": MetricValue(Estimate(1), .plain)]))
  var requests = Sample.onoff
  for (i, factor) in [1.0, 0.5].enumerated() {
    requests.arms[i].requests = [("look", 900.0, 2.0), ("buy / pay", 300, 9)].map { name, count, time in
      var metrics = [
        "http_reqs": MetricValue(Estimate(count), .count), "rate": MetricValue(Estimate(count / 4), .perSecond),
        "http_req_failed": MetricValue(Estimate(name == "look" ? 0 : 0.01), .share), "p50": Sample.ms(time * factor),
        "p95": Sample.ms(2 * time * factor, time * factor, 3 * time * factor),
      ]
      if name != "look" { metrics["checks"] = MetricValue(Estimate(0.99), .share) }
      return RequestResult(name: name, metrics: metrics)
    }
  }
  var returns = CellResult(id: "money", kind: "cost", inputs: "5026555cc8", quick: false, evidence: .computed)
  returns.columns = ["low", "base", "high"]
  returns.rowLabel = "formula"
  func money(_ value: Double, _ unit: MetricUnit, width: Double = 0) -> MetricValue {
    MetricValue(Estimate(value, low: width > 0 ? value * (1 - width) : nil, high: width > 0 ? value * (1 + width) : nil), unit)
  }
  returns.arms = [
    ArmResult(name: "F1", metrics: ["low": money(0, .usdPerDay), "base": money(587.52, .usdPerDay, width: 0.1), "high": money(1_958.4, .usdPerDay, width: 0.1)]),
    ArmResult(
      name: "",
      metrics: [
        "gain_low": money(0, .usdPerMonth), "gain_base": money(17_625.6, .usdPerMonth, width: 0.1), "roi_low": money(-0.0351, .ratio),
        "roi_base": money(15.4, .ratio, width: 0.1), "payback_base": money(46.7 * 3_600e9, .nanoseconds, width: 0.1), "breakeven_gain": money(133.7, .usdPerMonth),
        "breakeven_delay_base": money(759e3, .nanoseconds),
      ]),
  ]
  returns.doubts = [Doubt(id: "never-pays", text: "never paid back: low")]
  return [
    "requests": requests, "returns": returns, "comparison": Sample.onoff, "sweep": Sample.curve, "degraded": degraded, "invalid": invalid, "failed": failed, "not-run": unmet,
    "several-candidates": several, "hostile": Sample.hostileResult,
  ]
}()

@Test(arguments: cases.keys.sorted())
func regionsMatchTheirGolden(name: String) throws {
  let folder = goldens.appendingPathComponent(name)
  let input = folder.appendingPathComponent("result.json")
  let expected = folder.appendingPathComponent("expected.md")
  if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let result = try #require(cases[name])
    try Data(resultsJSON([result])).write(to: input)
    try Data((regionMarkdown(result) + "\n").utf8).write(to: expected)
  }
  let results = try parseResultsJSON([UInt8](Data(contentsOf: input)))
  #expect(try regionMarkdown(#require(results.first)) + "\n" == String(contentsOf: expected, encoding: .utf8))
}

@Test func whatAMachineCannotRunSaysWhatIsMissing() throws {
  var result = CellResult(id: "jvm", kind: "bench", inputs: "1", quick: false, evidence: .real)
  result.unmet = "`java`"
  #expect(regionMarkdown(result) == "> [!NOTE]\n> **Not run here:** needs `java`. What stands below, if anything, is from an earlier run.")
  #expect(regionMarkdown(try #require(cases["not-run"])).hasSuffix(regionMarkdown(Sample.onoff)))
  let suite = checkSuite(notebook: "day10.md", results: [result])
  #expect(suite.cases == [CheckCase(name: "jvm", outcome: .notRun, message: "not run here: needs `java`")])
  #expect(junitXML([suite]).contains("<skipped message=\"not run here: needs `java`\"/>") && junitXML([suite]).contains("failures=\"0\" errors=\"0\" skipped=\"1\""))
  #expect(githubAnnotations([suite]) == "::notice file=day10.md,title=jvm::not run here: needs `java`\n")
}

@Test func numbersOfAnInvalidOrFailedRunAreNotShown() throws {
  for name in ["invalid", "failed"] {
    let text = regionMarkdown(try #require(cases[name]))
    #expect(text.hasPrefix("> [!WARNING]\n"))
    #expect(!text.contains("|") && !text.contains(" ms"))
  }
}

@Test func theVerdictLineReadsAsInTheLanguageReference() {
  #expect(
    regionMarkdown(Sample.onoff).hasSuffix(
      "*ratio of means 2.1 [1.9, 2.3] · A/A 1.00 [0.98, 1.02] · evidence W · machine busy · **faster***"))
}

@Test func everyTableRowHasAsManyCellsAsItsHeading() {
  for (name, result) in cases {
    var columns = 0
    for line in regionMarkdown(result).split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("|") else { columns = 0; continue }
      var cells = -1
      var previous: Character = " "
      for character in line {
        if character == "|", previous != "\\" { cells += 1 }
        // A backslash that is itself escaped escapes nothing.
        previous = character == "\\" && previous == "\\" ? " " : character
      }
      if columns == 0 { columns = cells }
      #expect(cells == columns, "\(name): \(line)")
    }
  }
}

@Test func hostileTextStaysText() throws {
  for text in [regionMarkdown(Sample.hostileResult), failureNote(Sample.hostile), marketTable([hostileFact]), runbookMarkdown([(Sample.hostile, hostileRunbook)])] {
    #expect(!text.unicodeScalars.contains { $0.value == 0 || $0.value == 0x202E || $0 == "\r" })
    // Read as a notebook, with raw HTML allowed: nothing of it is a tag, a live value or a heading.
    let document = Document(parsing: SourceText(path: "x.md", text: text))
    var options = HTMLOptions()
    options.unsafe = true
    #expect(!document.html(options).html.contains("<script"))
    #expect(document.values.isEmpty)
    #expect(!text.split(separator: "\n").contains { $0.hasPrefix("## h") })
  }
}

private var hostileFact: MarketFact {
  let h = Sample.hostile
  return MarketFact(id: h, statement: h, value: h, number: nil, unit: .plain, asOf: h, source: h, sourceKind: h, strength: h, ttlDays: 1, stale: true, usedBy: [h])
}

private var hostileRunbook: RunbookSpec {
  let h = Sample.hostile
  return RunbookSpec(id: h, symptom: h, metrics: [RunbookMetric(name: h, warn: h, page: h)], steps: [h], links: [h])
}

@Test func marketTablesSayWhatIsStale() {
  let fact = MarketFact(
    id: "x", statement: "one vCPU", value: "0.0408 USD/h", number: 0.0408, unit: .usd, asOf: "2026-06-17", source: "a page", sourceKind: "secondary",
    strength: nil, ttlDays: 180, stale: false, usedBy: ["day08"])
  #expect(marketTable([fact]).hasSuffix("| one vCPU | 0.0408 USD/h | 2026-06-17 | a page (secondary) | – | current for 180 days |"))
  var old = fact
  old.stale = true
  #expect(marketTable([old]).contains("**STALE** (over 180 days)"))
  var study = fact
  study.ttlDays = 36_500
  #expect(marketTable([study]).hasSuffix("| history |"))
  var disputed = fact
  disputed.conflicts = [.init(source: "another | page", sourceKind: "secondary", value: "0.05 USD/h", resolution: "not adopted"), .init(source: "", sourceKind: "", value: "", resolution: "a note")]
  #expect(marketTable([disputed]).hasSuffix("| current for 180 days; **conflict**: 0.05 USD/h by another \\| page (secondary), not adopted |"))
  #expect(!marketTable([]).contains("|"))
}

@Test func runbooksLinkToResults() {
  let entry = RunbookSpec(id: "rb-cache", symptom: "origin request rate above plan", metrics: [RunbookMetric(name: "origin_rps", warn: "1.3x", page: "2x")], steps: ["look", "act"], links: ["onoff", "day01/base"])
  let text = runbookMarkdown([("day08", entry)])
  #expect(text.contains("## Origin request rate above plan"))
  #expect(text.contains("[onoff](day08.md#result-onoff), [day01/base](day01.md#result-base)"))
  #expect(text.contains("| `origin_rps` | 1.3x | 2x | rate of requests that passed the cache |"))
  #expect(text.contains("1. look\n2. act"))
}
