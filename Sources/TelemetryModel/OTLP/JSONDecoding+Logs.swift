// Log records of OTLP/JSON.

extension JSONReader {
  mutating func logRecord() throws(OTLPError) -> LogRecord? {
    var record = LogRecord(unixNano: 0)
    var idsAreWrong = false
    var over: UInt32 = 0
    try beginObject()
    while let key = try nextKey() {
      if key == "timeUnixNano" {
        record.unixNano = try integer()
      } else if key == "observedTimeUnixNano" {
        record.observedUnixNano = try integer()
      } else if key == "severityNumber" {
        record.severity = LogSeverity(clamping: try integer())
      } else if key == "severityText" {
        record.severityText = try string()
      } else if key == "body" {
        record.body = try attributeValue()
      } else if key == "attributes" {
        over &+= try attributes(into: &record.attributes)
      } else if key == "droppedAttributesCount" {
        record.droppedAttributes = try integer()
      } else if key == "flags" {
        record.flags = try integer()
      } else if key == "traceId" {
        if let id = try traceID() { record.traceID = id } else { idsAreWrong = true }
      } else if key == "spanId" {
        if let id = try spanID() { record.spanID = id } else { idsAreWrong = true }
      } else if key == "eventName" {
        record.eventName = try string()
      } else {
        try skip()
      }
    }
    record.droppedAttributes &+= over
    return context.accept(record, idsAreWrong: idsAreWrong)
  }
}

extension LogSeverity {
  /// A number outside 1…24 says nothing.
  init(clamping number: Int32) { self.init((1...24).contains(number) ? UInt8(number) : 0) }
}

extension IngestContext {
  /// The record, counted. A record may have no ids at all; one with ids of a wrong length is rejected.
  mutating func accept(_ record: LogRecord, idsAreWrong: Bool) -> LogRecord? {
    if idsAreWrong {
      report.rejectedIDs += 1
      return nil
    }
    report.accepted += 1
    return record
  }
}
