// Metrics and logs as SwiftProtobuf's messages. (Spans have their own writer, WireEncoding.swift.)

import SwiftProtobuf

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

enum ProtobufEncoding {
  /// Fails only for a message with required fields, which proto3 does not have, or of 2 GiB.
  static func bytes(of message: some SwiftProtobuf.Message) -> [UInt8] {
    do {
      return try message.serializedBytes()
    } catch {
      preconditionFailure("a request of 2 GiB or more: \(error)")
    }
  }

  static func request(_ batch: LogBatch) -> PB.LogsRequest {
    var request = PB.LogsRequest()
    request.resourceLogs = batch.resources.map { group in
      var out = PB.ResourceLogs()
      out.resource = resource(group.resource)
      out.schemaURL = group.schemaURL
      out.scopeLogs = group.scopes.map { scope in
        var out = PB.ScopeLogs()
        out.scope = self.scope(scope.scope)
        out.logRecords = scope.records.map(logRecord)
        out.schemaURL = scope.schemaURL
        return out
      }
      return out
    }
    return request
  }

  static func request(_ batch: MetricBatch) -> PB.MetricsRequest {
    var request = PB.MetricsRequest()
    request.resourceMetrics = batch.resources.map { group in
      var out = PB.ResourceMetrics()
      out.resource = resource(group.resource)
      out.schemaURL = group.schemaURL
      out.scopeMetrics = group.scopes.map { scope in
        var out = PB.ScopeMetrics()
        out.scope = self.scope(scope.scope)
        out.metrics = scope.records.map(metric)
        out.schemaURL = scope.schemaURL
        return out
      }
      return out
    }
    return request
  }

  private static func resource(_ resource: Resource) -> PB.Resource {
    var out = PB.Resource()
    out.attributes = attributes(resource.attributes)
    out.droppedAttributesCount = resource.droppedAttributes
    return out
  }

  private static func scope(_ scope: InstrumentationScope) -> PB.Scope {
    var out = PB.Scope()
    out.name = scope.name
    out.version = scope.version
    out.attributes = attributes(scope.attributes)
    out.droppedAttributesCount = scope.droppedAttributes
    return out
  }

  static func attributes(_ attributes: [Attribute]) -> [PB.KeyValue] {
    attributes.map { attribute in
      var out = PB.KeyValue()
      out.key = attribute.key
      out.value = value(attribute.value)
      return out
    }
  }

  private static func value(_ value: AttributeValue) -> PB.AnyValue {
    var out = PB.AnyValue()
    switch value {
    case .empty: break
    case .string(let text): out.stringValue = text
    case .bool(let flag): out.boolValue = flag
    case .int(let number): out.intValue = number
    case .double(let number): out.doubleValue = number
    case .bytes(let bytes): out.bytesValue = Data(bytes)
    case .array(let values):
      var list = PB.ArrayValue()
      list.values = values.map(self.value)
      out.arrayValue = list
    case .map(let values):
      var list = PB.KeyValueList()
      list.values = attributes(values)
      out.kvlistValue = list
    }
    return out
  }

  /// No bytes for an id that is not there.
  static func bytes(_ id: TraceID) -> Data { id.isNone ? Data() : Data(words(id.high, id.low)) }
  static func bytes(_ id: SpanID) -> Data { id.isNone ? Data() : Data(words(id.value)) }

  private static func words(_ words: UInt64...) -> [UInt8] {
    words.flatMap { word in withUnsafeBytes(of: word.bigEndian, Array.init) }
  }

  private static func logRecord(_ record: LogRecord) -> PB.LogRecord {
    var out = PB.LogRecord()
    out.timeUnixNano = record.unixNano
    out.observedTimeUnixNano = record.observedUnixNano
    out.severityNumber = .init(rawValue: Int(record.severity.number)) ?? .unspecified
    out.severityText = record.severityText
    out.eventName = record.eventName
    if record.body != .empty { out.body = value(record.body) }
    out.attributes = attributes(record.attributes)
    out.droppedAttributesCount = record.droppedAttributes
    out.flags = record.flags
    out.traceID = bytes(record.traceID)
    out.spanID = bytes(record.spanID)
    return out
  }
}
