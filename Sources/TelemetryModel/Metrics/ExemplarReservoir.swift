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

  /// What a bucket holds; it stays there.
  public func peek(_ bucket: Int) -> Exemplar? { slots.indices.contains(bucket) ? Self.exemplar(slots[bucket]) : nil }

  /// What is there, by bucket; empties it, as a new interval begins.
  public mutating func collect() -> [Exemplar] {
    let found = slots.compactMap(Self.exemplar)
    slots = [Slot](repeating: Slot(), count: slots.count)
    return found
  }

  private static func exemplar(_ slot: Slot) -> Exemplar? {
    slot.parent.isNone ? nil : Exemplar(unixNano: slot.unixNano, value: .double(slot.value), traceID: slot.parent.traceID, spanID: slot.parent.spanID)
  }
}
