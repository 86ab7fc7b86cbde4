import DocumentModel
import ExperimentModel
import Testing
import TextModel

@testable import Reporting

@Test(
  arguments: [
    ([0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"), ([7, 0], "█▁"), ([3, 3, 3], "▄▄▄"), ([5], "▄"), ([], ""), ([nil, 1, nil, 2], " ▁ █"),
    ([nil, nil], "  "),
    ([.nan, 1, .infinity, 2], " ▁ █"), ([-0.0, 0], "▄▄"), ([-1e308, 1e308], "▁█"), ([.leastNonzeroMagnitude, 0], "▄▄"),
    ([-.greatestFiniteMagnitude, 0, .greatestFiniteMagnitude], "▁▅█"),
  ] as [([Double?], String)])
func sparklines(values: [Double?], text: String) { #expect(sparkline(values) == text) }

@Test func longSeriesKeepTheirShape() {
  let steps = (0..<1000).map { Double?($0 < 500 ? 1 : 2) }
  #expect(sparkline(steps, width: 10) == "▁▁▁▁▁█████")
  #expect(sparkline(steps, width: 0).count == 1 && sparkline([1, nil], gap: "·") == "▄·")
  for (count, width) in [(7, 3), (1000, 60), (61, 60), (1, 60)] {
    let columns = sparklineColumns(count, width: width)
    #expect(
      columns.flatMap(Array.init) == Array(0..<count) && columns.allSatisfy { !$0.isEmpty } && columns.count == min(count, width))
  }
}

private var series: [HistorySeries] {
  var stream = SampleStream(state: 9)
  let values = stream.times(24, center: 21e6, spread: 1e6)
  let points = values.indices.map { i in
    HistoryPoint(
      date: "2026-\(i < 12 ? "09" : "10")-\(10 + i % 12)", commit: "c0ffee\(10 + i)",
      value: i == 5 ? nil : Estimate(values[i] * (i < 15 ? 1 : 1.12), low: values[i] * 0.97, high: values[i] * 1.15))
  }
  let change = HistoryChange(index: 15, date: points[15].date, commit: points[15].commit, relativeChange: 0.118, p: 0.00004)
  let hits = HistorySeries(
    address: "hit-curve.hit_ratio@capacity=1000", unit: .share,
    points: [HistoryPoint(date: "2026-11-23", value: Estimate(0.557))],
    changes: [HistoryChange(index: 0, date: "2026-11-23", relativeChange: -0.02, p: 0.03)])
  return [
    HistorySeries(address: "onoff.on.p99", unit: .nanoseconds, points: points, changes: [change]), hits,
    HistorySeries(address: "empty.time", unit: .nanoseconds, points: []),
  ]
}

@Test func historyMatchesItsGolden() throws {
  #expect(try golden("history", "expected.md", historyMarkdown(series) + "\n"))
  #expect(try golden("history", "terminal.txt", historyText(series)))
  #expect(try golden("history", "terminal-ascii.txt", historyText(series, style: TerminalStyle(ascii: true))))
}

@Test func changesStandUnderTheirValue() throws {
  let lines = historyText(series).split(separator: "\n", omittingEmptySubsequences: false)
  let marks = try #require(lines.first { $0.hasSuffix("^") })
  #expect(marks.count == 2 + 15 + 1 && lines[1].count == 2 + 24)
  #expect(lines[3] == "  change at run 16, 2026-10-13 in c0ffee25: +12 %, worse, p < 0.001")
}

@Test(arguments: [
  (0.12, "+12 %"), (-0.034, "−3.4 %"), (0, "0 %"), (-0.0, "0 %"), (1e-9, "0.000 %"), (-1e-9, "0.000 %"), (2, "+200 %"),
  (.nan, "n/a"),
])
func changesHaveASign(share: Double, text: String) { #expect(signedPercent(share) == text) }

@Test(arguments: [
  (0.012, "p 0.012"), (0.0009, "p < 0.001"), (0, "p < 0.001"), (1, "p 1.0"), (.nan, "p n/a"), (-1, "p n/a"), (1.2, "p n/a"),
])
func pValues(p: Double, text: String) { #expect(pText(p) == text) }

@Test func noHistoryIsASentence() {
  #expect(historyMarkdown([]) == "*There is no history yet.*" && historyText([]) == "There is no history yet.\n")
}

@Test func hostileHistoryStaysText() {
  let h = Sample.hostile
  let hostile = HistorySeries(
    address: h, unit: .plain,
    points: [HistoryPoint(date: h, commit: h, value: Estimate(.nan)), HistoryPoint(date: h + "b", value: nil)],
    changes: [
      HistoryChange(index: 99, date: h, commit: h, relativeChange: .infinity, p: .nan),
      HistoryChange(index: -1, date: h, relativeChange: -0.0, p: 0),
    ])
  let markdown = historyMarkdown([hostile])
  let document = Document(parsing: SourceText(path: "x.md", text: markdown))
  var options = HTMLOptions()
  options.unsafe = true
  let html = document.html(options).html
  #expect(!html.contains("<script") && document.values.isEmpty && html.components(separatedBy: "<td").count - 1 == 7)
  let text = historyText([hostile], style: TerminalStyle(ascii: true))
  #expect(text.utf8.allSatisfy { (32...126).contains($0) || $0 == 10 })
}
