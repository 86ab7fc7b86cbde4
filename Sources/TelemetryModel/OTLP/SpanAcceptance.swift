// What both decoders of spans do when a span has been read: judge its ids, count it, add what was left out to its own counts.

/// Parts of a span that were over a limit; added to the counts that the sender gave.
struct LeftOut {
  var attributes: UInt32 = 0
  var events: UInt32 = 0
  var links: UInt32 = 0

  @inline(__always)
  func add(to span: inout Span) {
    span.droppedAttributes &+= attributes
    span.droppedEvents &+= events
    span.droppedLinks &+= links
  }
}

extension IngestContext {
  /// The span, counted; nil when its ids make it none.
  @inline(__always)
  mutating func accept(_ span: Span, idsAreWrong: Bool) -> Span? {
    if idsAreWrong || span.traceID.isNone || span.spanID.isNone {
      report.rejectedIDs += 1
      return nil
    }
    report.accepted += 1
    if span.endUnixNano < span.startUnixNano { report.negativeDurations += 1 }
    return span
  }

  /// Returns 1 when the link is left out.
  mutating func keep(_ link: SpanLink, in links: inout [SpanLink], idsAreWrong: Bool) -> UInt32 {
    if idsAreWrong {
      report.droppedLinks += 1
      return 1
    }
    links.append(link)
    return 0
  }
}
