import ExperimentModel
import TelemetryModel

/// One request at an edge, while it is recorded.
final class EdgeTrail {
  fileprivate let span: ActiveSpan
  fileprivate let line: RouteLine
  fileprivate let began: Int64
  fileprivate let path: String
  fileprivate let attributes: [String?]

  fileprivate init(_ span: ActiveSpan, _ line: RouteLine, began: Int64, path: String, attributes: [String?]) {
    self.span = span; self.line = line; self.began = began; self.path = path; self.attributes = attributes
  }
}

/// The spans of an edge: one of a server for each request, one of a client for each attempt, told apart by number.
///
///     GET /product/{id}                      SERVER
///       ├ GET  1st attempt, 502              CLIENT
///       ├ GET  resend_count 1                CLIENT
///       └ GET  hedge, linked to its first    CLIENT, called off
final class EdgeTelemetry {
  let service: ServiceTelemetry
  private let routes: [RouteSpec]
  private let recorder: SpanRecorder
  /// Of the instances behind.
  var ports: [Int] = []

  init(_ service: ServiceTelemetry, routes: [RouteSpec]) {
    self.service = service; self.routes = routes
    recorder = service.recorder
  }

  // MARK: Requests

  /// - Returns: the request with what its attempts need.
  func begin(_ request: ProxyRequest) -> (EdgeTrail, ProxyRequest) {
    let now = service.environment.now
    let path = String(request.path)
    let method = request.method == "HEAD" ? "GET" : request.method
    let route = routes.first { $0.method == method && $0.answers(path) }
    let line = service.line(method: Self.known(request.method), route: route?.path ?? "")
    let (caller, traceState) = service.reader?.context(of: request.fields) ?? (.none, "")
    let attributes = service.spec.attributes.indices.map { service.attribute($0, request, route) }
    let span = service.start(line, .server, caller: caller, at: now)
    line.active += 1
    if span.isRecorded {
      service.describe(span, line, path: path)
      service.setAttributes(span) { attributes[$0] }
    }
    var request = request
    request.span = span.parent
    request.traceState = traceState
    return (EdgeTrail(span, line, began: now, path: path, attributes: attributes), request)
  }

  /// Anybody may send any method, and each is a series: what is not known is `_OTHER`, as the conventions say.
  private static func known(_ method: String) -> String {
    ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "QUERY"].contains(method) ? method : "_OTHER"
  }

  func end(_ trail: EdgeTrail, _ response: ProxyResponse) {
    let cache: RequestEnd.Cache
    // An origin's own cache says so too; here it counts only when the edge has one, which always says `Cache-Status`.
    switch response.fields["Cache-Status"] == nil ? nil : response.fields["X-Cache"] {
    case "HIT"?: cache = .hit
    case "MISS"?: cache = .miss
    default: cache = .none
    }
    service.end(trail.span, trail.line, RequestEnd(status: response.status, began: trail.began, cache: cache)) {
      (trail.path, service.attributes { trail.attributes[$0] })
    }
  }

  // MARK: Attempts

  /// - Returns: the request as this attempt sends it.
  func begin(_ attempt: Attempt, _ request: ProxyRequest, number: Int) -> ProxyRequest {
    guard !request.span.isNone else { return request }
    let span = recorder.start(Self.name(request.method), kind: .client, parent: request.span, at: service.unix(attempt.start))
    attempt.span = span
    var request = request
    service.reader?.set(span.parent, request.traceState, on: &request.fields)
    guard span.isRecorded else { return request }
    let port = ports.indices.contains(attempt.backend.index) ? ports[attempt.backend.index] : 0
    recorder.set(span, "http.request.method", copying: request.method)
    recorder.set(span, "server.address", "127.0.0.1")
    recorder.set(span, "server.port", port)
    recorder.set(span, "url.full", copying: "http://127.0.0.1:\(port)\(request.target)")
    recorder.set(span, "nb.backend", copying: attempt.backend.name)
    if attempt.isHedge { recorder.set(span, "nb.hedge", true) } else if number > 0 { recorder.set(span, "http.request.resend_count", number) }
    if !attempt.dispatch.last.isNone { recorder.link(span, to: attempt.dispatch.last) }
    return request
  }

  private static func name(_ method: String) -> TelemetryText {
    switch method {
    case "GET": "GET"
    case "HEAD": "HEAD"
    case "POST": "POST"
    case "PUT": "PUT"
    case "DELETE": "DELETE"
    case "PATCH": "PATCH"
    default: "HTTP"
    }
  }

  /// - Parameter result: nil when it ran out of time.
  func end(_ attempt: Attempt, _ result: UpstreamResult?) {
    let span = attempt.span
    guard span.isRecorded else { return }
    switch result {
    case .answer(let response)?:
      recorder.set(span, "http.response.status_code", response.status)
      if response.status >= 400 { service.fail(span, status: response.status) }
    case .refused?: service.fail(span, "connection refused")
    case .broken?: service.fail(span, "connection ended")
    case nil: service.fail(span, "timeout")
    }
    recorder.end(span, at: service.unix())
  }

  /// Another attempt has answered.
  func callOff(_ attempt: Attempt) {
    recorder.set(attempt.span, "nb.called_off", true)
    recorder.end(attempt.span, at: service.unix())
  }
}

extension ServiceTelemetry {
  /// An attribute of a request that an edge has.
  fileprivate func attribute(_ index: Int, _ request: ProxyRequest, _ route: RouteSpec?) -> String? {
    guard case .variable(let name) = spec.attributes[index].source else { return reader?.value(of: index, in: request.fields) }
    guard let route else { return nil }
    let (pattern, parts) = (route.path.split(separator: "/"), request.path.split(separator: "/"))
    return pattern.firstIndex(of: "{\(name)}").map { String(parts[$0]) }
  }
}
