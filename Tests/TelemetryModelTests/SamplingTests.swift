import Foundation
import Testing

@testable import TelemetryModel

@Suite struct SamplingTests {
  @Test("thresholds of the specification's table")
  func thresholds() throws {
    for (probability, hex, weight) in [(1.0, "0", 1.0), (0.5, "8", 2), (0.25, "c", 4), (0.125, "e", 8), (0.0625, "f", 16), (0.001953125, "ff8", 512)] {
      let threshold = try #require(SamplingThreshold(probability: probability))
      #expect(threshold.hex == hex && threshold.weight == weight && SamplingThreshold(hex: hex) == threshold && threshold.probability == probability)
    }
    // 10 %: T = 0.9·2⁵⁶ = e6666666666666 in hexadecimal.
    #expect(try #require(SamplingThreshold(probability: 0.1)).hex == "e6666666666666")
    #expect(SamplingThreshold(probability: 0x1p-56)?.weight == 0x1p56 && SamplingThreshold(probability: 1e-18) == nil)
    for wrong in [0, -0.1, 1.1, .nan] { #expect(SamplingThreshold(probability: wrong) == nil) }
    for wrong in ["", "g", "E", "123456789abcdef", "-1"] { #expect(SamplingThreshold(hex: wrong) == nil) }
  }

  @Test("OpenTelemetry's member of tracestate: read, changed, foreign fields kept")
  func traceState() throws {
    let state = OTelTraceState("rv:d29d6a7215ced0;th:8;zz:vv")
    #expect(state.threshold?.probability == 0.5 && state.randomness == 0xd2_9d6a_7215_ced0 && state.text == "th:8;rv:d29d6a7215ced0;zz:vv")
    #expect(OTelTraceState("th:x;rv:12").text == "" && OTelTraceState("rv:D29d6a7215ced0").randomness == nil)
    let parent = try #require(TraceState("vendor=1,ot=th:c;rv:00000000000001"))
    let kept = SamplingDecision(isSampled: true, threshold: SamplingThreshold(hex: "8"))
    #expect(kept.traceState(from: parent).text == "ot=th:8;rv:00000000000001,vendor=1")
    #expect(SamplingDecision.drop.traceState(from: parent).text == "ot=rv:00000000000001,vendor=1")
    #expect(SamplingDecision.drop.traceState(from: try #require(TraceState("a=1,ot=th:8"))).text == "a=1")
    #expect(kept.traceState(from: TraceState()).text == "ot=th:8")
    var span = Span(traceID: TraceID(high: 1, low: 1), spanID: SpanID(1), name: "", startUnixNano: 0, endUnixNano: 0, traceState: "ot=th:c")
    #expect(span.adjustedCount == 4)
    span.traceState = "vendor=1"
    #expect(span.adjustedCount == nil)
  }

  @Test("over 10⁵ ids, ratios keep what they say, nest, and count without bias")
  func consistency() throws {
    let ratios = [0.01, 0.05, 0.1, 0.5, 1]
    let thresholds = try ratios.map { try #require(SamplingThreshold(probability: $0)) }
    var ids = IDGenerator(seed: 1)
    var kept = [Int](repeating: 0, count: ratios.count)
    for _ in 0..<100_000 {
      let id = ids.traceID()
      var before = false
      for (i, threshold) in thresholds.enumerated() {
        let keeps = HeadSampler.ratio(threshold).decide(id).isSampled
        #expect(keeps || !before)  // nested
        before = keeps
        kept[i] += keeps ? 1 : 0
      }
    }
    for (i, p) in ratios.enumerated() {
      let deviation = (p * (1 - p) * 100_000).squareRoot()
      #expect(abs(Double(kept[i]) - p * 100_000) <= 3.3 * deviation + 1e-9, "\(p): \(kept[i])")
      // Horvitz and Thompson: the weights of the kept add up to all.
      #expect(abs(Double(kept[i]) * thresholds[i].weight - 100_000) <= 3.3 * deviation / p + 1e-6)
    }
  }

  @Test("who follows whom")
  func parents() throws {
    let id = TraceID(high: 1, low: 0x00C0_0000_0000_0000)  // R = 0.75
    var parent = SpanContext(traceID: id, spanID: SpanID(1), flags: [.sampled], traceState: try #require(TraceState("ot=th:8")))
    let sampler = HeadSampler.parentBased(root: .ratio(0.1))
    #expect(sampler.decide(id, parent: parent) == SamplingDecision(isSampled: true, threshold: SamplingThreshold(hex: "8")))
    #expect(!sampler.decide(id).isSampled && HeadSampler.parentBased(root: .alwaysOn).decide(id).isSampled)
    // A threshold above R cannot be what kept the trace: the count is unknown.
    parent.traceState = try #require(TraceState("ot=th:d"))
    #expect(sampler.decide(id, parent: parent) == SamplingDecision(isSampled: true, threshold: nil))
    parent.flags = []
    #expect(sampler.decide(id, parent: parent) == .drop)
    // R from the caller goes before the id's own bits.
    parent.traceState = try #require(TraceState("ot=rv:ffffffffffffff"))
    #expect(HeadSampler.ratio(0.01).decide(id, parent: parent).isSampled && !HeadSampler.ratio(0.01).decide(id).isSampled)
    #expect(HeadSampler.ratio(0) == .alwaysOff && HeadSampler.alwaysOn.decide(id).threshold == .always && !HeadSampler.alwaysOff.decide(id).isSampled)
  }
}
