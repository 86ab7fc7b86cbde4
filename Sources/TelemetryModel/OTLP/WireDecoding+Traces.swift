// Spans of OTLP/protobuf. Field numbers are those of opentelemetry/proto/trace/v1/trace.proto.

extension WireReader {
  mutating func traceBatch() throws(OTLPError) -> TraceBatch {
    var batch = TraceBatch()
    while let tag = try nextTag() {
      guard tag.raw == T.length(1) else { try skip(tag); continue }
      try context.take()
      batch.resources.append(try resourceSpans())
    }
    return batch
  }

  private mutating func resourceSpans() throws(OTLPError) -> ResourceRecords<Span> {
    var found = ResourceRecords<Span>()
    let outer = try enter()
    while let tag = try nextTag() {
      switch tag.raw {
      case T.length(1): try resource(&found.resource)
      case T.length(2):
        try context.take()
        found.scopes.append(try scopeSpans())
      case T.length(3): found.schemaURL = try string()
      default: try skip(tag)
      }
    }
    leave(outer)
    return found
  }

  private mutating func scopeSpans() throws(OTLPError) -> ScopeRecords<Span> {
    var found = ScopeRecords<Span>()
    let outer = try enter()
    while let tag = try nextTag() {
      switch tag.raw {
      case T.length(1): try scope(&found.scope)
      case T.length(2):
        try context.takeRecord()
        if let span = try span() { found.records.append(span) }
      case T.length(3): found.schemaURL = try string()
      default: try skip(tag)
      }
    }
    leave(outer)
    return found
  }

  private mutating func span() throws(OTLPError) -> Span? {
    var span = Span(traceID: .none, spanID: .none, name: "", startUnixNano: 0, endUnixNano: 0)
    var idsAreWrong = false
    var over = LeftOut()
    let outer = try enter()
    while let tag = try nextTag() {
      switch tag.raw {
      case T.length(1): if let id = try traceID() { span.traceID = id } else { idsAreWrong = true }
      case T.length(2): if let id = try spanID() { span.spanID = id } else { idsAreWrong = true }
      case T.length(3): span.traceState = try string()
      case T.length(4): if let id = try spanID() { span.parentSpanID = id } else { idsAreWrong = true }
      case T.length(5): span.name = try string()
      case T.varint(6): span.kind = SpanKind(rawValue: UInt8(clamping: Int32(truncatingIfNeeded: try varint()))) ?? .unspecified
      case T.fixed64(7): span.startUnixNano = try fixed64()
      case T.fixed64(8): span.endUnixNano = try fixed64()
      case T.length(9): over.attributes &+= try attribute(into: &span.attributes)
      case T.varint(10): span.droppedAttributes = UInt32(truncatingIfNeeded: try varint())
      case T.length(11): over.events &+= try event(into: &span.events)
      case T.varint(12): span.droppedEvents = UInt32(truncatingIfNeeded: try varint())
      case T.length(13): over.links &+= try link(into: &span.links)
      case T.varint(14): span.droppedLinks = UInt32(truncatingIfNeeded: try varint())
      case T.length(15): try status(&span.status)
      case T.fixed32(16): span.flags = try fixed32()
      default: try skip(tag)
      }
    }
    leave(outer)
    over.add(to: &span)
    return context.accept(span, idsAreWrong: idsAreWrong)
  }

  private mutating func status(_ status: inout SpanStatus) throws(OTLPError) {
    let outer = try enter()
    while let tag = try nextTag() {
      switch tag.raw {
      case T.length(2): status.message = try string()
      case T.varint(3): status.code = SpanStatus.Code(rawValue: UInt8(clamping: Int32(truncatingIfNeeded: try varint()))) ?? .unset
      default: try skip(tag)
      }
    }
    leave(outer)
  }

  /// Returns 1 for an event that was left out.
  private mutating func event(into events: inout [SpanEvent]) throws(OTLPError) -> UInt32 {
    try context.take()
    if events.count >= context.limits.eventsMax {
      _ = try slice()
      context.report.droppedEvents += 1
      return 1
    }
    var event = SpanEvent(unixNano: 0, name: "")
    var over: UInt32 = 0
    let outer = try enter()
    while let tag = try nextTag() {
      switch tag.raw {
      case T.fixed64(1): event.unixNano = try fixed64()
      case T.length(2): event.name = try string()
      case T.length(3): over &+= try attribute(into: &event.attributes)
      case T.varint(4): event.droppedAttributes = UInt32(truncatingIfNeeded: try varint())
      default: try skip(tag)
      }
    }
    leave(outer)
    event.droppedAttributes &+= over
    events.append(event)
    return 0
  }

  /// Returns 1 for a link that was left out.
  private mutating func link(into links: inout [SpanLink]) throws(OTLPError) -> UInt32 {
    try context.take()
    if links.count >= context.limits.linksMax {
      _ = try slice()
      context.report.droppedLinks += 1
      return 1
    }
    var link = SpanLink(traceID: .none, spanID: .none)
    var idsAreWrong = false
    var over: UInt32 = 0
    let outer = try enter()
    while let tag = try nextTag() {
      switch tag.raw {
      case T.length(1): if let id = try traceID() { link.traceID = id } else { idsAreWrong = true }
      case T.length(2): if let id = try spanID() { link.spanID = id } else { idsAreWrong = true }
      case T.length(3): link.traceState = try string()
      case T.length(4): over &+= try attribute(into: &link.attributes)
      case T.varint(5): link.droppedAttributes = UInt32(truncatingIfNeeded: try varint())
      case T.fixed32(6): link.flags = try fixed32()
      default: try skip(tag)
      }
    }
    leave(outer)
    link.droppedAttributes &+= over
    return context.keep(link, in: &links, idsAreWrong: idsAreWrong)
  }
}
