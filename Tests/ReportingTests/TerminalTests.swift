import ExperimentModel
import Foundation
import Testing

@testable import Reporting

/// Runs whose numbers break careless drawing.
private let oddSamples: [[[Double]]] = [
  [[]], [[], []], [[5]], [[5], [5]], [[0]], [[-0.0, 0]], [[.nan]], [[.nan, 3], [.infinity, -.infinity, 4]], [[1e300, -1e300]],
  [[.greatestFiniteMagnitude, -.greatestFiniteMagnitude]], [[.leastNonzeroMagnitude]], [[.leastNonzeroMagnitude, 1e300]],
  [[1, 1e12]], [Array(repeating: 7, count: 50)],
  [Array(repeating: 7, count: 50) + [1e9]], [[1e15, 1e15 + 1]], [[-3e6, 4e6]],
]

private func report(_ samples: [[Double]], median: Estimate? = nil) -> BenchReport {
  Sample.bench("t", samples.map { BenchSubject(name: "s", kind: .command, source: "s", times: $0, median: median) }, [])
}

@Test(arguments: 0..<oddSamples.count)
func oddNumbersAreDrawn(index: Int) {
  for style in [TerminalStyle(), TerminalStyle(ascii: true), TerminalStyle(color: true), TerminalStyle(columns: 21)] {
    let run = report(oddSamples[index])
    let text = distributionText(run, style: style) + benchSummaryText(run, style: style)
    #expect(!text.contains("nan") && !text.contains("inf ") && text.hasSuffix("\n"))
    _ = distributionText(report(oddSamples[index], median: Estimate(.nan, low: .infinity, high: 3)), style: style)
    _ = distributionText(
      report(oddSamples[index], median: Estimate(4, low: -.greatestFiniteMagnitude, high: 1e308)), style: style)
  }
}

@Test func everySampleIsDrawnOrCounted() throws {
  var stream = SampleStream(state: 5)
  for round in 0..<300 {
    let scale = pow(10, stream.next() * 18 - 3)
    var samples = (0..<2).map { _ in stream.times(1 + Int(stream.next() * 250), center: 5 * scale, spread: scale) }
    for i in samples[0].indices where stream.next() < 0.01 { samples[0][i] *= 30 }
    if round % 7 == 0 { samples[1].append(.nan) }
    let axis = try #require(TimeAxis(samples, medians: samples.compactMap(middle), columns: 60))
    for one in samples {
      let bins = axis.bins(one)
      #expect(bins.counts.reduce(0, +) + bins.beyond + bins.notNumbers == one.count)
      #expect(bins.beyond <= max(1, one.count / 100), "no more than a hundredth lies beyond")
      // What stands in a column has a mark there, and nothing else has.
      let bottom = Array(histogramRows(bins.counts, width: axis.columnsPerBin, style: TerminalStyle())[2])
      for (i, count) in bins.counts.enumerated() {
        let column = i * axis.columnsPerBin
        let isMarked = column < bottom.count && bottom[column] != " "
        #expect(isMarked == (count > 0))
      }
    }
  }
}

@Test func longTailsAreClippedAndCounted() {
  #expect(distributionText(Sample.benchUnresolved).components(separatedBy: "→ 1 more, up to ").count == 2)
  var stream = SampleStream(state: 3)
  var many = stream.times(400, center: 1e6, spread: 1e5)
  for i in [3, 99, 300] { many[i] = 9e7 + Double(i) }
  #expect(distributionText(report([many])).contains("→ 4 more, up to 90.0 ms\n"))
  // The hundredth of 400 samples: three far out, and one at the edge.
  // With a few samples there is no tail to speak of: all of them are drawn.
  #expect(!distributionText(report([[1e6, 1.1e6, 1.2e6, 9e7]])).contains("→"))
}

