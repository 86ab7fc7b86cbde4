// Spans as OTLP/protobuf. Fields are written in the order of their numbers, as SwiftProtobuf writes them.

extension WireWriter {
  mutating func batch(_ batch: TraceBatch) {
    for group in batch.resources {
      message(1, room: 4) { out in
        out.message(1) { out in
          out.attributes(1, group.resource.attributes)
          out.field(2, varint: UInt64(group.resource.droppedAttributes))
        }
        for scope in group.scopes {
          out.message(2, room: 4) { out in
            out.message(1) { out in
              out.field(1, scope.scope.name)
              out.field(2, scope.scope.version)
              out.attributes(3, scope.scope.attributes)
              out.field(4, varint: UInt64(scope.scope.droppedAttributes))
            }
            for span in scope.records { out.span(span) }
            out.field(3, scope.schemaURL)
          }
        }
        out.field(3, group.schemaURL)
      }
    }
  }

  private mutating func span(_ span: Span) {
    message(2, room: 2) { out in
      out.field(1, span.traceID)
      out.field(2, span.spanID)
      out.field(3, span.traceState)
      out.field(4, span.parentSpanID)
      out.field(5, span.name)
      out.field(6, varint: UInt64(span.kind.rawValue))
      out.field(7, fixed64: span.startUnixNano)
      out.field(8, fixed64: span.endUnixNano)
      out.attributes(9, span.attributes)
      out.field(10, varint: UInt64(span.droppedAttributes))
      for event in span.events {
        out.message(11) { out in
          out.field(1, fixed64: event.unixNano)
          out.field(2, event.name)
          out.attributes(3, event.attributes)
          out.field(4, varint: UInt64(event.droppedAttributes))
        }
      }
      out.field(12, varint: UInt64(span.droppedEvents))
      for link in span.links {
        out.message(13) { out in
          out.field(1, link.traceID)
          out.field(2, link.spanID)
          out.field(3, link.traceState)
          out.attributes(4, link.attributes)
          out.field(5, varint: UInt64(link.droppedAttributes))
          out.field(6, fixed32: link.flags)
        }
      }
      out.field(14, varint: UInt64(span.droppedLinks))
      if span.status != .unset {
        out.message(15) { out in
          out.field(2, span.status.message)
          out.field(3, varint: UInt64(span.status.code.rawValue))
        }
      }
      out.field(16, fixed32: span.flags)
    }
  }

  private mutating func attributes(_ field: UInt32, _ attributes: [Attribute]) {
    for attribute in attributes {
      message(field) { out in
        out.field(1, attribute.key)
        out.message(2) { $0.value(attribute.value) }
      }
    }
  }

  private mutating func value(_ value: AttributeValue) {
    switch value {
    case .empty: break
    case .string(let text): member(1, text)
    case .bool(let flag): member(2, varint: flag ? 1 : 0)
    case .int(let number): member(3, varint: UInt64(bitPattern: number))
    case .double(let number): member(4, fixed64: number.bitPattern)
    case .array(let values):
      message(5) { out in
        for value in values { out.message(1) { $0.value(value) } }
      }
    case .map(let values): message(6) { $0.attributes(1, values) }
    case .bytes(let data): member(7, data)
    }
  }
}
