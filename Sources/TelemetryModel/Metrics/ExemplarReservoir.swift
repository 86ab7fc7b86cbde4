// Exemplars of a histogram: for each bucket the last value that came with a sampled trace, so that a tall bar leads to a trace
// of its own height. (OpenTelemetry's aligned histogram bucket reservoir.)

public struct ExemplarReservoir: Sendable {
  private struct Slot {
    var value = 0.0
    var unixNano: UInt64 = 0
    var parent = TraceParent.none
  }
  private var slots: [Slot]

  /// - Parameter buckets: of the histogram; of `ExplicitHistogram` one more than its bounds.
  public init(buckets: Int) { slots = [Slot](repeating: Slot(), count: buckets) }

  /// Offers a value with the span it was measured in. Taken when the trace is sampled; no allocation.
  public mutating func offer(_ value: Double, bucket: Int, at unixNano: UInt64, in span: TraceParent) {
    guard span.flags.contains(.sampled), slots.indices.contains(bucket) else { return }
    slots[bucket] = Slot(value: value, unixNano: unixNano, parent: span)
  }

  /// What is there, by bucket; empties it, as a new interval begins.
  public mutating func collect() -> [Exemplar] {
    let found = slots.filter { !$0.parent.isNone }.map {
      Exemplar(unixNano: $0.unixNano, value: .double($0.value), traceID: $0.parent.traceID, spanID: $0.parent.spanID)
    }
    slots = [Slot](repeating: Slot(), count: slots.count)
    return found
  }
}
