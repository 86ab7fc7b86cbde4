import Foundation
import Statistics
import Testing

@Suite struct HistogramTests {
  @Test("every quantile of 10⁶ log-uniform values is within the stated relative error")
  func error() {
    var random = SeededRandom(seed: 3)
    var histogram = Histogram()
    var values: [Int64] = []
    for _ in 0..<1_000_000 {
      let value = Int64(1) << Int64(random.uniform() * 40) | Int64(random.next() & 0x3FF)
      values.append(value)
      histogram.record(value)
    }
    values.sort()
    for q in [0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999] {
      let exact = Double(values[max(0, Int((q * 1e6).rounded(.up)) - 1)])
      let found = Double(histogram.quantile(q))
      #expect(abs(found - exact) <= exact * Histogram.relativeError + 1, "q \(q): \(found) for \(exact)")
    }
    #expect(histogram.max == values.last && histogram.min == values.first)
  }

  @Test("merging equals recording both")
  func merge() {
    var random = SeededRandom(seed: 4)
    var a = Histogram()
    var b = Histogram()
    var both = Histogram()
    for i in 0..<20_000 {
      let value = Int64(random.exponential() * 1e6)
      if i % 3 == 0 { a.record(value) } else { b.record(value) }
      both.record(value)
    }
    a.merge(b)
    #expect(a.count == both.count && a.min == both.min && a.max == both.max)
    #expect(abs(a.sum - both.sum) < 1)
    for q in [0.1, 0.5, 0.99] { #expect(a.quantile(q) == both.quantile(q)) }
  }

  @Test("small values are exact, negative ones count as zero, the mean has no bucket error")
  func exact() {
    var histogram = Histogram()
    for value in [Int64(-5), 0, 1, 2_047] { histogram.record(value) }
    #expect(histogram.min == 0 && histogram.max == 2_047 && histogram.mean == 512)
    #expect(histogram.quantile(0.75) == 1)
    #expect(Histogram().quantile(0.5) == 0)
  }

  @Test("Zipf keys follow their law: χ² of the ten most popular over 200,000 draws below the 99.9 % point")
  func zipf() {
    var random = SeededRandom(seed: 5)
    var sampler = KeySampler.zipf(n: 10_000, s: 0.9)
    var seen = [Int](repeating: 0, count: 10_001)
    for _ in 0..<200_000 { seen[sampler.next(&random)] += 1 }
    let total = (1...10_000).reduce(0.0) { $0 + zipfWeight($1) }
    let statistic = (1...10).reduce(0.0) { sum, k in
      let expected = 200_000 * zipfWeight(k) / total
      return sum + (Double(seen[k]) - expected) * (Double(seen[k]) - expected) / expected
    }
    #expect(statistic < 29.6, "χ² \(statistic)")
    #expect(seen[0] == 0 && seen.reduce(0, +) == 200_000)
  }

  private func zipfWeight(_ k: Int) -> Double { pow(Double(k), -0.9) }
}


