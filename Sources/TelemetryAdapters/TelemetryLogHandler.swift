// A handler of swift-log whose lines become log records of the model, with the trace and span that they were written in, so that a
// log joins its trace without searching text.

import Logging
import TelemetryModel
import Tracing

/// Where the lines of all loggers wait. Make one for the process, and handlers from it:
///
///     let logs = TelemetryLogs()
///     let logger = Logger(label: "shop.cart") { label in logs.handler(label: label) }
public final class TelemetryLogs: Sendable {
  struct Line: Sendable {
    var label: String
    var record: LogRecord
  }
  let buffer: TelemetryBuffer<Line>
  let now: @Sendable () -> UInt64

  /// - Parameters:
  ///   - linesMax: lines that wait to be drained; one more is dropped and counted.
  ///   - now: nanoseconds since 1970.
  public init(linesMax: Int = 8_192, now: @escaping @Sendable () -> UInt64 = { DefaultTracerClock.now.nanosecondsSinceEpoch }) {
    buffer = TelemetryBuffer(max: linesMax)
    self.now = now
  }

  public func handler(label: String) -> TelemetryLogHandler { TelemetryLogHandler(label: label, logs: self) }

  /// Takes the lines, oldest first; each logger's label is the name of a scope, in the order in which they first wrote.
  public func drain(resource: Resource) -> LogBatch {
    var places: [String: Int] = [:]
    var scopes: [ScopeRecords<LogRecord>] = []
    for line in buffer.drain() {
      let place = places[line.label] ?? scopes.count
      if place == scopes.count {
        places[line.label] = place
        scopes.append(ScopeRecords(scope: InstrumentationScope(name: line.label)))
      }
      scopes[place].records.append(line.record)
    }
    return LogBatch(resources: scopes.isEmpty ? [] : [ResourceRecords(resource: resource, scopes: scopes)])
  }

  public var counts: TelemetryBufferCounts { buffer.counts }
}

public struct TelemetryLogHandler: LogHandler {
  public var logLevel = Logger.Level.info
  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?
  let label: String
  let logs: TelemetryLogs

  init(label: String, logs: TelemetryLogs) {
    self.label = label
    self.logs = logs
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  /// Metadata of the line goes before the provider's, and that before the logger's. An error is told as the conventions tell an exception.
  public func log(event: LogEvent) {
    let time = logs.now()
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { $1 } }
    if let own = event.metadata { all.merge(own) { $1 } }
    if let error = event.error {
      all["exception.type"] = .string(String(reflecting: type(of: error)))
      all["exception.message"] = .string("\(error)")
    }
    let span = ServiceContext.current?.spanContext
    logs.buffer.append(
      TelemetryLogs.Line(
        label: label,
        record: LogRecord(
          unixNano: time, observedUnixNano: time, severity: LogSeverity(event.level), severityText: event.level.rawValue,
          body: .string(event.message.description), attributes: [Attribute](all), flags: span.map { UInt32($0.flags.rawValue) } ?? 0,
          traceID: span?.traceID ?? .none, spanID: span?.spanID ?? .none)))
  }
}
