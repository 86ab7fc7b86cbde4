// The work behind `SpanRecorder`, when recording is on. The core comes as an untyped pointer, because its type is no business of
// the modules that the recorder is inlined into.

@usableFromInline
enum Recorded {
  @inline(__always)
  private static func core(_ raw: UnsafeMutableRawPointer) -> UnsafeMutablePointer<RecorderCore> {
    raw.assumingMemoryBound(to: RecorderCore.self)
  }

  /// The header of a span that is still open; nil for one that was not recorded or has ended.
  @inline(__always)
  private static func open(_ core: UnsafeMutablePointer<RecorderCore>, _ span: ActiveSpan) -> UnsafeMutablePointer<RecordedHeader>? {
    guard span.slot != ActiveSpan.noSlot else { return nil }
    let header = core.pointee.header(span.slot)
    return header.pointee.isOpen && header.pointee.spanID == span.parent.spanID.value ? header : nil
  }

  @usableFromInline
  static func start(_ raw: UnsafeMutableRawPointer, _ name: TelemetryText, _ kind: SpanKind, _ parent: TraceParent, _ time: UInt64) -> ActiveSpan {
    let core = core(raw)
    var own = parent
    let id = core.pointee.ids.spanID()
    own.spanID = id
    if parent.isNone {
      own.traceID = core.pointee.ids.traceID()
      let rejection = core.pointee.rejection
      let keeps = rejection != TraceParent.unknown && own.traceID.randomness >= rejection
      own.flags = keeps ? [.sampled, .random] : [.random]
      own.rejection = keeps ? rejection : TraceParent.unknown
    }
    guard own.flags.contains(.sampled), let slot = core.pointee.takeSlot() else { return ActiveSpan(parent: own, slot: ActiveSpan.noSlot) }
    let header = core.pointee.header(slot)
    header.pointee.traceID = own.traceID
    header.pointee.spanID = id.value
    header.pointee.parentSpanID = parent.spanID.value
    header.pointee.start = time
    header.pointee.name = name
    header.pointee.statusMessage = .empty
    header.pointee.rejection = own.rejection
    header.pointee.droppedAttributes = 0
    header.pointee.droppedEvents = 0
    header.pointee.droppedLinks = 0
    header.pointee.attributes = 0
    header.pointee.events = 0
    header.pointee.links = 0
    header.pointee.textBytes = 0
    header.pointee.flags = own.flags.rawValue
    header.pointee.kind = kind.rawValue
    header.pointee.status = 0
    header.pointee.isOpen = true
    return ActiveSpan(parent: own, slot: slot)
  }

  @inline(__always)
  private static func append(
    _ core: UnsafeMutablePointer<RecorderCore>, _ header: UnsafeMutablePointer<RecordedHeader>, _ slot: UInt32, _ key: TelemetryText,
    _ kind: RecordedAttribute.Kind, _ bits: UInt64, _ count: UInt32 = 0, owner: UInt16 = 0
  ) {
    let index = header.pointee.attributes
    guard Int(index) < core.pointee.layout.attributesMax else {
      header.pointee.droppedAttributes &+= 1
      return
    }
    let place = core.pointee.place(slot, core.pointee.layout.attributes, index, RecordedAttribute.self)
    place.initialize(to: RecordedAttribute(key: key, bits: bits, count: count, kind: kind, owner: owner))
    header.pointee.attributes = index &+ 1
  }

  @usableFromInline
  static func set(_ raw: UnsafeMutableRawPointer, _ span: ActiveSpan, _ key: TelemetryText, text: TelemetryText) {
    let core = core(raw)
    guard let header = open(core, span) else { return }
    append(core, header, span.slot, key, .text, UInt64(UInt(bitPattern: text.start)), text.count)
  }

  @usableFromInline
  static func set(_ raw: UnsafeMutableRawPointer, _ span: ActiveSpan, _ key: TelemetryText, int: Int64) {
    let core = core(raw)
    guard let header = open(core, span) else { return }
    append(core, header, span.slot, key, .int, UInt64(bitPattern: int))
  }

