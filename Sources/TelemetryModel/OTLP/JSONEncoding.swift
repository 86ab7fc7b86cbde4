// The model as OTLP/JSON: ids in lower-case hexadecimal, 64-bit integers in quotes, enums as integers, bytes as base64.

extension JSONWriter {
  mutating func batch<Record>(_ batch: TelemetryBatch<Record>, _ names: OTLPFieldNames, _ record: (inout JSONWriter, Record) -> Void) {
    object { json in
      json.list(names.resources, batch.resources) { json, group in
        json.object { json in
          json.key("resource")
          json.object { json in
            json.attributes("attributes", group.resource.attributes)
            json.field("droppedAttributesCount", group.resource.droppedAttributes)
          }
          json.list(names.scopes, group.scopes) { json, scope in
            json.object { json in
              json.key("scope")
              json.object { json in
                json.field("name", scope.scope.name)
                json.field("version", scope.scope.version)
                json.attributes("attributes", scope.scope.attributes)
                json.field("droppedAttributesCount", scope.scope.droppedAttributes)
              }
              json.list(names.records, scope.records, record)
              json.field("schemaUrl", scope.schemaURL)
            }
          }
          json.field("schemaUrl", group.schemaURL)
        }
      }
    }
  }

  mutating func attributes(_ name: StaticString, _ attributes: [Attribute]) {
    list(name, attributes) { json, attribute in json.attribute(attribute) }
  }

  private mutating func attribute(_ attribute: Attribute) {
    object { json in
      json.key("key")
      json.string(attribute.key)
      json.key("value")
      json.value(attribute.value)
    }
  }

  /// Of a oneof, the default is written too: it says which of them is set.
  mutating func value(_ value: AttributeValue) {
    object { json in
      switch value {
      case .empty: break
      case .string(let text):
        json.key("stringValue")
        json.string(text)
      case .bool(let flag):
        json.key("boolValue")
        json.bool(flag)
      case .int(let number):
        json.key("intValue")
        json.quoted(number)
      case .double(let number):
        json.key("doubleValue")
        json.double(number)
      case .bytes(let bytes):
        json.key("bytesValue")
        json.base64(bytes)
      case .array(let values):
        json.key("arrayValue")
        json.object { $0.list("values", values) { json, value in json.value(value) } }
      case .map(let values):
        json.key("kvlistValue")
        json.object { $0.attributes("values", values) }
      }
    }
  }

  mutating func span(_ span: Span) {
    object { json in
      json.field("traceId", span.traceID)
      json.field("spanId", span.spanID)
      json.field("traceState", span.traceState)
      json.field("parentSpanId", span.parentSpanID)
      json.field("flags", span.flags)
      json.field("name", span.name)
      json.field("kind", UInt32(span.kind.rawValue))
      json.field("startTimeUnixNano", span.startUnixNano)
      json.field("endTimeUnixNano", span.endUnixNano)
      json.attributes("attributes", span.attributes)
      json.field("droppedAttributesCount", span.droppedAttributes)
      json.list("events", span.events) { json, event in json.event(event) }
      json.field("droppedEventsCount", span.droppedEvents)
      json.list("links", span.links) { json, link in json.link(link) }
      json.field("droppedLinksCount", span.droppedLinks)
      if span.status != .unset {
        json.key("status")
        json.object { json in
          json.field("message", span.status.message)
          json.field("code", UInt32(span.status.code.rawValue))
        }
      }
    }
  }

  private mutating func event(_ event: SpanEvent) {
    object { json in
      json.field("timeUnixNano", event.unixNano)
      json.field("name", event.name)
      json.attributes("attributes", event.attributes)
      json.field("droppedAttributesCount", event.droppedAttributes)
    }
  }

  private mutating func link(_ link: SpanLink) {
    object { json in
      json.field("traceId", link.traceID)
      json.field("spanId", link.spanID)
      json.field("traceState", link.traceState)
      json.attributes("attributes", link.attributes)
      json.field("droppedAttributesCount", link.droppedAttributes)
      json.field("flags", link.flags)
    }
  }

  mutating func logRecord(_ record: LogRecord) {
    object { json in
      json.field("timeUnixNano", record.unixNano)
      json.field("observedTimeUnixNano", record.observedUnixNano)
      json.field("severityNumber", UInt32(record.severity.number))
      json.field("severityText", record.severityText)
      if record.body != .empty {
        json.key("body")
        json.value(record.body)
      }
      json.attributes("attributes", record.attributes)
      json.field("droppedAttributesCount", record.droppedAttributes)
      json.field("flags", record.flags)
      json.field("traceId", record.traceID)
      json.field("spanId", record.spanID)
      json.field("eventName", record.eventName)
    }
  }
}
