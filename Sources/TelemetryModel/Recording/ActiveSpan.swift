// What a loop holds while something runs: plain bits, copied freely, without a reference count.

/// A caller in this process or another one: what a child needs of it. The hot path's form of `SpanContext`.
public struct TraceParent: Hashable, Sendable, BitwiseCopyable {
  public var traceID: TraceID
  public var spanID: SpanID
  public var flags: TraceFlags
  /// The threshold that the trace was kept by, as `SamplingThreshold.rejection`; `unknown` when nobody said.
  var rejection: UInt64

  static let unknown = UInt64.max
  public static let none = TraceParent(traceID: .none, spanID: .none, flags: [], rejection: unknown)

  init(traceID: TraceID, spanID: SpanID, flags: TraceFlags, rejection: UInt64) {
    self.traceID = traceID
    self.spanID = spanID
    self.flags = flags
    self.rejection = rejection
  }

  public init(_ context: SpanContext) {
    let threshold = context.traceState.members.isEmpty ? nil : OTelTraceState(context.traceState).threshold
    self.init(traceID: context.traceID, spanID: context.spanID, flags: context.flags, rejection: threshold?.rejection ?? Self.unknown)
  }

  public var isNone: Bool { traceID.isNone }

  /// To send on; with the threshold, without other vendors' members.
  public var context: SpanContext {
    var state = TraceState()
    if rejection != Self.unknown, let threshold = SamplingThreshold(rejecting: rejection) { state.set("ot", OTelTraceState(threshold: threshold).text) }
    return SpanContext(traceID: traceID, spanID: spanID, flags: flags, traceState: state)
  }
}

/// A span that has begun. `parent` is what its children and the next service are given, whether it is recorded or not.
public struct ActiveSpan: Sendable, BitwiseCopyable {
  public let parent: TraceParent
  let slot: UInt32

  static let noSlot = UInt32.max
  public static let none = ActiveSpan(parent: .none, slot: noSlot)

  @usableFromInline
  init(parent: TraceParent, slot: UInt32) {
    self.parent = parent
    self.slot = slot
  }

  /// False when recording is off, the trace is not sampled, or there was no room.
  public var isRecorded: Bool { slot != Self.noSlot }
}