  @usableFromInline
  static func set(_ raw: UnsafeMutableRawPointer, _ span: ActiveSpan, _ key: TelemetryText, double: Double) {
    let core = core(raw)
    guard let header = open(core, span) else { return }
    append(core, header, span.slot, key, .double, double.bitPattern)
  }

  @usableFromInline
  static func set(_ raw: UnsafeMutableRawPointer, _ span: ActiveSpan, _ key: TelemetryText, bool: Bool) {
    let core = core(raw)
    guard let header = open(core, span) else { return }
    append(core, header, span.slot, key, .bool, bool ? 1 : 0)
  }

  @usableFromInline
  static func set(_ raw: UnsafeMutableRawPointer, _ span: ActiveSpan, _ key: TelemetryText, copying text: String) {
    let core = core(raw)
    guard let header = open(core, span) else { return }
    let used = Int(header.pointee.textBytes)
    var text = text
    let copied = text.withUTF8 { utf8 in
      guard utf8.count <= core.pointee.layout.textBytesMax - used else { return -1 }
      let place = core.pointee.place(span.slot, core.pointee.layout.text, 0, UInt8.self) + used
      if let start = utf8.baseAddress { place.update(from: start, count: utf8.count) }
      return utf8.count
    }
    guard copied >= 0 else {
      header.pointee.droppedAttributes &+= 1
      return
    }
    append(core, header, span.slot, key, .copied, UInt64(used), UInt32(truncatingIfNeeded: copied))
    header.pointee.textBytes &+= UInt16(truncatingIfNeeded: copied)
  }

  @usableFromInline
  static func event(_ raw: UnsafeMutableRawPointer, _ span: ActiveSpan, _ name: TelemetryText, _ time: UInt64) {
    let core = core(raw)
    guard let header = open(core, span) else { return }
    let index = header.pointee.events
    guard Int(index) < core.pointee.layout.eventsMax else {
      header.pointee.droppedEvents &+= 1
      return
    }
    core.pointee.place(span.slot, core.pointee.layout.events, index, RecordedEvent.self).initialize(to: RecordedEvent(name: name, time: time))
    header.pointee.events = index &+ 1
  }

  @usableFromInline
  static func setOnEvent(_ raw: UnsafeMutableRawPointer, _ span: ActiveSpan, _ key: TelemetryText, _ text: TelemetryText) {
    let core = core(raw)
    // After an event that was dropped, its attributes would belong to the one before it.
    guard let header = open(core, span), header.pointee.events > 0, header.pointee.droppedEvents == 0 else { return }
    append(core, header, span.slot, key, .text, UInt64(UInt(bitPattern: text.start)), text.count, owner: header.pointee.events)
  }

  @usableFromInline
  static func link(_ raw: UnsafeMutableRawPointer, _ span: ActiveSpan, _ target: TraceParent) {
    let core = core(raw)
    guard let header = open(core, span) else { return }
    let index = header.pointee.links
    guard Int(index) < core.pointee.layout.linksMax else {
      header.pointee.droppedLinks &+= 1
      return
    }
    core.pointee.place(span.slot, core.pointee.layout.links, index, RecordedLink.self).initialize(to: RecordedLink(target: target))
    header.pointee.links = index &+ 1
  }

  @usableFromInline
  static func status(_ raw: UnsafeMutableRawPointer, _ span: ActiveSpan, _ code: SpanStatus.Code, _ message: TelemetryText) {
    guard let header = open(core(raw), span) else { return }
    header.pointee.status = code.rawValue
    header.pointee.statusMessage = message
  }

  @usableFromInline
  static func end(_ raw: UnsafeMutableRawPointer, _ span: ActiveSpan, _ time: UInt64) {
    let core = core(raw)
    guard let header = open(core, span) else { return }
    header.pointee.end = time
    header.pointee.isOpen = false
    core.pointee.publish(span.slot)
  }
}
