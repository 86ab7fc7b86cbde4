// OTLP/protobuf into the model: resources, scopes and attributes. A field is told by number and wire type together, as
// `number << 3 | type`; one with another wire type than its own is unknown, and skipped like every unknown field.

extension WireReader.Tag {
  @inline(__always) static func length(_ field: UInt32) -> UInt32 { field << 3 | length }
  @inline(__always) static func varint(_ field: UInt32) -> UInt32 { field << 3 | varint }
  @inline(__always) static func fixed64(_ field: UInt32) -> UInt32 { field << 3 | fixed64 }
  @inline(__always) static func fixed32(_ field: UInt32) -> UInt32 { field << 3 | fixed32 }
}

extension WireReader {
  typealias T = Tag

  mutating func resource(_ found: inout Resource) throws(OTLPError) {
    var over: UInt32 = 0
    let outer = try enter()
    while let tag = try nextTag() {
      switch tag.raw {
      case T.length(1): over &+= try attribute(into: &found.attributes)
      case T.varint(2): found.droppedAttributes = UInt32(truncatingIfNeeded: try varint())
      default: try skip(tag)
      }
    }
    leave(outer)
    found.droppedAttributes &+= over
  }

  mutating func scope(_ found: inout InstrumentationScope) throws(OTLPError) {
    var over: UInt32 = 0
    let outer = try enter()
    while let tag = try nextTag() {
      switch tag.raw {
      case T.length(1): found.name = try string()
      case T.length(2): found.version = try string()
      case T.length(3): over &+= try attribute(into: &found.attributes)
      case T.varint(4): found.droppedAttributes = UInt32(truncatingIfNeeded: try varint())
      default: try skip(tag)
      }
    }
    leave(outer)
    found.droppedAttributes &+= over
  }

  /// Appends one attribute, or leaves it out when the limit is reached. Returns 1 for one that was left out.
  @inline(__always)
  mutating func attribute(into found: inout [Attribute]) throws(OTLPError) -> UInt32 {
    try context.take()
    if found.count >= context.limits.attributesMax {
      _ = try slice()
      context.report.droppedAttributes += 1
      return 1
    }
    if found.isEmpty { found.reserveCapacity(8) }
    found.append(try keyValue())
    return 0
  }

  private mutating func keyValue() throws(OTLPError) -> Attribute {
    let outer = try enter()
    var key = ""
    var value = AttributeValue.empty
    while let tag = try nextTag() {
      switch tag.raw {
      case T.length(1): key = try string()
      case T.length(2): try attributeValue(&value)
      default: try skip(tag)
      }
    }
    leave(outer)
    return Attribute(key, value)
  }

  /// An `AnyValue`. Of several set fields the last one counts; a list or map that comes in parts is joined, as protobuf says.
  private mutating func attributeValue(_ value: inout AttributeValue) throws(OTLPError) {
    let outer = try enter()
    while let tag = try nextTag() {
      switch tag.raw {
      case T.length(1): value = .string(try string())
      case T.varint(2): value = .bool(try varint() != 0)
      case T.varint(3): value = .int(Int64(bitPattern: try varint()))
      case T.fixed64(4): value = .double(Double(bitPattern: try fixed64()))
      case T.length(5):
        var values: [AttributeValue] = []
        if case .array(let before) = value { values = before }
        try valueList(&values)
        value = .array(values)
      case T.length(6):
        var values: [Attribute] = []
        if case .map(let before) = value { values = before }
        try valueMap(&values)
        value = .map(values)
      case T.length(7): value = .bytes(Array(try slice()))
      // An index into a profile's table of strings: set, and without meaning here.
      case T.varint(8):
        _ = try varint()
        value = .empty
      default: try skip(tag)
      }
    }
    leave(outer)
  }

  private mutating func valueList(_ values: inout [AttributeValue]) throws(OTLPError) {
    let outer = try enter()
    while let tag = try nextTag() {
      guard tag.raw == T.length(1) else { try skip(tag); continue }
      try context.take()
      var value = AttributeValue.empty
      try attributeValue(&value)
      values.append(value)
    }
    leave(outer)
  }

  private mutating func valueMap(_ values: inout [Attribute]) throws(OTLPError) {
    let outer = try enter()
    while let tag = try nextTag() {
      guard tag.raw == T.length(1) else { try skip(tag); continue }
      try context.take()
      values.append(try keyValue())
    }
    leave(outer)
  }

  // MARK: Ids

  /// nil: neither 16 bytes nor none.
  @inline(__always)
  mutating func traceID() throws(OTLPError) -> TraceID? {
    let found = try slice()
    if found.count == 16 {
      return TraceID(
        high: UInt64(bigEndian: found.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
        low: UInt64(bigEndian: found.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
    return found.count == 0 ? TraceID.none : nil
  }

  /// nil: neither 8 bytes nor none.
  @inline(__always)
  mutating func spanID() throws(OTLPError) -> SpanID? {
    let found = try slice()
    if found.count == 8 { return SpanID(UInt64(bigEndian: found.loadUnaligned(fromByteOffset: 0, as: UInt64.self))) }
    return found.count == 0 ? SpanID.none : nil
  }
}
