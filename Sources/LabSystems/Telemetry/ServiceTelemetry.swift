import ExperimentModel
import TelemetryModel

/// What one instance of a role, or an edge, records of itself: a service, in the words of OpenTelemetry. Lives on the lab's loop; what was
/// recorded is encoded on a thread.
final class ServiceTelemetry {
  let name: String
  let instance: String
  let spec: TelemetrySpec
  let environment: any Environment
  let reader: TrailReader?
  let recorder: SpanRecorder
  let recording: SpanRecording?
  private(set) var lines: [RouteLine] = []
  /// Where it listens; 0 until it does.
  var port = 0
  var scheme: TelemetryText = "http"
  /// Numbers that are read when somebody asks.
  var gauges: [() -> [Gauge]] = []
  /// The same of times.
  var times: [() -> [TimeSum]] = []
  /// Whose gauges are there already.
  var pools: [String] = []
  var hasLoad = false
  private(set) var drained: UInt64
  /// When its sums began anew.
  private(set) var counted: UInt64
  let spans = Outbox()
  let logs = Outbox()
  private let logLines = LogLines()
  let resource: Resource
  /// Something was recorded: the lab plans to encode it.
  var wakes: () -> Void = {}

  let names: AttributeNames
  private let epoch: Int64
  private let keys: [TelemetryText]
  /// Ended and not yet drained, or open, until the next thread has encoded: 0.2 s of some 40,000 spans a second.
  private static let spansMax = 8_192

  /// - Parameters:
  ///   - epoch: from the environment's clock to nanoseconds since 1970.
  ///   - stream: another one for each service, for ids that do not repeat.
  init(
    _ name: String, instance: String, _ system: SystemSpec, _ spec: TelemetrySpec, reader: TrailReader?, stream: UInt64, epoch: Int64,
    environment: any Environment
  ) {
    self.name = name; self.instance = instance; self.spec = spec; self.reader = reader; self.epoch = epoch; self.environment = environment
    names = AttributeNames(system.roles.first { $0.name == name }?.conventions)
    var options = SpanRecording.Options()
    options.spansMax = Self.spansMax
    options.attributesMax = 20
    options.linksMax = 8
    options.sampling = SamplingThreshold(probability: spec.traces)
    // Two labs of one system must not give the same ids.
    options.seed = system.seed &+ UInt64(bitPattern: environment.now &+ epoch)
    options.stream = stream
    recording = spec.traces > 0 ? SpanRecording(options) : nil
    recorder = recording?.recorder ?? .off
    keys = spec.attributes.map { [recording] attribute in recording?.text(attribute.name) ?? .empty }
    drained = UInt64(max(0, environment.now + epoch))
    counted = drained
    resource = Resource(attributes: [
      Attribute("service.name", .string(name)), Attribute("service.namespace", .string(system.id)), Attribute("service.instance.id", .string(instance)),
    ])
  }

  /// Nanoseconds since 1970, of a time of the environment's.
  func unix(_ time: Int64) -> UInt64 { UInt64(max(0, time + epoch)) }
  func unix() -> UInt64 { unix(environment.now) }

  func line(method: String, route: String, name: String? = nil) -> RouteLine {
    if let known = lines.first(where: { $0.method == method && $0.route == route }) { return known }
    lines.append(RouteLine(method: method, route: route, name: name, recording))
    return lines[lines.count - 1]
  }

  // MARK: Spans

  func start(_ line: RouteLine, _ kind: SpanKind, caller: TraceParent, at time: Int64) -> ActiveSpan {
    recorder.start(line.name, kind: kind, parent: caller, at: unix(time))
  }

  func start(_ shape: StageSpan, inside parent: ActiveSpan, at time: Int64) -> ActiveSpan {
    guard !parent.parent.isNone else { return .none }
    let span = recorder.start(shape.name, kind: shape.kind, parent: parent.parent, at: unix(time))
    for text in shape.texts { recorder.set(span, text.key, text.value) }
    return span
  }

  func describe(_ span: ActiveSpan, _ line: RouteLine, path: String) {
    recorder.set(span, names.method, line.methodText)
    if !line.route.isEmpty { recorder.set(span, "http.route", line.routeText) }
    recorder.set(span, names.path, copying: path)
    recorder.set(span, names.scheme, scheme)
    recorder.set(span, names.host, "127.0.0.1")
    recorder.set(span, names.hostPort, port)
  }

  func setAttributes(_ span: ActiveSpan, _ value: (Int) -> String?) {
    for (index, key) in keys.enumerated() { if let value = value(index) { recorder.set(span, key, copying: value) } }
  }

  /// Time that went by before something could go on.
  func waited(_ name: TelemetryText, inside parent: ActiveSpan, since start: Int64) {
    guard parent.isRecorded else { return }
    let span = recorder.start(name, kind: .internal, parent: parent.parent, at: unix(start))
    recorder.end(span, at: unix())
  }

  func fail(_ span: ActiveSpan, _ error: TelemetryText) {
    if let name = names.error { recorder.set(span, name, error) }
    recorder.setStatus(span, .error)
  }

  func endCall(_ span: ActiveSpan, status: Int, port: Int, path: String) {
    guard span.isRecorded else { return }
    recorder.set(span, names.peerPort, port)
    recorder.set(span, names.url, copying: "http://127.0.0.1:\(port)\(path)")
    if status > 0 { recorder.set(span, names.status, status) }
    if status == 0 { fail(span, "connection") } else if status >= 400 { fail(span, status: status) }
    recorder.end(span, at: unix())
  }