@Test func mediansAndIntervalsStandWhereTheyBelong() throws {
  let axis = try #require(TimeAxis([[0, 600]], medians: [], columns: 60))
  #expect([0.0, 5, 10, 300, 599, 600, 9e9, -9].map(axis.column) == [0, 0, 1, 30, 59, 59, 59, 0])
  let text = distributionText(report([[0, 600]], median: Estimate(300, low: 100, high: 450)))
  let marker = try #require(text.split(separator: "\n").first { $0.contains("┃") })
  let columns = Array(marker.dropFirst(2))
  #expect(columns.firstIndex(of: "├") == 10 && columns.firstIndex(of: "┃") == 30 && columns.firstIndex(of: "┤") == 45)
  let open = distributionText(report([[100, 600]], median: Estimate(300, low: -50, high: 900)))
  let openMarker = try #require(open.split(separator: "\n").first { $0.contains("┃") })
  #expect(openMarker.contains("─┃─") && !openMarker.contains("├") && !openMarker.contains("┤"))
}

@Test func axesNameTheirUnit() {
  // Without an interval the axis stands last.
  func axis(_ samples: [[Double]]) -> String { distributionText(report(samples)).split(separator: "\n").suffix(1).joined() }
  #expect(axis([[21e6, 27.5e6]]).hasSuffix(" ms") && axis([[1e3, 1.2e3]]).hasSuffix(" µs") && axis([[2, 5]]).hasSuffix(" ns"))
  #expect(axis([[1e3, 1e6]]).hasSuffix("(log scale)") && axis([[1e3, 1e6]]).contains("100 µs"))
  #expect(axis([[10e6, 20e6]]).split(separator: " ").map(String.init) == ["10", "12", "14", "16", "18", "20", "ms"])
}

@Test func hostileNamesReachNoTerminal() {
  var run = Sample.benchHostile
  run.subjects[0].name = "\u{1B}[31mred\u{7}\u{9B}2J" + Sample.hostile
  for style in [TerminalStyle(), TerminalStyle(ascii: true)] {
    let text = distributionText(run, style: style) + benchSummaryText(run, style: style)
    let values: [UInt32] = text.unicodeScalars.map(\.value)
    let isControl: (UInt32) -> Bool = { $0 < 32 && $0 != 10 || (0x7F...0x9F).contains($0) || $0 == 0x202E }
    #expect(!values.contains(where: isControl))
    if style.isASCII { #expect(values.allSatisfy { $0 < 127 }) }
  }
}

@Test(arguments: Sample.benches.keys.sorted())
func colourChangesNothingButColour(name: String) throws {
  let run = try #require(Sample.benches[name])
  let plain = distributionText(run) + benchSummaryText(run)
  let colored =
    distributionText(run, style: TerminalStyle(color: true)) + benchSummaryText(run, style: TerminalStyle(color: true))
  #expect(!plain.contains("\u{1B}") && colored.contains("\u{1B}[1m"))
  #expect(colored.replacing(/\u{1B}\[[0-9]+m/, with: "") == plain)
  for line in colored.split(separator: "\n") {
    // Each colour ends on its own line: a reader who pages or greps sees no stray colour.
    let codes = line.components(separatedBy: "\u{1B}[").count - 1
    let ends = line.components(separatedBy: "\u{1B}[0m").count - 1
    #expect(codes == 0 || ends > 0 && line.hasPrefix("\u{1B}[0m") == false)
  }
}

// MARK: Sentences

private func sentence(
  _ verdict: Verdict, _ ratio: Estimate?, pairs: Int = 40, effective: Double? = nil, effect: Double? = nil, decide: Int? = nil
) -> String {
  var run = report([[1], [2]])
  run.subjects[0].name = "A"
  run.subjects[1].name = "B"
  run.control = Estimate(1, low: 0.99, high: 1.01)
  let comparison = BenchComparison(
    candidate: 1, ratio: ratio, delta: nil, verdict: verdict, pairs: pairs, pairsEffective: effective,
    minimumDetectableEffect: effect,
    pairsToDecide: decide)
  return comparisonSentence(comparison, run)
}

@Test func sentencesSayNoMoreThanWasMeasured() {
  let aa = "A/A 1.00 [0.99, 1.01])"
  #expect(
    sentence(.faster, Estimate(1.31, low: 1.28, high: 1.35)) == "B is 1.31 [1.28, 1.35] times faster than A (40 pairs, \(aa)")
  #expect(
    sentence(.slower, Estimate(0.8, low: 0.78, high: 0.82)) == "B is 1.25 [1.22, 1.28] times slower than A (40 pairs, \(aa)")
  #expect(
    sentence(.equivalent, Estimate(1.003, low: 0.995, high: 1.01))
      == "B and A are equivalent within 2 %: ratio 1.003 [0.995, 1.010] (40 pairs, \(aa)")
  let narrow = Estimate(1.001, low: 0.995, high: 1.004)
  #expect(
    sentence(.unresolved, narrow, effect: 0.014, decide: 160)
      == "no difference larger than 1.4 % could be seen between B and A: ratio 1.001 [0.995, 1.004] (40 pairs, \(aa)"
      + "; about 160 pairs would decide"
  )
  // The interval allows more than the effect that would have been found: the larger of the two is what can be claimed.
  #expect(
    sentence(.unresolved, Estimate(1.01, low: 0.97, high: 1.06), effect: 0.014).hasPrefix(
      "no difference larger than 6 % could be seen"))
  #expect(sentence(.unresolved, Estimate(0.98, low: 0.9, high: 1.01)).hasPrefix("no difference larger than 12 % could be seen"))
  // An interval without 1 is not "no difference".
  #expect(
    sentence(.unresolved, Estimate(1.03, low: 1.01, high: 1.05), decide: 41).hasPrefix(
      "B against A is unresolved: ratio 1.03 [1.01, 1.05]"))
  #expect(sentence(.unresolved, Estimate(1.03), pairs: 5) == "B against A is unresolved: ratio 1.03 (5 pairs, \(aa)")
  #expect(
    sentence(.unresolved, nil, pairs: 1, decide: 6) == "B and A could not be compared (1 pair, \(aa); about 6 pairs would decide")
  #expect(sentence(.unresolved, Estimate(.nan)).hasPrefix("B and A could not be compared"))
  #expect(sentence(.faster, Estimate(2, low: 1.9, high: 2.1), effective: 22.7).contains("(40 pairs worth 22, A/A"))
  #expect(!sentence(.faster, Estimate(2, low: 1.9, high: 2.1), effective: 39).contains("worth"))
  #expect(!sentence(.unresolved, narrow, decide: 40).contains("would decide"), "what was already run does not decide")
}

