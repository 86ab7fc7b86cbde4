// Spans of OTLP/JSON.

extension JSONReader {
  /// nil for a span whose ids cannot be: counted, and reported to the sender as rejected.
  mutating func span() throws(OTLPError) -> Span? {
    var span = Span(traceID: .none, spanID: .none, name: "", startUnixNano: 0, endUnixNano: 0)
    var idsAreWrong = false
    var over = LeftOut()
    try beginObject()
    while let key = try nextKey() {
      if key == "traceId" {
        if let id = try traceID() { span.traceID = id } else { idsAreWrong = true }
      } else if key == "spanId" {
        if let id = try spanID() { span.spanID = id } else { idsAreWrong = true }
      } else if key == "parentSpanId" {
        if let id = try spanID() { span.parentSpanID = id } else { idsAreWrong = true }
      } else if key == "name" {
        span.name = try string()
      } else if key == "kind" {
        span.kind = SpanKind(rawValue: UInt8(clamping: try integer(Int32.self))) ?? .unspecified
      } else if key == "startTimeUnixNano" {
        span.startUnixNano = try integer()
      } else if key == "endTimeUnixNano" {
        span.endUnixNano = try integer()
      } else if key == "attributes" {
        over.attributes &+= try attributes(into: &span.attributes)
      } else if key == "status" {
        span.status = try status()
      } else if key == "events" {
        over.events &+= try events(into: &span.events)
      } else if key == "links" {
        over.links &+= try links(into: &span.links)
      } else if key == "traceState" {
        span.traceState = try string()
      } else if key == "flags" {
        span.flags = try integer()
      } else if key == "droppedAttributesCount" {
        span.droppedAttributes = try integer()
      } else if key == "droppedEventsCount" {
        span.droppedEvents = try integer()
      } else if key == "droppedLinksCount" {
        span.droppedLinks = try integer()
      } else {
        try skip()
      }
    }
    over.add(to: &span)
    return context.accept(span, idsAreWrong: idsAreWrong)
  }

  private mutating func status() throws(OTLPError) -> SpanStatus {
    var status = SpanStatus.unset
    try fields { json, key throws(OTLPError) in
      if key == "code" {
        status.code = SpanStatus.Code(rawValue: UInt8(clamping: try json.integer(Int32.self))) ?? .unset
      } else if key == "message" {
        status.message = try json.string()
      } else {
        try json.skip()
      }
    }
    return status
  }

  /// Returns how many were over the limit and left out.
  private mutating func events(into events: inout [SpanEvent]) throws(OTLPError) -> UInt32 {
    if try null() { return 0 }
    var left: UInt32 = 0
    try beginArray()
    while try nextElement() {
      try context.take()
      if events.count >= context.limits.eventsMax {
        try skip()
        left &+= 1
        continue
      }
      var event = SpanEvent(unixNano: 0, name: "")
      var over: UInt32 = 0
      try beginObject()
      while let key = try nextKey() {
        if key == "timeUnixNano" {
          event.unixNano = try integer()
        } else if key == "name" {
          event.name = try string()
        } else if key == "attributes" {
          over &+= try attributes(into: &event.attributes)
        } else if key == "droppedAttributesCount" {
          event.droppedAttributes = try integer()
        } else {
          try skip()
        }
      }
      event.droppedAttributes &+= over
      events.append(event)
    }
    context.report.droppedEvents += Int(left)
    return left
  }

  /// Returns how many were left out: over the limit, or with an id of a wrong length.
  private mutating func links(into links: inout [SpanLink]) throws(OTLPError) -> UInt32 {
    if try null() { return 0 }
    var left: UInt32 = 0
    try beginArray()
    while try nextElement() {
      try context.take()
      if links.count >= context.limits.linksMax {
        try skip()
        context.report.droppedLinks += 1
        left &+= 1
        continue
      }
      var link = SpanLink(traceID: .none, spanID: .none)
      var idsAreWrong = false
      var over: UInt32 = 0
      try beginObject()
      while let key = try nextKey() {
        if key == "traceId" {
          if let id = try traceID() { link.traceID = id } else { idsAreWrong = true }
        } else if key == "spanId" {
          if let id = try spanID() { link.spanID = id } else { idsAreWrong = true }
        } else if key == "traceState" {
          link.traceState = try string()
        } else if key == "flags" {
          link.flags = try integer()
        } else if key == "attributes" {
          over &+= try attributes(into: &link.attributes)
        } else if key == "droppedAttributesCount" {
          link.droppedAttributes = try integer()
        } else {
          try skip()
        }
      }
      link.droppedAttributes &+= over
      left &+= context.keep(link, in: &links, idsAreWrong: idsAreWrong)
    }
    return left
  }
}
