// Counts what a request of metrics or logs asks for, before SwiftProtobuf takes memory for it: an empty attribute is two bytes
// on the wire and a hundred in memory. Walks the messages by this table of who contains whom, and judges depth and number.

struct ProtobufCensus {
  enum Message {
    case metricsRequest, resourceMetrics, scopeMetrics, metric, exemplar
    case numberList, histogramList, exponentialList, summaryList
    case numberPoint, histogramPoint, exponentialPoint, summaryPoint, buckets, quantile
    case logsRequest, resourceLogs, scopeLogs, logRecord
    case resource, scope, keyValue, anyValue, valueList, keyValueList, entity
  }

  enum Child {
    case message(Message)
    case record(Message)
    /// Numbers one after the other, each of at least so many bytes.
    case packed(bytesMin: Int)
    /// A repeated text.
    case text
  }

  private var wire: WireReader

  static func check(_ bytes: UnsafeRawBufferPointer, _ root: Message, _ context: IngestContext) throws(OTLPError) {
    var census = ProtobufCensus(wire: WireReader(bytes, context: context))
    try census.walk(root)
  }

  private mutating func walk(_ message: Message) throws(OTLPError) {
    while let tag = try wire.nextTag() {
      guard let child = Self.child(of: message, tag.field) else { try wire.skip(tag); continue }
      guard tag.type == WireReader.Tag.length else {
        try wire.context.take()
        try wire.skip(tag)
        continue
      }
      switch child {
      case .text:
        try wire.context.take()
        try wire.skip(tag)
      case .packed(let bytesMin): try wire.context.take(try wire.slice().count / bytesMin)
      case .record(let inner):
        try wire.context.takeRecord()
        try descend(inner)
      case .message(let inner):
        try wire.context.take()
        try descend(inner)
      }
    }
  }

  private mutating func descend(_ message: Message) throws(OTLPError) {
    let outer = try wire.enter()
    try walk(message)
    wire.leave(outer)
  }

  /// What stands in a field that repeats or nests; nil for single numbers and texts, which cost no more than their bytes.
  private static func child(of message: Message, _ field: UInt32) -> Child? {
    switch (message, field) {
    case (.metricsRequest, 1): .message(.resourceMetrics)
    case (.resourceMetrics, 1), (.resourceLogs, 1): .message(.resource)
    case (.resourceMetrics, 2): .message(.scopeMetrics)
    case (.scopeMetrics, 1), (.scopeLogs, 1): .message(.scope)
    case (.scopeMetrics, 2): .record(.metric)
    case (.metric, 5), (.metric, 7): .message(.numberList)
    case (.metric, 9): .message(.histogramList)
    case (.metric, 10): .message(.exponentialList)
    case (.metric, 11): .message(.summaryList)
    case (.numberList, 1): .message(.numberPoint)
    case (.histogramList, 1): .message(.histogramPoint)
    case (.exponentialList, 1): .message(.exponentialPoint)
    case (.summaryList, 1): .message(.summaryPoint)
    case (.metric, 12), (.numberPoint, 7), (.histogramPoint, 9), (.exponentialPoint, 1), (.summaryPoint, 7): .message(.keyValue)
    case (.numberPoint, 5), (.histogramPoint, 8), (.exponentialPoint, 11): .message(.exemplar)
    case (.histogramPoint, 6), (.histogramPoint, 7): .packed(bytesMin: 8)
    case (.exponentialPoint, 8), (.exponentialPoint, 9): .message(.buckets)
    case (.buckets, 2): .packed(bytesMin: 1)
    case (.summaryPoint, 6): .message(.quantile)
    case (.logsRequest, 1): .message(.resourceLogs)
    case (.resourceLogs, 2): .message(.scopeLogs)
    case (.scopeLogs, 2): .record(.logRecord)
    case (.logRecord, 5): .message(.anyValue)
    case (.logRecord, 6): .message(.keyValue)
    case (.resource, 1), (.scope, 3), (.exemplar, 7), (.keyValueList, 1): .message(.keyValue)
    case (.resource, 3): .message(.entity)
    case (.entity, 3), (.entity, 4): .text
    case (.keyValue, 2), (.valueList, 1): .message(.anyValue)
    case (.anyValue, 5): .message(.valueList)
    case (.anyValue, 6): .message(.keyValueList)
    default: nil
    }
  }
}
