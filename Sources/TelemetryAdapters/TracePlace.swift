// Where in which trace a task stands, as its `ServiceContext` carries it, and how that crosses to another process: W3C traceparent,
// tracestate and baggage.

import Synchronization
import TelemetryModel
import Tracing

/// A class, because a context copies its values into boxes otherwise, and so that a span is found from its context.
final class TracePlace: Sendable {
  let context: SpanContext
  /// `tracestate` as it is sent; a child has its parent's.
  let stateText: String
  /// It came from another process.
  let isRemote: Bool
  let open: Mutex<OpenSpan>

  init(_ context: SpanContext, stateText: String?, open: OpenSpan) {
    self.context = context
    self.stateText = stateText ?? context.traceState.text
    isRemote = false
    self.open = Mutex(open)
  }

  init(remote context: SpanContext) {
    self.context = context
    stateText = context.traceState.text
    isRemote = true
    open = Mutex(OpenSpan(name: "", kind: .unspecified, isOpen: false))
  }
}

private enum TracePlaceKey: ServiceContextKey {
  typealias Value = TracePlace
  static let nameOverride: String? = "trace"
}

private enum BaggageKey: ServiceContextKey {
  typealias Value = Baggage
  static let nameOverride: String? = "baggage"
}

extension ServiceContext {
  var tracePlace: TracePlace? {
    get { self[TracePlaceKey.self] }
    set { self[TracePlaceKey.self] = newValue }
  }

  /// The span that this context stands in, of this process or of a caller's; nil outside any trace.
  public var spanContext: SpanContext? { tracePlace?.context }

  /// What travels with the request besides its trace.
  public var baggage: Baggage? {
    get { self[BaggageKey.self] }
    set { self[BaggageKey.self] = newValue }
  }
}

extension TelemetryTracer {
  public static let traceparentField = "traceparent"
  public static let tracestateField = "tracestate"
  public static let baggageField = "baggage"

  public func inject<Carrier, Inject: Injector>(_ context: ServiceContext, into carrier: inout Carrier, using injector: Inject)
  where Inject.Carrier == Carrier {
    if let place = context.tracePlace {
      injector.inject(place.context.traceparent, forKey: Self.traceparentField, into: &carrier)
      if !place.stateText.isEmpty { injector.inject(place.stateText, forKey: Self.tracestateField, into: &carrier) }
    }
    if let baggage = context.baggage?.text, !baggage.isEmpty { injector.inject(baggage, forKey: Self.baggageField, into: &carrier) }
  }

  /// A traceparent that cannot be read leaves the context as it is, and the next span begins a trace. Of a field that came several
  /// times the extractor gives all values, joined by commas.
  public func extract<Carrier, Extract: Extractor>(_ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract)
  where Extract.Carrier == Carrier {
    if let traceparent = extractor.extract(key: Self.traceparentField, from: carrier),
      let caller = SpanContext(traceparent: traceparent, tracestate: extractor.extract(key: Self.tracestateField, from: carrier) ?? "")
    {
      context.tracePlace = TracePlace(remote: caller)
    }
    if let text = extractor.extract(key: Self.baggageField, from: carrier) {
      let baggage = Baggage(text)
      if !baggage.members.isEmpty { context.baggage = baggage }
    }
  }
}