  func fail(_ span: ActiveSpan, status: Int) {
    if let name = names.error { recorder.set(span, name, copying: String(status)) }
    recorder.setStatus(span, .error)
  }

  // MARK: Requests

  func attribute(_ index: Int, _ exchange: Exchange) -> String? { exchange.route.attribute(index, exchange) }

  func attributes(_ exchange: Exchange) -> [Attribute] { attributes { attribute($0, exchange) } }

  func attributes(_ value: (Int) -> String?) -> [Attribute] {
    spec.attributes.indices.compactMap { index in value(index).map { Attribute(spec.attributes[index].name, .string($0)) } }
  }

  /// - Parameter details: path and attributes, when somebody wants them.
  func end(_ span: ActiveSpan, _ line: RouteLine, _ end: RequestEnd, details: () -> (path: String, attributes: [Attribute])) {
    let now = environment.now
    line.active -= 1
    if span.isRecorded {
      recorder.set(span, names.status, end.status)
      switch end.cache {
      case .none: break
      case .hit: recorder.set(span, "nb.cache", "hit")
      case .miss: recorder.set(span, "nb.cache", "miss")
      }
      if end.status >= 500 { fail(span, status: end.status) }
      recorder.end(span, at: unix(now))
    }
    if spec.metrics { line.record(end, at: now, unix: unix(now), in: span) }
    if spec.logs {
      let (path, attributes) = details()
      logLines.append(
        LogLine(
          unix: unix(now), method: line.method, route: line.route, path: path, status: end.status, seconds: Double(now - end.began) / 1e9,
          cache: end.cache, attributes: attributes, span: span.parent))
    }
    wakes()
  }

  /// A message went through a worker.
  func endMessage(_ span: ActiveSpan, _ line: RouteLine, failed: Bool) {
    line.active -= 1
    if failed { fail(span, "failed") }
    recorder.end(span, at: unix())
    wakes()
  }

  /// Its process is gone, or its client: there will be no answer.
  func cutOff(_ span: ActiveSpan, _ line: RouteLine) {
    line.active -= 1
    guard span.isRecorded else { return }
    fail(span, "cut off")
    recorder.end(span, at: unix())
  }

  // MARK: Out

  /// Encodes what was recorded; on any thread.
  var encoding: @Sendable () -> Void {
    let (recording, spans, logs, logLines, resource) = (recording, spans, logs, logLines, resource)
    let scope = InstrumentationScope(name: "nb.lab")
    return {
      if let recording {
        spans.fill {
          var drained: [TelemetryModel.Span] = []
          recording.drain(into: &drained)
          return drained.isEmpty ? nil : (TraceBatch(resource: resource, scope: scope, records: drained).encoded(as: .protobuf), drained.count)
        }
      }
      logs.fill {
        let lines = logLines.take()
        return lines.isEmpty ? nil : (LogBatch(resource: resource, scope: scope, records: lines.map(\.record)).encoded(as: .protobuf), lines.count)
      }
    }
  }

  /// Forgets what nobody has fetched.
  func clear() {
    encoding()
    spans.clear()
    logs.clear()
    lines.forEach { _ = $0.drainDurations() }
    drained = unix()
    counted = drained
    base = tallies
  }

  /// The metrics since the last time; nil when there is nothing to say.
  func drainMetrics() -> ResourceRecords<TelemetryMetric>? {
    guard spec.metrics else { return nil }
    let now = unix()
    let metrics = MetricCollection(self, from: drained, to: now).delta()
    drained = now
    guard !metrics.isEmpty else { return nil }
    return ResourceRecords(resource: resource, scopes: [ScopeRecords(scope: InstrumentationScope(name: "nb.lab"), records: metrics)])
  }

  func appendCounters(to counters: inout Counters) {
    let now = tallies
    if recording != nil {
      counters.add(name, "spans", now.spans - base.spans)
      counters.add(name, "spans_dropped", now.spansDropped - base.spansDropped)
    }
    if spec.logs { counters.add(name, "logs_dropped", now.logsDropped - base.logsDropped) }
  }

  /// Spans and log records that found no room.
  var dropped: Int { tallies.spansDropped - base.spansDropped + tallies.logsDropped - base.logsDropped }

  private struct Tallies { var spans = 0, spansDropped = 0, logsDropped = 0 }
  private var base = Tallies()

  private var tallies: Tallies {
    let recorded = recording?.counts
    return Tallies(
      spans: recorded?.ended ?? 0, spansDropped: (recorded?.dropped ?? 0) + spans.counts.dropped, logsDropped: logLines.dropped + logs.counts.dropped)
  }
}

/// A number as it is when somebody asks.
/// How long something lasted, of all that it happened to together: a histogram of which only count and sum are known.
struct TimeSum {
  var name: String
  var help: String
  var attributes: [Attribute] = []
  var count: Int
  var nanoseconds: Int64
}

struct Gauge {
  var name: String
  var unit: String
  var help: String
  /// As OpenTelemetry's conventions have it; else a gauge.
  var isUpDownCounter = false
  var isCounter = false
  var attributes: [Attribute] = []
  var value: Int
}
