import Synchronization
import TelemetryModel

/// One request as its log record will say it; small, because it is written while the next request waits.
struct LogLine: Sendable {
  var unix: UInt64
  var method: String
  var route: String
  var path: String
  var status: Int
  var seconds: Double
  var cache: RequestEnd.Cache
  var attributes: [Attribute]
  var span: TraceParent

  var record: TelemetryModel.LogRecord {
    let severity: LogSeverity = status >= 500 ? .error : status >= 400 ? .warn : .info
    var all = [Attribute("http.request.method", .string(method)), Attribute("url.path", .string(path))]
    if !route.isEmpty { all.append(Attribute("http.route", .string(route))) }
    all += [Attribute("http.response.status_code", .int(Int64(status))), Attribute("nb.duration", .double(seconds))]
    if cache != .none { all.append(Attribute("nb.cache", .string(cache.rawValue))) }
    return TelemetryModel.LogRecord(
      unixNano: unix, observedUnixNano: unix, severity: severity, severityText: severity.name, eventName: "http.server.request",
      body: .string("\(method) \(path) \(status)"), attributes: all + attributes, flags: UInt32(span.flags.rawValue), traceID: span.traceID,
      spanID: span.spanID)
  }
}

/// Lines that are not encoded yet. Bounded.
final class LogLines: Sendable {
  private struct State { var lines: [LogLine] = []; var dropped = 0 }
  private let state = Mutex(State())
  private static let linesMax = 16_384

  func append(_ line: LogLine) {
    state.withLock { state in
      if state.lines.count < Self.linesMax { state.lines.append(line) } else { state.dropped += 1 }
    }
  }

  func take() -> [LogLine] {
    state.withLock { state in
      let lines = state.lines
      state.lines = []
      return lines
    }
  }

  var dropped: Int { state.withLock { $0.dropped } }
}
