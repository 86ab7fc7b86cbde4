// Metrics and logs from SwiftProtobuf's messages into the model. (Spans have their own reader, WireDecoding+Traces.swift.)

import SwiftProtobuf

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

enum ProtobufDecoding {
  static func metrics(_ bytes: UnsafeRawBufferPointer, _ context: IngestContext) throws(OTLPError) -> Received<TelemetryMetric> {
    try ProtobufCensus.check(bytes, .metricsRequest, context)
    let request: PB.MetricsRequest = try message(bytes, context.limits)
    var conversion = ProtobufConversion(context: context)
    let groups = request.resourceMetrics.map { group in
      ResourceRecords(
        resource: conversion.resource(group.resource),
        scopes: group.scopeMetrics.map { scope in
          ScopeRecords(scope: conversion.scope(scope.scope), records: scope.metrics.map { conversion.metric($0) }, schemaURL: scope.schemaURL)
        }, schemaURL: group.schemaURL)
    }
    return Received(batch: TelemetryBatch(resources: groups), report: conversion.context.report)
  }

  static func logs(_ bytes: UnsafeRawBufferPointer, _ context: IngestContext) throws(OTLPError) -> Received<LogRecord> {
    try ProtobufCensus.check(bytes, .logsRequest, context)
    let request: PB.LogsRequest = try message(bytes, context.limits)
    var conversion = ProtobufConversion(context: context)
    let groups = request.resourceLogs.map { group in
      ResourceRecords(
        resource: conversion.resource(group.resource),
        scopes: group.scopeLogs.map { scope in
          ScopeRecords(
            scope: conversion.scope(scope.scope), records: scope.logRecords.compactMap { conversion.logRecord($0) }, schemaURL: scope.schemaURL)
        }, schemaURL: group.schemaURL)
    }
    return Received(batch: TelemetryBatch(resources: groups), report: conversion.context.report)
  }

  static func message<Request: SwiftProtobuf.Message>(_ bytes: UnsafeRawBufferPointer, _ limits: OTLPLimits) throws(OTLPError) -> Request {
    var options = BinaryDecodingOptions()
    options.messageDepthLimit = limits.depthMax
    options.discardUnknownFields = true
    do {
      return try Request(serializedBytes: Array(bytes), options: options)
    } catch {
      throw OTLPError(.malformed, "not the protobuf message \(Request.protoMessageName): \(error)")
    }
  }
}

/// Generated messages into the model, one function for each kind; counts what it rejects or leaves out.
struct ProtobufConversion {
  var context: IngestContext

  mutating func resource(_ message: PB.Resource) -> Resource {
    var found = Resource(droppedAttributes: message.droppedAttributesCount)
    found.attributes = attributes(message.attributes, &found.droppedAttributes)
    return found
  }

  mutating func scope(_ message: PB.Scope) -> InstrumentationScope {
    var found = InstrumentationScope(name: message.name, version: message.version, droppedAttributes: message.droppedAttributesCount)
    found.attributes = attributes(message.attributes, &found.droppedAttributes)
    return found
  }

  mutating func attributes(_ messages: [PB.KeyValue], _ dropped: inout UInt32) -> [Attribute] {
    let over = messages.count - context.limits.attributesMax
    if over > 0 {
      dropped &+= UInt32(truncatingIfNeeded: over)
      context.report.droppedAttributes += over
    }
    return messages.prefix(context.limits.attributesMax).map { Attribute(known($0.key), value($0.value)) }
  }

  /// The same string as last time, if it is one that comes again and again.
  private func known(_ text: String) -> String {
    var text = text
    return text.withUTF8 { utf8 in utf8.baseAddress.flatMap { context.strings.string($0, utf8.count) } ?? "" }
  }

  func value(_ message: PB.AnyValue) -> AttributeValue {
    switch message.value {
    case .stringValue(let text): .string(known(text))
    case .boolValue(let flag): .bool(flag)
    case .intValue(let number): .int(number)
    case .doubleValue(let number): .double(number)
    case .arrayValue(let list): .array(list.values.map(value))
    case .kvlistValue(let list): .map(list.values.map { Attribute(known($0.key), value($0.value)) })
    case .bytesValue(let data): .bytes([UInt8](data))
    // An index into a profile's table of strings has no meaning here.
    case .stringValueStrindex, nil: .empty
    }
  }

  /// nil: neither 16 bytes nor none.
  func traceID(_ data: Data) -> TraceID? {
    data.withUnsafeBytes { bytes in
      switch bytes.count {
      case 0: TraceID.none
      case 16: TraceID(high: Self.word(bytes, 0), low: Self.word(bytes, 8))
      default: nil
      }
    }
  }

  /// nil: neither 8 bytes nor none.
  func spanID(_ data: Data) -> SpanID? {
    data.withUnsafeBytes { bytes in
      switch bytes.count {
      case 0: SpanID.none
      case 8: SpanID(Self.word(bytes, 0))
      default: nil
      }
    }
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> UInt64 {
    UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
  }

  mutating func logRecord(_ message: PB.LogRecord) -> LogRecord? {
    var record = LogRecord(
      unixNano: message.timeUnixNano, observedUnixNano: message.observedTimeUnixNano,
      severity: LogSeverity(clamping: Int32(truncatingIfNeeded: message.severityNumber.rawValue)), severityText: message.severityText,
      eventName: message.eventName, body: value(message.body), droppedAttributes: message.droppedAttributesCount, flags: message.flags)
    record.attributes = attributes(message.attributes, &record.droppedAttributes)
    let trace = traceID(message.traceID), span = spanID(message.spanID)
    record.traceID = trace ?? .none
    record.spanID = span ?? .none
    return context.accept(record, idsAreWrong: trace == nil || span == nil)
  }
}
