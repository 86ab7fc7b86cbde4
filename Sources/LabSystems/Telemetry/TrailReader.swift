import ExperimentModel
import NIOCore
import TelemetryModel

/// Finds what goes along with a request in its header, or in a message, and says it to the next one. Shared by all parts of a system.
final class TrailReader {
  let attributes: [RequestAttribute]
  /// Index of the attribute and its header's name in small letters.
  private let headers: [(index: Int, lower: [UInt8], name: String)]
  private let traces: Bool
  private static let parentName = Array("traceparent".utf8)
  private static let stateName = Array("tracestate".utf8)
  /// In a message, beside variables: these have no colon in their names.
  private static let prefix = "header:"
  /// A longer value is no attribute; it would fill a span's room for text.
  private static let valueMax = 128

  /// nil when nothing is asked for.
  init?(_ spec: TelemetrySpec?) {
    guard let spec, spec.traces > 0 || !spec.attributes.isEmpty else { return nil }
    attributes = spec.attributes
    traces = spec.traces > 0
    headers = spec.attributes.enumerated().compactMap { index, attribute in
      if case .header(let name) = attribute.source { (index, Array(name.lowercased().utf8), name) } else { nil }
    }
  }

  // MARK: In

  /// - Parameter head: a request's head, which `RequestParser` has accepted.
  func read(_ head: UnsafeRawBufferPointer, into exchange: Exchange) {
    let trail = exchange.madeTrail
    trail.headers = Array(repeating: nil, count: attributes.count)
    var start = 0
    while let end = Self.endOfLine(head, start) {
      let line = start..<end
      start = end + 2
      guard let colon = head[line].firstIndex(of: UInt8(ascii: ":")) else { continue }
      let name = UnsafeRawBufferPointer(rebasing: head[line.lowerBound..<colon])
      func value() -> String { Substring(decoding: head[colon + 1..<end], as: UTF8.self).trimmed }
      if traces, Self.isName(name, Self.parentName) {
        let text = value()
        if let context = SpanContext(traceparent: text) { trail.caller = TraceParent(context) }
      } else if traces, Self.isName(name, Self.stateName) {
        // Several fields are one list (W3C Trace Context, 3.3.1.1).
        trail.traceState += (trail.traceState.isEmpty ? "" : ",") + value()
      } else {
        for header in headers where Self.isName(name, header.lower) { trail.headers[header.index] = Self.kept(value()) }
      }
    }
    settle(trail)
  }

  /// A tracestate is nothing without its traceparent; with it, it says by what threshold the trace was kept.
  private func settle(_ trail: Trail) {
    guard !trail.traceState.isEmpty else { return }
    guard !trail.caller.isNone, let state = TraceState(trail.traceState) else {
      trail.traceState = ""
      return
    }
    trail.caller = TraceParent(SpanContext(traceID: trail.caller.traceID, spanID: trail.caller.spanID, flags: trail.caller.flags, traceState: state))
  }

  /// The same of the fields that an edge has read.
  func context(of fields: HeaderFields) -> (caller: TraceParent, traceState: String) {
    guard traces, let text = fields["traceparent"] else { return (.none, "") }
    let state = fields.list("tracestate") ?? ""
    guard let context = SpanContext(traceparent: text, tracestate: state) else { return (.none, "") }
    return (TraceParent(context), context.traceState.members.isEmpty ? "" : state)
  }

  func value(of index: Int, in fields: HeaderFields) -> String? {
    if case .header(let name) = attributes[index].source { fields[name].flatMap(Self.kept) } else { nil }
  }

  private static func kept(_ text: String) -> String? { text.isEmpty || text.utf8.count > valueMax ? nil : text }

  // MARK: Out

  /// Field lines with their line ends: the context, and the headers that came.
  func lines(_ parent: TraceParent, _ traceState: String, _ values: [String?]) -> String {
    var lines = ""
    forEachField(parent, traceState, values) { lines += "\($0): \($1)\r\n" }
    return lines
  }

  private func forEachField(_ parent: TraceParent, _ traceState: String, _ values: [String?], _ body: (String, String) -> Void) {
    if !parent.isNone {
      let context = parent.context
      body("traceparent", context.traceparent)
      let state = traceState.isEmpty ? context.traceState.text : traceState
      if !state.isEmpty { body("tracestate", state) }
    }
    for header in headers where header.index < values.count { if let value = values[header.index] { body(header.name, value) } }
  }

  func set(_ parent: TraceParent, _ traceState: String, on fields: inout HeaderFields) {
    guard !parent.isNone else { return }
    forEachField(parent, traceState, []) { fields.set($0, $1) }
  }

  // MARK: Messages

  func write(_ trail: Trail, into message: inout Message) {
    forEachField(trail.inside.parent, trail.traceState, trail.headers) {
      message.names.append(Self.prefix + $0)
      message.values.append($1)
    }
  }

  /// - Parameter exchange: the one that leads the message through a worker.
  func read(_ message: Message, into exchange: Exchange) {
    let trail = exchange.madeTrail
    trail.headers = Array(repeating: nil, count: attributes.count)
    trail.caller = parent(of: message)
    trail.traceState = message.value(of: Self.prefix + "tracestate") ?? ""
    for header in headers { trail.headers[header.index] = message.value(of: Self.prefix + header.name) }
    settle(trail)
  }

  func parent(of message: Message) -> TraceParent {
    message.value(of: Self.prefix + "traceparent").flatMap { SpanContext(traceparent: $0) }.map(TraceParent.init) ?? .none
  }

  // MARK: Bytes

  private static func endOfLine(_ head: UnsafeRawBufferPointer, _ start: Int) -> Int? {
    var i = start
    while i + 1 < head.count {
      if head[i] == 13, head[i + 1] == 10 { return i }
      i += 1
    }
    return nil
  }

  private static func isName(_ name: UnsafeRawBufferPointer, _ lower: [UInt8]) -> Bool {
    guard name.count == lower.count else { return false }
    for (i, byte) in lower.enumerated() where (name[i] >= 65 && name[i] <= 90 ? name[i] | 32 : name[i]) != byte { return false }
    return true
  }
}
