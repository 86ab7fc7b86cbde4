// OTLP/JSON into the model: what all three signals share. Fields that are not known here are skipped, as the specification
// asks of a receiver; `null` is an absent field; enums are integers.

/// The names of the three levels of a request.
struct OTLPFieldNames {
  var resources: StaticString
  var scopes: StaticString
  var records: StaticString

  static let traces = OTLPFieldNames(resources: "resourceSpans", scopes: "scopeSpans", records: "spans")
  static let metrics = OTLPFieldNames(resources: "resourceMetrics", scopes: "scopeMetrics", records: "metrics")
  static let logs = OTLPFieldNames(resources: "resourceLogs", scopes: "scopeLogs", records: "logRecords")
}

extension JSONReader {
  /// A whole request. `record` reads one record and says nil for one that is rejected, which it has then counted.
  mutating func batch<Record: TelemetryRecord>(
    _ names: OTLPFieldNames, _ record: (inout JSONReader) throws(OTLPError) -> Record?
  ) throws(OTLPError) -> TelemetryBatch<Record> {
    var batch = TelemetryBatch<Record>()
    try beginObject()
    while let key = try nextKey() {
      guard key == names.resources else { try skip(); continue }
      try list { json throws(OTLPError) in
        try json.context.take()
        batch.resources.append(try json.resourceRecords(names, record))
      }
    }
    try finish()
    return batch
  }

  private mutating func resourceRecords<Record: TelemetryRecord>(
    _ names: OTLPFieldNames, _ record: (inout JSONReader) throws(OTLPError) -> Record?
  ) throws(OTLPError) -> ResourceRecords<Record> {
    var found = ResourceRecords<Record>()
    try beginObject()
    while let key = try nextKey() {
      if key == "resource" {
        found.resource = try resource()
      } else if key == names.scopes {
        try list { json throws(OTLPError) in
          try json.context.take()
          found.scopes.append(try json.scopeRecords(names, record))
        }
      } else if key == "schemaUrl" {
        found.schemaURL = try string()
      } else {
        try skip()
      }
    }
    return found
  }

  private mutating func scopeRecords<Record: TelemetryRecord>(
    _ names: OTLPFieldNames, _ record: (inout JSONReader) throws(OTLPError) -> Record?
  ) throws(OTLPError) -> ScopeRecords<Record> {
    var found = ScopeRecords<Record>()
    try beginObject()
    while let key = try nextKey() {
      if key == "scope" {
        found.scope = try scope()
      } else if key == names.records {
        try list { json throws(OTLPError) in
          try json.context.takeRecord()
          if let one = try record(&json) { found.records.append(one) }
        }
      } else if key == "schemaUrl" {
        found.schemaURL = try string()
      } else {
        try skip()
      }
    }
    return found
  }

  /// Each element of an array; `null` is an empty one.
  @inline(__always)
  mutating func list(_ element: (inout JSONReader) throws(OTLPError) -> Void) throws(OTLPError) {
    if try null() { return }
    try beginArray()
    while try nextElement() { try element(&self) }
  }

  /// Each field of an object; `null` is one without fields.
  @inline(__always)
  mutating func fields(_ field: (inout JSONReader, JSONKey) throws(OTLPError) -> Void) throws(OTLPError) {
    if try null() { return }
    try beginObject()
    while let key = try nextKey() { try field(&self, key) }
  }

  private mutating func resource() throws(OTLPError) -> Resource {
    var found = Resource()
    var over: UInt32 = 0
    try fields { json, key throws(OTLPError) in
      if key == "attributes" {
        over &+= try json.attributes(into: &found.attributes)
      } else if key == "droppedAttributesCount" {
        found.droppedAttributes = try json.integer()
      } else {
        try json.skip()
      }
    }
    found.droppedAttributes &+= over
    return found
  }

  private mutating func scope() throws(OTLPError) -> InstrumentationScope {
    var found = InstrumentationScope()
    var over: UInt32 = 0
    try fields { json, key throws(OTLPError) in
      if key == "name" {
        found.name = try json.string()
      } else if key == "version" {
        found.version = try json.string()
      } else if key == "attributes" {
        over &+= try json.attributes(into: &found.attributes)
      } else if key == "droppedAttributesCount" {
        found.droppedAttributes = try json.integer()
      } else {
        try json.skip()
      }
    }
    found.droppedAttributes &+= over
    return found
  }

  // MARK: Attributes

  /// Appends a list of attributes. Returns how many were over the limit and left out; they are counted in the report too.
  mutating func attributes(into found: inout [Attribute]) throws(OTLPError) -> UInt32 {
    if try null() { return 0 }
    var over: UInt32 = 0
    try beginArray()
    while try nextElement() {
      try context.take()
      if found.count >= context.limits.attributesMax {
        try skip()
        over &+= 1
        continue
      }
      if found.isEmpty { found.reserveCapacity(8) }
      found.append(try attribute())
    }
    if over > 0 { context.report.droppedAttributes += Int(over) }
    return over
  }

  private mutating func attribute() throws(OTLPError) -> Attribute {
    var name = ""
    var value = AttributeValue.empty
    try beginObject()
    while let key = try nextKey() {
      if key == "key" { name = try string() } else if key == "value" { value = try attributeValue() } else { try skip() }
    }
    return Attribute(name, value)
  }

  /// An `AnyValue`: an object with one of seven fields, or none.
  mutating func attributeValue() throws(OTLPError) -> AttributeValue {
    var value = AttributeValue.empty
    if try null() { return value }
    try beginObject()
    while let key = try nextKey() {
      if key == "stringValue" {
        value = .string(try string())
      } else if key == "intValue" {
        value = .int(try integer())
      } else if key == "boolValue" {
        value = .bool(try bool())
      } else if key == "doubleValue" {
        value = .double(try double())
      } else if key == "arrayValue" {
        value = .array(try valueList())
      } else if key == "kvlistValue" {
        value = .map(try valueMap())
      } else if key == "bytesValue" {
        value = .bytes(try base64())
      } else {
        try skip()
      }
    }
    return value
  }

  private mutating func valueList() throws(OTLPError) -> [AttributeValue] {
    var values: [AttributeValue] = []
    try fields { json, key throws(OTLPError) in
      guard key == "values" else { return try json.skip() }
      try json.list { json throws(OTLPError) in
        try json.context.take()
        values.append(try json.attributeValue())
      }
    }
    return values
  }

  private mutating func valueMap() throws(OTLPError) -> [Attribute] {
    var values: [Attribute] = []
    try fields { json, key throws(OTLPError) in
      guard key == "values" else { return try json.skip() }
      try json.list { json throws(OTLPError) in
        try json.context.take()
        values.append(try json.attribute())
      }
    }
    return values
  }

  private mutating func base64() throws(OTLPError) -> [UInt8] {
    if try null() { return [] }
    let found = try stringBytes()
    let text = found.hasEscapes ? Array(try unescaped(found).utf8) : Array(UnsafeBufferPointer(start: bytes + found.start, count: found.count))
    guard let value = Base64.decode(text) else { throw OTLPError(.malformed, at: found.start, "bytes that are not base64") }
    return value
  }

  // MARK: Ids

  mutating func traceID() throws(OTLPError) -> TraceID? {
    let found = try hexID(digits: 32)
    return found.isWrong ? nil : TraceID(high: found.high, low: found.low)
  }

  mutating func spanID() throws(OTLPError) -> SpanID? {
    let found = try hexID(digits: 16)
    return found.isWrong ? nil : SpanID(found.low)
  }
}
