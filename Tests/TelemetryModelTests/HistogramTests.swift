import Foundation
import Testing

@testable import TelemetryModel

@Suite struct TelemetryHistogramTests {
  /// Lognormal values over a few decades, some of them negative or zero.
  private func values(_ count: Int, seed: UInt64, signed: Bool = true) -> [Double] {
    var random = RandomTelemetry(seed: seed)
    return (0..<count).map { _ in
      let u = Double(random.next() >> 11) * 0x1p-53
      let size = exp(8 * u - 4)
      return signed && random.chance(10) ? (random.chance(50) ? 0 : -size) : size
    }
  }

  private func recorded(_ values: some Sequence<Double>, bucketsMax: Int = 160) -> ExponentialHistogram {
    var histogram = ExponentialHistogram(bucketsMax: bucketsMax)
    for value in values { histogram.record(value) }
    return histogram
  }

  @Test("bounds are upper inclusive at every scale, powers of two exactly")
  func indexes() {
    // OpenTelemetry, data model: at scale 0 the bucket of index 0 is (1, 2], that of −1 is (0.5, 1].
    for (value, scale, index) in [
      (1.0, 0, -1), (1.0000001, 0, 0), (2, 0, 0), (2.0000001, 0, 1), (4, 0, 1), (0.5, 0, -2), (4, 1, 3), (4, 2, 7), (4, -1, 0), (16, -1, 1), (16.5, -1, 2),
      (1, 20, -1), (1.5, 1, 1), (1.4, 1, 0), (Double.greatestFiniteMagnitude, 0, 1023), (.leastNonzeroMagnitude, 0, -1075), (.leastNonzeroMagnitude, -10, -2),
      (Double.leastNormalMagnitude, 0, -1023),
    ] {
      #expect(ExponentialHistogram.finestIndex(value) >> (20 - scale) == index, "\(value) at \(scale)")
    }
    // Against the definition, at a scale where logarithms leave no doubt.
    var random = RandomTelemetry(seed: 3)
    for _ in 0..<10_000 {
      let value = Double(bitPattern: random.next() & 0x7FEF_FFFF_FFFF_FFFF | 1)
      let index = ExponentialHistogram.finestIndex(value) >> 17
      #expect(index == Int((log2(value) * 8).rounded(.up)) - 1 || abs(log2(value) * 8 - (log2(value) * 8).rounded()) < 1e-9)
    }
  }

  @Test("no more than 160 buckets, at the finest scale that holds the values")
  func scale() {
    let histogram = recorded([0.001, 10])
    let point = histogram.point()
    #expect(point.positive.counts.count <= 160 && point.count == 2)
    // log₂(10⁴) = 13.29 octaves in 160 buckets: 8 an octave fit, 16 do not.
    #expect(histogram.scale == 3)
    #expect(recorded([1.5]).scale == 20)
    // Infinity is no value; the whole range of doubles still fits.
    let extremes = recorded([.leastNonzeroMagnitude, .greatestFiniteMagnitude, .infinity, .nan, -.infinity], bucketsMax: 4)
    #expect(extremes.count == 2 && extremes.skipped == 3 && extremes.point().positive.counts.count <= 4 && extremes.scale == -10)
  }

  @Test("merging is recording: 100 splits of random values, in either order")
  func merging() {
    for seed in 1...100 {
      var random = RandomTelemetry(seed: UInt64(seed))
      let all = values(1 + random.below(400), seed: UInt64(seed))
      let cut = random.below(all.count + 1)
      let bucketsMax = [4, 20, 160][random.below(3)]
      let whole = recorded(all, bucketsMax: bucketsMax)
      let parts = [recorded(all[..<cut], bucketsMax: bucketsMax), recorded(all[cut...], bucketsMax: bucketsMax)]
      for order in [[0, 1], [1, 0]] {
        var merged = parts[order[0]]
        merged.merge(parts[order[1]])
        var a = merged.point(), b = whole.point()
        #expect(abs(a.sum! - b.sum!) <= 1e-9 * abs(b.sum!) + 1e-9)
        a.sum = nil
        b.sum = nil
        #expect(a == b, "seed \(seed)")
      }
    }
  }

  @Test("a quantile lies in the bucket of the value of its rank")
  func quantiles() {
    for seed in 1...50 {
      let all = values(500, seed: UInt64(seed)), sorted = all.sorted()
      let histogram = recorded(all)
      let base = histogram.base
      for q in [0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1] {
        let truth = sorted[max(0, Int((q * 500).rounded(.up)) - 1)]
        guard let found = histogram.quantile(q) else { Issue.record("no quantile"); continue }
        if truth == 0 {
          #expect(found == 0)
        } else {
          #expect(found / truth <= base * 1.000001 && found / truth >= 1 / base / 1.000001, "seed \(seed), q \(q): \(found) for \(truth)")
        }
      }
      #expect(histogram.quantile(1)! <= sorted.last! && histogram.quantile(0)! >= sorted[0])
    }
    #expect(ExponentialHistogram().quantile(0.5) == nil)
  }

