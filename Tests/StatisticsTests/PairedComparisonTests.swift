import Statistics
import Testing

@Suite struct PairedComparisonTests {
  private func noisy(_ n: Int, _ seed: UInt64) -> [Double] {
    var random = SeededRandom(seed: seed)
    return (0..<n).map { _ in 100 * (1 + 0.01 * (random.uniform() - 0.5)) }
  }

  @Test("half the time is a ratio of 2, and faster; twice the time slower; the same equivalent")
  func verdicts() throws {
    let a = noisy(20, 1)
    let b = noisy(20, 2)
    let faster = try #require(comparePaired(baseline: a, candidate: b.map { $0 / 2 }))
    #expect(faster.verdict == .faster)
    #expect(abs(faster.ratio - 2) < 0.02)
    #expect(faster.interval.contains(faster.ratio))
    #expect(faster.equivalence.interval.confidence == 0.9 && faster.pValue < 0.001)
    #expect(try #require(faster.trimmed).contains(2) || abs(try #require(faster.trimmed).low - 2) < 0.02)
    #expect(comparePaired(baseline: a, candidate: b.map { $0 * 2 })?.verdict == .slower)
    #expect(comparePaired(baseline: a, candidate: b)?.verdict == .equivalent)
  }

  @Test("drift that is common to both sides of a pair falls out")
  func drift() throws {
    let drift = (0..<20).map { 1 + 0.2 * Double($0) }
    let a = zip(noisy(20, 3), drift).map { $0 * $1 }
    let b = zip(noisy(20, 4), drift).map { $0 * $1 / 1.1 }
    let found = try #require(comparePaired(baseline: a, candidate: b))
    #expect(found.verdict == .faster)
    #expect(abs(found.ratio - 1.1) < 0.01)
  }

  @Test("a difference smaller than δ is equivalent, and the reader is told that there is one")
  func small() throws {
    let found = try #require(comparePaired(baseline: noisy(80, 5).map { $0 * 1.01 }, candidate: noisy(80, 6)))
    #expect(found.verdict == .equivalent)
    #expect(!found.interval.contains(1))
    #expect(found.doubts.contains { $0.contains("smaller than the 2 %") })
    let strict = comparePaired(baseline: noisy(80, 5).map { $0 * 1.01 }, candidate: noisy(80, 6), equivalence: 0.005)
    #expect(strict?.verdict == .faster)
  }

  @Test("wide noise is unresolved, not equivalent")
  func unresolved() {
    var random = SeededRandom(seed: 7)
    let a = (0..<12).map { _ in 100 * (0.5 + random.uniform()) }
    let b = (0..<12).map { _ in 100 * (0.5 + random.uniform()) }
    #expect(comparePaired(baseline: a, candidate: b)?.verdict == .unresolved)
  }

  @Test("refusals: five pairs, unequal counts, a value of 0, nan")
  func refusals() {
    let six: [Double] = [1, 2, 3, 4, 5, 6]
    #expect(comparePaired(baseline: [1, 2, 3, 4, 5], candidate: [1, 2, 3, 4, 5]) == nil)
    #expect(comparePaired(baseline: six, candidate: [1, 2, 3, 4, 5]) == nil)
    #expect(comparePaired(baseline: six, candidate: [0, 2, 3, 4, 5, 6]) == nil)
    #expect(comparePaired(baseline: six, candidate: [.nan, 2, 3, 4, 5, 6]) == nil)
    #expect(comparePaired(baseline: six, candidate: six)?.verdict == .equivalent)
  }

  @Test("two groups of ratios are flagged, one far outlier is not")
  func bimodal() throws {
    let baseline = noisy(40, 8)
    let two = noisy(40, 9).enumerated().map { $0.offset % 2 == 0 ? $0.element : $0.element * 1.5 }
    #expect(try #require(comparePaired(baseline: baseline, candidate: two)).doubts.contains { $0.contains("two groups") })
    var one = noisy(40, 9)
    one[3] *= 5
    #expect(try #require(comparePaired(baseline: baseline, candidate: one)).doubts.isEmpty)
  }

  @Test("the A/A control contains 1 for steady slices and cancels a steady drift")
  func control() throws {
    let steady = try #require(controlAA(noisy(8, 10)))
    #expect(steady.interval.contains(1))
    #expect(abs(steady.ratio - 1) < 0.01)
    let drifting = try #require(controlAA((0..<16).map { 100 + 5 * Double($0) }))
    #expect(drifting.interval.contains(1))
    let alternating = try #require(controlAA([1, 1.2, 1.2, 1, 1, 1.2, 1.2, 1].enumerated().map { $0.element + 0.001 * Double($0.offset) }))
    #expect(!alternating.interval.contains(1))
    #expect(controlAA([1, 1, 1, 1, 1]) == nil)
    #expect(controlAA([1, 1, 1, 1, 1, 0]) == nil)
  }

  @Test("every round has each arm once, couples are mirrored, a seed repeats", arguments: [1, 2, 3, 5])
  func order(_ arms: Int) {
    let order = abbaOrder(arms: arms, rounds: 21, seed: 9)
    #expect(order.count == 21)
    for round in order { #expect(round.sorted() == Array(0..<arms)) }
    for couple in stride(from: 0, to: 20, by: 2) { #expect(order[couple] == order[couple + 1].reversed()) }
    #expect(order == abbaOrder(arms: arms, rounds: 21, seed: 9))
    if arms > 1 { #expect(order != abbaOrder(arms: arms, rounds: 21, seed: 10)) }
    #expect(abbaOrder(arms: arms, rounds: 0, seed: 9).isEmpty)
  }

  @Test("both directions come first about equally often")
  func balanced() {
    let first = abbaOrder(rounds: 2_000, seed: 3).enumerated().filter { $0.offset % 2 == 0 && $0.element[0] == 0 }.count
    #expect((450...550).contains(first))
  }
}
