// Values of the standard APIs as values of the model. Dictionaries have no order of their own: their attributes come out sorted by key, so
// that equal input gives equal bytes.

import Logging
import TelemetryModel
import Tracing

extension SpanAttributes {
  /// Sorted by key; of more than `max` the last ones are left out, and their number returned.
  func list(max: Int) -> (kept: [Attribute], dropped: UInt32) {
    var list: [Attribute] = []
    list.reserveCapacity(count)
    forEach { key, value in list.append(Attribute(key, AttributeValue(value))) }
    list.sort { $0.key < $1.key }
    let dropped = Swift.max(0, list.count - max)
    list.removeLast(dropped)
    return (list, UInt32(dropped))
  }
}

extension AttributeValue {
  init(_ value: SpanAttribute) {
    switch value {
    case .string(let value): self = .string(value)
    case .int64(let value): self = .int(value)
    case .int32(let value): self = .int(Int64(value))
    case .bool(let value): self = .bool(value)
    case .double(let value): self = .double(value)
    case .stringArray(let values): self = .array(values.map { .string($0) })
    case .int64Array(let values): self = .array(values.map { .int($0) })
    case .int32Array(let values): self = .array(values.map { .int(Int64($0)) })
    case .boolArray(let values): self = .array(values.map { .bool($0) })
    case .doubleArray(let values): self = .array(values.map { .double($0) })
    case .stringConvertible(let value): self = AttributeValue(anything: value)
    case .stringConvertibleArray(let values): self = .array(values.map { AttributeValue(anything: $0) })
    // A case that a later version may add.
    default: self = .empty
    }
  }

  /// An array of `Int` comes as one of things with a description; its numbers stay numbers.
  private init(anything value: any CustomStringConvertible) {
    switch value {
    case let value as Int: self = .int(Int64(value))
    case let value as Bool: self = .bool(value)
    case let value as Double: self = .double(value)
    default: self = .string(value.description)
    }
  }

  init(_ value: Logger.MetadataValue) {
    switch value {
    case .string(let value): self = .string(value)
    case .stringConvertible(let value): self = .string(value.description)
    case .array(let values): self = .array(values.map { AttributeValue($0) })
    case .dictionary(let values): self = .map([Attribute](values))
    }
  }
}

extension [Attribute] {
  /// Sorted by key.
  init(_ metadata: Logger.Metadata) {
    self = metadata.map { Attribute($0.key, AttributeValue($0.value)) }.sorted { $0.key < $1.key }
  }
}

extension TelemetryModel.SpanKind {
  init(_ kind: Tracing.SpanKind) {
    switch kind {
    case .server: self = .server
    case .client: self = .client
    case .producer: self = .producer
    case .consumer: self = .consumer
    case .internal: self = .internal
    }
  }
}

extension TelemetryModel.SpanStatus {
  /// The message belongs to an error alone.
  init(_ status: Tracing.SpanStatus) {
    switch status.code {
    case .ok: self = .ok
    case .error: self = .error(status.message ?? "")
    }
  }
}

extension LogSeverity {
  /// OpenTelemetry's numbers; `notice` is the second of INFO, as syslog's is, and nothing is above `critical`.
  init(_ level: Logger.Level) {
    switch level {
    case .trace: self = .trace
    case .debug: self = .debug
    case .info: self = .info
    case .notice: self = LogSeverity(LogSeverity.info.number + 1)
    case .warning: self = .warn
    case .error: self = .error
    case .critical: self = .fatal
    }
  }
}
