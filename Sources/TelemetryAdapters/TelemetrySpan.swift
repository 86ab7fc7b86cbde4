// A span of the API while it is open. What is set stays in the API's own types, as its getters ask for; at the end it becomes a span of the
// model once. After the end, and when the trace is not sampled, everything that is set is ignored.

import Synchronization
import TelemetryModel
import Tracing

struct OpenSpan {
  var name: String
  var kind: TelemetryModel.SpanKind
  var isOpen: Bool
  var start: UInt64 = 0
  var parentSpanID = SpanID.none
  var parentIsRemote = false
  var attributes = SpanAttributes()
  var events: [Tracing.SpanEvent] = []
  var links: [Tracing.SpanLink] = []
  var status = TelemetryModel.SpanStatus.unset
  var droppedEvents: UInt32 = 0
  var droppedLinks: UInt32 = 0
}

public struct TelemetrySpan: Tracing.Span {
  public let context: ServiceContext
  let place: TracePlace
  let tracer: TelemetryTracer

  /// Where it stands, for whoever joins other signals to it.
  public var spanContext: SpanContext { place.context }

  public var isRecording: Bool { place.open.withLock { $0.isOpen } }

  public var operationName: String {
    get { place.open.withLock { $0.name } }
    nonmutating set { change { $0.name = newValue } }
  }

  /// Setting one key through this copies the others: two or more are cheaper with `updateAttributes`.
  public var attributes: SpanAttributes {
    get { place.open.withLock { $0.attributes } }
    nonmutating set { change { $0.attributes = newValue } }
  }

  public func setStatus(_ status: Tracing.SpanStatus) {
    change { $0.status = SpanStatus(status) }
  }

  public func addEvent(_ event: Tracing.SpanEvent) {
    let max = tracer.options.eventsMax
    change { if $0.events.count < max { $0.events.append(event) } else { $0.droppedEvents += 1 } }
  }

  public func addLink(_ link: Tracing.SpanLink) {
    let max = tracer.options.linksMax
    change { if $0.links.count < max { $0.links.append(link) } else { $0.droppedLinks += 1 } }
  }

  /// An event `exception`, as the semantic conventions have it. It sets no status: that is the caller's word.
  public func recordError<Instant: TracerInstant>(_ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant) {
    guard isRecording else { return }
    var all: SpanAttributes = ["exception.type": .string(String(reflecting: type(of: error))), "exception.message": .string("\(error)")]
    all.merge(attributes)
    addEvent(Tracing.SpanEvent(name: "exception", at: instant(), attributes: all))
  }

  /// Hands the span to the exporter; a second end is ignored.
  public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
    let ended: OpenSpan? = place.open.withLock { open in
      guard open.isOpen else { return nil }
      let ended = open
      // The context may live on in a task; what only an export needs does not.
      open = OpenSpan(name: open.name, kind: open.kind, isOpen: false)
      return ended
    }
    guard let ended else { return }
    tracer.buffer.append(Span(ended, place, end: instant().nanosecondsSinceEpoch, attributesMax: tracer.options.attributesMax))
  }

  private func change(_ body: (inout OpenSpan) -> Void) {
    place.open.withLock { if $0.isOpen { body(&$0) } }
  }
}

extension TelemetryModel.Span {
  init(_ open: OpenSpan, _ place: TracePlace, end: UInt64, attributesMax: Int) {
    // Bit 8 says that bit 9 is known: whether the parent is of another process.
    let flags = UInt32(place.context.flags.rawValue) | (open.parentSpanID.isNone ? 0 : 0x100) | (open.parentIsRemote ? 0x200 : 0)
    let (attributes, dropped) = open.attributes.list(max: attributesMax)
    self.init(
      traceID: place.context.traceID, spanID: place.context.spanID, parentSpanID: open.parentSpanID, name: open.name, kind: open.kind,
      startUnixNano: open.start, endUnixNano: end, attributes: attributes, status: open.status, traceState: place.stateText, flags: flags)
    events = open.events.map { event in
      let (attributes, dropped) = event.attributes.list(max: attributesMax)
      return SpanEvent(unixNano: event.nanosecondsSinceEpoch, name: event.name, attributes: attributes, droppedAttributes: dropped)
    }
    // A context without a span points nowhere.
    links = open.links.compactMap { link in
      guard let target = link.context.tracePlace else { return nil }
      let (attributes, dropped) = link.attributes.list(max: attributesMax)
      return SpanLink(
        traceID: target.context.traceID, spanID: target.context.spanID, traceState: target.stateText, attributes: attributes,
        droppedAttributes: dropped, flags: UInt32(target.context.flags.rawValue) | 0x100 | (target.isRemote ? 0x200 : 0))
    }
    droppedAttributes = dropped
    droppedEvents = open.droppedEvents
    droppedLinks = open.droppedLinks + UInt32(open.links.count - links.count)
  }
}
