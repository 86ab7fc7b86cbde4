import ExperimentModel
import NIOCore
import TelemetryModel

/// What goes along with a request for those who record it or decide by it: its place in a trace, and the declared attributes.
/// One for each exchange, made when the first request needs it and reused.
final class Trail {
  /// Who called, as far as it said so; and the tracestate that it sent, which is passed on as it came.
  var caller = TraceParent.none
  var traceState = ""
  /// Values of the declared attributes that came as headers, by their index; nil: it did not come.
  var headers: [String?] = []
  /// What a batch was made of.
  var links: [TraceParent] = []
  /// Of the request, and of the stage that it is in.
  fileprivate(set) var span = ActiveSpan.none
  fileprivate var stage = ActiveSpan.none
  private var service: ServiceTelemetry?
  private var line: RouteLine?
  /// When it came in; when it began to wait for a worker; when it entered its stage.
  private(set) var began: Int64 = 0
  private var queued: Int64?
  private var entered: Int64 = 0

  // A request whose process was killed is never answered: its spans end when nobody holds it any more.
  deinit { cutOff() }

  /// Ready for the next request.
  func reset() {
    cutOff()
    caller = .none
    traceState = ""
    headers.removeAll(keepingCapacity: true)
    links.removeAll(keepingCapacity: true)
    queued = nil
  }

  // MARK: The way of a request

  func begin(_ service: ServiceTelemetry, _ line: RouteLine, kind: SpanKind = .server, _ exchange: Exchange) {
    cutOff()
    (self.service, self.line) = (service, line)
    began = service.environment.now
    queued = nil
    line.active += 1
    span = service.start(line, kind, caller: caller, at: began)
    guard span.isRecorded else { return }
    if kind == .server { service.describe(span, line, path: line.path(exchange.variables)) }
    for link in links { service.recorder.link(span, to: link) }
    for text in line.texts { service.recorder.set(span, text.key, text.value) }
    service.setAttributes(span) { service.attribute($0, exchange) }
  }

  /// The request waits for a worker from now on.
  func queues() { queued = service?.environment.now }

  /// It has one.
  func isTaken() {
    guard let queued, let service else { return }
    self.queued = nil
    service.waited("queue", inside: span, since: queued)
  }

  func enter(_ note: StageNote) {
    guard let service, let shape = note.span, service.recorder.isOn else { return }
    entered = service.environment.now
    if !shape.isOnlyForWaiting { stage = service.start(shape, inside: span, at: entered) }
  }

  /// The stage has said `later`: one that is mostly passed at once is worth a span now.
  func isLater(_ note: StageNote) {
    guard let service, let shape = note.span, shape.isOnlyForWaiting, service.recorder.isOn else { return }
    stage = service.start(shape, inside: span, at: entered)
  }

  func leave(failing error: TelemetryText? = nil) {
    guard stage.isRecorded, let service else { return }
    if let error { service.fail(stage, error) }
    service.recorder.end(stage, at: service.unix())
    stage = .none
  }

  /// The answer is known.
  func end(_ exchange: Exchange) {
    guard let service, let line else { return }
    let status = exchange.isNotModified ? 304 : exchange.answer.status
    leave()
    isTaken()
    if line.isMessages {
      service.endMessage(span, line, failed: status >= 500)
      (self.service, self.line, span) = (nil, nil, .none)
      return
    }
    let cache: RequestEnd.Cache = exchange.cacheState == .none ? .none : exchange.cacheState == .hit ? .hit : .miss
    service.end(span, line, RequestEnd(status: status, began: began, cache: cache)) { (line.path(exchange.variables), service.attributes(exchange)) }
    (self.service, self.line, span) = (nil, nil, .none)
  }

  private func cutOff() {
    guard let service, let line else { return }
    if stage.isRecorded { service.recorder.end(stage, at: service.unix()) }
    service.cutOff(span, line)
    (self.service, self.line, span, stage) = (nil, nil, .none, .none)
  }

  // MARK: For stages

  /// Where children of the stage's span hang, and of the request's when the stage has none.
  var inside: ActiveSpan { stage.isRecorded ? stage : span }

  /// A connection of a pool came free after a while.
  func waited(_ name: TelemetryText, since start: Int64) {
    if inside.isRecorded { service?.waited(name, inside: inside, since: start) }
  }

  /// One call: its span, to be ended by `ends`, and the header lines that it sends: without a span of its own, and without recording,
  /// those of the request's.
  func call(_ shape: StageSpan?) -> (span: ActiveSpan, fields: String) {
    guard let service else { return (.none, "") }
    guard let shape else { return (.none, service.reader?.lines(span.parent, traceState, headers) ?? "") }
    let child = service.start(shape, inside: span, at: service.environment.now)
    return (child, service.reader?.lines(child.parent, traceState, headers) ?? "")
  }

  func ends(_ call: ActiveSpan, status: Int, port: Int, path: String) {
    service?.endCall(call, status: status, port: port, path: path)
  }
}