@Test func subjectsOfOneNameAreToldApart() {
  var run = report([[1], [2]])
  run.subjects[0].name = String(repeating: "long ", count: 30)
  run.subjects[1].name = run.subjects[0].name
  let same = comparisonSentence(BenchComparison(candidate: 1, ratio: nil, delta: nil, verdict: .unresolved, pairs: 2), run)
  #expect(same.contains("… (subject 2) and ") && same.contains("… (subject 1) could not") && same.count < 220)
}

@Test func failedRunsAreNamed() {
  var run = Sample.benchOneSample
  #expect(benchSummaryText(run).contains("1 of 1 runs failed (exit code 2)"))
  run.subjects[0].exitCodes = [0, nil, 3, 3]
  #expect(benchSummaryText(run).contains("3 of 4 runs failed (ended by a signal, exit code 3)"))
  run.subjects[0].exitCodes = [0, 0]
  #expect(!benchSummaryText(run).contains("failed"))
}

@Test func doubtsAreNumbered() {
  #expect(
    benchSummaryText(Sample.benchUnresolved).contains("\n  1. the pairs of dedupe-sorted depend")
      && benchSummaryText(Sample.benchUnresolved).contains("\n  2. 1 sample"))
}

@Test(arguments: [
  (0.014, "1.4 %"), (0.02, "2 %"), (0.0141, "1.5 %"), (0.12, "12 %"), (0.1201, "13 %"), (0.00031, "0.031 %"), (1.5, "150 %"),
  (0.0999, "10 %"),
  (0, "0 %"), (-0.0, "0 %"),
])
func boundsAreRoundedUp(share: Double, text: String) { #expect(percentText(share) == text) }