  @Test("a zero threshold takes small values in; merging raises the smaller one")
  func zero() {
    var a = ExponentialHistogram(zeroThreshold: 1e-3)
    for value in [0, 1e-4, -1e-3, 2e-3, 5] { a.record(value) }
    #expect(a.zeroCount == 3 && a.count == 5)
    var b = recorded([0, 1e-5, 1e-6, 7])
    #expect(b.zeroCount == 1)
    b.merge(a)
    #expect(b.zeroCount == 6 && b.count == 9 && b.zeroThreshold == 1e-3 && b.quantile(0.5) == 0)
    // A bucket that the threshold cuts is taken in whole, and the threshold says so.
    var coarse = recorded([1e-3, 1000], bucketsMax: 4)
    coarse.merge(ExponentialHistogram(bucketsMax: 4, zeroThreshold: 5e-4))
    #expect(coarse.zeroCount == 1 && coarse.zeroThreshold >= 1e-3 && coarse.count == 2)
  }

  @Test("through a point and back, also with fewer buckets")
  func points() throws {
    let histogram = recorded(values(300, seed: 9))
    let back = try #require(ExponentialHistogram(histogram.point()))
    #expect(back == histogram)
    let coarser = try #require(ExponentialHistogram(histogram.point(), bucketsMax: 20))
    #expect(coarser.point().positive.counts.count <= 20 && coarser.count == histogram.count && coarser.scale < histogram.scale)
    var direct = ExponentialHistogram(bucketsMax: 20)
    direct.merge(ExponentialHistogram(bucketsMax: 20))
    for value in values(300, seed: 9) { direct.record(value) }
    #expect(direct.point().positive == coarser.point().positive && direct.scale == coarser.scale)
    var wrong = histogram.point()
    wrong.count += 1
    #expect(ExponentialHistogram(wrong) == nil)
    wrong = histogram.point()
    wrong.scale = 40
    #expect(ExponentialHistogram(wrong) == nil)
  }

  @Test("explicit bounds are upper inclusive; quantiles stay in their bucket")
  func explicit() throws {
    var histogram = ExplicitHistogram(bounds: [1, 2, 5])
    for value in [1, 1.5, 2, 2.5, 5, 6, .nan] { histogram.record(value) }
    #expect(histogram.counts == [1, 2, 2, 1] && histogram.count == 6 && histogram.skipped == 1)
    #expect(histogram.quantile(0) == 1 && histogram.quantile(0.5) == 1.75 && histogram.quantile(1)! > 5 && histogram.quantile(1)! <= 6)
    for seed in 1...50 {
      let all = values(300, seed: UInt64(seed), signed: false), sorted = all.sorted()
      var whole = ExplicitHistogram(), a = ExplicitHistogram(), b = ExplicitHistogram()
      for (i, value) in all.enumerated() {
        whole.record(value)
        if i % 3 == 0 { a.record(value) } else { b.record(value) }
      }
      for q in [0.01, 0.5, 0.95, 0.99, 1] {
        let truth = sorted[max(0, Int((q * 300).rounded(.up)) - 1)]
        #expect(whole.bucket(whole.quantile(q)!) == whole.bucket(truth))
      }
      a.merge(b)
      #expect(a.counts == whole.counts && a.min == whole.min && a.max == whole.max && abs(a.sum - whole.sum) < 1e-9 * whole.sum)
      #expect(try #require(ExplicitHistogram(whole.point())) == whole)
    }
  }

  @Test("an exemplar is the last sampled value of its bucket, with its trace")
  func exemplars() {
    let histogram = ExplicitHistogram(bounds: [1, 2])
    var reservoir = ExemplarReservoir(buckets: histogram.counts.count)
    let sampled = TraceParent(SpanContext(traceID: TraceID(high: 1, low: 2), spanID: SpanID(3), flags: [.sampled]))
    for (value, time) in [(0.5, 1), (1.5, 2), (1.7, 3)] as [(Double, UInt64)] {
      reservoir.offer(value, bucket: histogram.bucket(value), at: time, in: sampled)
    }
    reservoir.offer(9, bucket: histogram.bucket(9), at: 4, in: TraceParent(SpanContext(traceID: TraceID(high: 1, low: 2), spanID: SpanID(3))))
    let found = reservoir.collect()
    #expect(found.map(\.value) == [.double(0.5), .double(1.7)] && found[1].unixNano == 3 && found[1].traceID == sampled.traceID)
    #expect(reservoir.collect().isEmpty)
  }
}
