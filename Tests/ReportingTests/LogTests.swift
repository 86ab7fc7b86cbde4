import DocumentModel
import ExperimentModel
import Testing
import TextModel

@testable import Reporting

private func entries(_ results: [CellResult], date: String = "2026-11-23") -> [LogEntry] {
  logEntries(from: results, lesson: "day08", date: date, commit: "abc123", environment: "a CPU, 2 cores")
}

@Test func anEntrySaysWhatChangedAndWhatItDid() throws {
  let entry = try #require(entries([Sample.onoff, Sample.curve]).first)
  #expect(entries([Sample.onoff, Sample.curve]).count == 1, "only comparisons are logged")
  #expect(entry.before == "mean 22.1 ms [21.9, 22.4]" && entry.after == "10.5 ms [9.6, 11.4]" && entry.ratio == "2.1 [1.9, 2.3]")
  #expect(entry.verdict == "faster" && entry.change == "off → on")
  let text = logMarkdown(entry)
  #expect(text.hasPrefix("<!-- nb:log day08 onoff in=3f9a1c2e77 verdict=faster -->\n\n## 2026-11-23 · day08 · onoff: faster\n"))
  #expect(text.contains("- **commit:** `abc123`"))
}

@Test func appendingTheSameAgainChangesNothing() {
  let once = appendToLog("", entries([Sample.onoff]))
  #expect(once.hasPrefix("# Optimization log\n"))
  #expect(appendToLog(once, entries([Sample.onoff])) == once)
  #expect(appendToLog(once, entries([Sample.onoff], date: "2027-01-01")) == once, "a later date alone is no news")
  #expect(appendToLog(once, []) == once)
}

@Test func aNewQuestionOrVerdictIsAppended() {
  let once = appendToLog("", entries([Sample.onoff]))
  var slower = Sample.onoff
  slower.comparisons[0].verdict = .unresolved
  let twice = appendToLog(once, entries([slower]))
  #expect(twice.hasPrefix(once) && twice != once)
  // Back to the first verdict: that is news again.
  let thrice = appendToLog(twice, entries([Sample.onoff]))
  #expect(thrice.hasPrefix(twice) && thrice != twice)
  var other = Sample.onoff
  other.inputs = "0000000000"
  #expect(appendToLog(thrice, entries([other])) != thrice)
}

@Test func aLogWithOtherLineEndingsKeepsThem() {
  let once = appendToLog("", entries([Sample.onoff]))
  let windows = String(once.unicodeScalars.flatMap { $0 == "\n" ? ["\r", "\n"] : [$0] }.map(Character.init))
  #expect(appendToLog(windows, entries([Sample.onoff])) == windows)
  var other = Sample.onoff
  other.inputs = "0000000000"
  let more = appendToLog(windows, entries([other]))
  let scalars = Array(more.unicodeScalars)
  #expect(more.unicodeScalars.starts(with: windows.unicodeScalars))
  #expect(scalars.indices.allSatisfy { scalars[$0] != "\n" || $0 > 0 && scalars[$0 - 1] == "\r" })
}

@Test func failedAndInvalidRunsAreNotLogged() {
  var failed = Sample.onoff
  failed.failure = "x"
  var invalid = Sample.onoff
  invalid.validity = .invalid
  #expect(entries([failed, invalid]).isEmpty)
}

@Test func hostileTextCannotForgeAnEntry() throws {
  let log = appendToLog("", entries([Sample.hostileResult]))
  #expect(appendToLog(log, entries([Sample.hostileResult])) == log)
  var options = HTMLOptions()
  options.unsafe = true
  #expect(!Document(parsing: SourceText(path: "log.md", text: log)).html(options).html.contains("<script"))
  #expect(log.split(separator: "\n").filter { $0.hasPrefix("<!--") }.count == 1)
}

@Test func severalCandidatesAreOneEntry() throws {
  var several = Sample.onoff
  several.comparisons.append(ComparisonResult(candidate: "other", metric: "mean", ratio: ["mean": Estimate(0.5, low: 0.4, high: 0.6)], delta: [:], verdict: .slower))
  let entry = try #require(entries([several]).first)
  #expect(entry.verdict == "on:faster,other:slower")
  #expect(entry.ratio == "on 2.1 [1.9, 2.3]; other 0.5 [0.4, 0.6]" || entry.ratio == "on 2.1 [1.9, 2.3]; other 0.50 [0.40, 0.60]")
  #expect(logMarkdown(entry).contains("onoff: on faster, other slower"))
}

@Test func aCostBlockSaysWhatTheGainIsWorth() throws {
  let cost = CostCell(formula: "F1", inputs: ["delay": .reference(Address(block: "onoff", arm: ["delta", "on"], metric: "mean"))], sources: [])
  var money = CellResult(id: "money", kind: "cost", inputs: "1", quick: false, evidence: .computed)
  money.columns = ["low", "base"]
  money.arms = [ArmResult(name: "F1", metrics: ["low": MetricValue(Estimate(0), .usdPerDay), "base": MetricValue(Estimate(68.3), .usdPerDay)])]
  let costs = costEffects([Cell(id: "money", work: .cost(cost), inputs: "1")], ["money": money])
  #expect(costs == ["onoff": "F1 low 0 USD/day, base 68.3 USD/day (block money)"])
  let entry = try #require(logEntries(from: [Sample.onoff], lesson: "day08", date: "d", commit: nil, environment: "e", costs: costs).first)
  #expect(logMarkdown(entry).contains("- **cost effect:** F1 low 0 USD/day"))
}
