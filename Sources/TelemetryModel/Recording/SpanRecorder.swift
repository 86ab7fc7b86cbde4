// Recording spans on a hot path. Budget: a span of six attributes begun and ended in at most 1 µs, at most 50 ns for all of it
// when recording is off. So nothing is allocated, retained, released or locked here: names and keys are `TelemetryText`, a
// span is written into a slot of preallocated memory, and turned into OTLP by whoever drains the `SpanRecording`, elsewhere.
//
//   let span = recorder.start("GET /checkout", kind: .server, parent: caller, at: now())
//   recorder.set(span, "http.request.method", "GET")
//   recorder.end(span, at: now())
//
// Off is a nil pointer: one branch a call, inlined into the caller. Measured in a release build on a shared cloud core: 49 ns for
// a root span of six attributes, 53 ns with a copied text, 15 ns unsampled, 5 ns off; no allocation in 2,000 spans.

/// One for each loop or thread, handed out by a `SpanRecording`, which must outlive it.
public struct SpanRecorder: @unchecked Sendable, BitwiseCopyable {
  // Sendable, so that it can be handed to its loop; two threads must not use it at the same time.
  @usableFromInline let core: UnsafeMutableRawPointer?

  @usableFromInline
  init(core: UnsafeMutableRawPointer?) { self.core = core }

  /// Records nothing; spans are `ActiveSpan.none`.
  public static let off = SpanRecorder(core: nil)

  @inlinable public var isOn: Bool { core != nil }

  /// Begins a span. Without a parent it is the root of a new trace, and the recording's sampler decides; with one, the parent has
  /// decided. An unsampled span has ids to send on, and is not recorded.
  @inlinable
  public func start(_ name: TelemetryText, kind: SpanKind, parent: TraceParent = .none, at unixNano: UInt64) -> ActiveSpan {
    guard let core else { return .none }
    return Recorded.start(core, name, kind, parent, unixNano)
  }

  /// Sets an attribute; the same key twice stands there twice. One more than there is room for is dropped and counted in the span.
  @inlinable
  public func set(_ span: ActiveSpan, _ key: TelemetryText, _ value: TelemetryText) {
    if let core { Recorded.set(core, span, key, text: value) }
  }

  @inlinable
  public func set(_ span: ActiveSpan, _ key: TelemetryText, _ value: Int) {
    if let core { Recorded.set(core, span, key, int: Int64(value)) }
  }

  @inlinable
  public func set(_ span: ActiveSpan, _ key: TelemetryText, _ value: Double) {
    if let core { Recorded.set(core, span, key, double: value) }
  }

  @inlinable
  public func set(_ span: ActiveSpan, _ key: TelemetryText, _ value: Bool) {
    if let core { Recorded.set(core, span, key, bool: value) }
  }

  /// A text that is only known now: its bytes are copied. Dropped and counted when the slot's room for text is full.
  @inlinable
  public func set(_ span: ActiveSpan, _ key: TelemetryText, copying value: borrowing String) {
    if let core { Recorded.set(core, span, key, copying: copy value) }
  }

  /// Something that happened at one moment.
  @inlinable
  public func event(_ span: ActiveSpan, _ name: TelemetryText, at unixNano: UInt64) {
    if let core { Recorded.event(core, span, name, unixNano) }
  }

  /// An attribute of the last event.
  @inlinable
  public func setOnEvent(_ span: ActiveSpan, _ key: TelemetryText, _ value: TelemetryText) {
    if let core { Recorded.setOnEvent(core, span, key, value) }
  }

  /// A pointer to another span, such as the one that put a message into a queue.
  @inlinable
  public func link(_ span: ActiveSpan, to target: TraceParent) {
    if let core { Recorded.link(core, span, target) }
  }

  @inlinable
  public func setStatus(_ span: ActiveSpan, _ code: SpanStatus.Code, message: TelemetryText = .empty) {
    if let core { Recorded.status(core, span, code, message) }
  }

  /// Ends a span and hands it to the exporter. A second end, and whatever is set after it, is ignored.
  @inlinable
  public func end(_ span: ActiveSpan, at unixNano: UInt64) {
    if let core { Recorded.end(core, span, unixNano) }
  }
}
