// Owns a recorder's memory, and turns what was recorded into spans of the model, away from the hot path.

import Synchronization

public final class SpanRecording: @unchecked Sendable {
  // Sendable: the recorder's loop and one exporter share only the ring's two atomic marks; `drain` is for one thread at a time.

  public struct Options: Hashable, Sendable {
    /// Spans that are open, or ended and not yet drained; rounded up to a power of two. One more is dropped and counted.
    public var spansMax = 2048
    /// Of one span, its events' included; at most 65,535.
    public var attributesMax = 16
    public var eventsMax = 4
    public var linksMax = 2
    /// Bytes of copied text of one span; at most 65,535.
    public var textBytesMax = 256
    /// For traces that begin here; nil records none of them. Callers decide for theirs.
    public var sampling: SamplingThreshold? = .always
    public var seed: UInt64 = 1
    /// Another one for each loop, so that ids do not repeat.
    public var stream: UInt64 = 0

    public init() {}
  }

  public struct Counts: Hashable, Sendable {
    /// Spans that ended, drained or not.
    public var ended = 0
    /// Spans that waited for nobody: all slots were taken.
    public var dropped = 0
  }

  /// For one loop; must not be used after the recording is gone.
  public let recorder: SpanRecorder
  /// Bytes of the slots: all that recording ever takes.
  public let memoryBytes: Int

  private let core: UnsafeMutablePointer<RecorderCore>
  private let slots: Int
  private let strings = StringTable()
  private var texts: [UnsafeMutableBufferPointer<UInt8>] = []

  public init(_ options: Options = Options()) {
    precondition(options.attributesMax <= Int(UInt16.max) && options.textBytesMax <= Int(UInt16.max), "at most 65,535 attributes and bytes of text")
    precondition(options.eventsMax <= Int(UInt16.max) && options.linksMax <= Int(UInt16.max), "at most 65,535 events and links")
    slots = 1 << (Int.bitWidth - (max(1, options.spansMax) - 1).leadingZeroBitCount)
    let layout = RecordedLayout(
      attributesMax: options.attributesMax, eventsMax: options.eventsMax, linksMax: options.linksMax, textBytesMax: options.textBytesMax)
    core = .allocate(capacity: 1)
    core.initialize(
      to: RecorderCore(
        slots: slots, layout: layout, ids: IDGenerator(seed: options.seed, stream: options.stream),
        rejection: options.sampling?.rejection ?? TraceParent.unknown))
    recorder = SpanRecorder(core: UnsafeMutableRawPointer(core))
    memoryBytes = slots * layout.stride
  }

  deinit {
    core.pointee.deallocate()
    core.deallocate()
    for text in texts { text.deallocate() }
  }

  /// Text that is known only now, such as the name of a configured route: kept as long as the recording. Before the loop runs.
  public func text(_ text: String) -> TelemetryText {
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, text.utf8.count))
    _ = copy.initialize(from: text.utf8)
    texts.append(copy)
    return TelemetryText(start: UnsafePointer(copy.baseAddress!), count: UInt32(text.utf8.count))
  }

  public var counts: Counts {
    Counts(ended: core.pointee.published.pointee.load(ordering: .relaxed) - slots, dropped: core.pointee.dropped.pointee.load(ordering: .relaxed))
  }

  /// Appends the spans that have ended, oldest first, at most `max` of them, and frees their slots. Returns their number.
  @discardableResult
  public func drain(into spans: inout [Span], max: Int = .max) -> Int {
    let from = core.pointee.exported.pointee.load(ordering: .relaxed)
    let to = core.pointee.published.pointee.load(ordering: .acquiring)
    let count = min(to - from, max)
    spans.reserveCapacity(spans.count + count)
    for i in from..<from + count { spans.append(span(core.pointee.ring[i & (slots - 1)])) }
    core.pointee.exported.pointee.store(from + count, ordering: .releasing)
    return count
  }

  /// Frees the slots of the spans that have ended without reading them, for whoever measures what recording alone costs. Returns
  /// their number. For the thread that drains.
  @discardableResult
  public func discard() -> Int {
    let from = core.pointee.exported.pointee.load(ordering: .relaxed)
    let to = core.pointee.published.pointee.load(ordering: .acquiring)
    core.pointee.exported.pointee.store(to, ordering: .releasing)
    return to - from
  }

  private func span(_ slot: UInt32) -> Span {
    let header = core.pointee.header(slot).pointee
    var span = Span(
      traceID: header.traceID, spanID: SpanID(header.spanID), parentSpanID: SpanID(header.parentSpanID), name: string(header.name),
      kind: SpanKind(rawValue: header.kind) ?? .unspecified, startUnixNano: header.start, endUnixNano: header.end,
      status: SpanStatus(SpanStatus.Code(rawValue: header.status) ?? .unset, message: string(header.statusMessage)),
      flags: UInt32(header.flags))
    if let threshold = SamplingThreshold(rejecting: header.rejection), threshold != .always { span.traceState = "ot=th:" + threshold.hex }
    span.droppedAttributes = header.droppedAttributes
    span.droppedEvents = header.droppedEvents
    span.droppedLinks = header.droppedLinks
    let layout = core.pointee.layout
    for i in 0..<header.events {
      let event = core.pointee.place(slot, layout.events, i, RecordedEvent.self).pointee
      span.events.append(SpanEvent(unixNano: event.time, name: string(event.name)))
    }
    for i in 0..<header.links {
      let target = core.pointee.place(slot, layout.links, i, RecordedLink.self).pointee.target
      span.links.append(SpanLink(traceID: target.traceID, spanID: target.spanID, flags: UInt32(target.flags.rawValue)))
    }
    span.attributes.reserveCapacity(Int(header.attributes))
    for i in 0..<header.attributes {
      let recorded = core.pointee.place(slot, layout.attributes, i, RecordedAttribute.self).pointee
      let attribute = Attribute(string(recorded.key), value(recorded, slot))
      if recorded.owner == 0 { span.attributes.append(attribute) } else { span.events[Int(recorded.owner) - 1].attributes.append(attribute) }
    }
    return span
  }

  private func value(_ attribute: RecordedAttribute, _ slot: UInt32) -> AttributeValue {
    switch attribute.kind {
    case .int: return .int(Int64(bitPattern: attribute.bits))
    case .double: return .double(Double(bitPattern: attribute.bits))
    case .bool: return .bool(attribute.bits != 0)
    case .text: return .string(string(TelemetryText(start: UnsafePointer(bitPattern: UInt(attribute.bits)), count: attribute.count)))
    case .copied:
      let start = core.pointee.place(slot, core.pointee.layout.text, 0, UInt8.self) + Int(attribute.bits)
      return .string(string(TelemetryText(start: UnsafePointer(start), count: attribute.count)))
    }
  }

  private func string(_ text: TelemetryText) -> String {
    guard let start = text.start, text.count > 0 else { return "" }
    return strings.string(start, Int(text.count)) ?? ""
  }
}
