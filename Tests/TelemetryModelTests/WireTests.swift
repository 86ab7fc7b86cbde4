import SwiftProtobuf
import Testing

@testable import TelemetryModel

/// Our reader and writer of spans against SwiftProtobuf, which knows nothing of them.
@Suite struct WireTests {
  /// The model of a request as SwiftProtobuf reads it; ids are taken as they are.
  private func reference(_ bytes: [UInt8]) throws -> (batch: TraceBatch, rejected: Int) {
    var options = BinaryDecodingOptions()
    options.messageDepthLimit = OTLPLimits.standard.depthMax
    let request = try PB.TraceRequest(serializedBytes: bytes, options: options)
    var conversion = ProtobufConversion(context: IngestContext(limits: .standard, strings: StringTable()))
    var rejected = 0
    var batch = TraceBatch()
    for group in request.resourceSpans {
      var out = ResourceRecords<Span>(resource: conversion.resource(group.resource), schemaURL: group.schemaURL)
      for scope in group.scopeSpans {
        var records = ScopeRecords<Span>(scope: conversion.scope(scope.scope), schemaURL: scope.schemaURL)
        for message in scope.spans {
          if let span = span(message, &conversion) { records.records.append(span) } else { rejected += 1 }
        }
        out.scopes.append(records)
      }
      batch.resources.append(out)
    }
    return (batch, rejected)
  }

  private func span(_ message: PB.Span, _ conversion: inout ProtobufConversion) -> Span? {
    guard let trace = conversion.traceID(message.traceID), let id = conversion.spanID(message.spanID),
      let parent = conversion.spanID(message.parentSpanID), !trace.isNone, !id.isNone
    else { return nil }
    var out = Span(
      traceID: trace, spanID: id, parentSpanID: parent, name: message.name,
      kind: SpanKind(rawValue: UInt8(clamping: message.kind.rawValue)) ?? .unspecified, startUnixNano: message.startTimeUnixNano,
      endUnixNano: message.endTimeUnixNano,
      status: SpanStatus(SpanStatus.Code(rawValue: UInt8(clamping: message.status.code.rawValue)) ?? .unset, message: message.status.message),
      traceState: message.traceState, flags: message.flags)
    out.droppedAttributes = message.droppedAttributesCount
    out.droppedEvents = message.droppedEventsCount
    out.droppedLinks = message.droppedLinksCount
    out.attributes = conversion.attributes(message.attributes, &out.droppedAttributes)
    for event in message.events {
      var one = SpanEvent(unixNano: event.timeUnixNano, name: event.name, droppedAttributes: event.droppedAttributesCount)
      one.attributes = conversion.attributes(event.attributes, &one.droppedAttributes)
      out.events.append(one)
    }
    for link in message.links {
      guard let trace = conversion.traceID(link.traceID), let id = conversion.spanID(link.spanID) else {
        out.droppedLinks &+= 1
        continue
      }
      var one = SpanLink(
        traceID: trace, spanID: id, traceState: link.traceState, droppedAttributes: link.droppedAttributesCount, flags: link.flags)
      one.attributes = conversion.attributes(link.attributes, &one.droppedAttributes)
      out.links.append(one)
    }
    return out
  }

  @Test("200 random batches: SwiftProtobuf reads what we write, we read what it writes, and the bytes are the same")
  func bothWays() throws {
    for seed in 1...200 {
      var random = RandomTelemetry(seed: UInt64(seed))
      let batch = random.batch { $0.span() }
      let ours = batch.encoded(as: .protobuf)
      #expect(try reference(ours).batch == batch, "seed \(seed)")
      let theirs: [UInt8] = try PB.TraceRequest(serializedBytes: ours).serializedBytes()
      #expect(theirs == ours, "seed \(seed)")
      #expect(try OTLPDecoder().traces(theirs, as: .protobuf).batch == batch, "seed \(seed)")
    }
  }

  @Test("2,000 damaged requests: we refuse when SwiftProtobuf refuses, and read the same otherwise")
  func damaged() throws {
    let whole = try OTLPDecoder().traces(ExampleFile.traces.bytes, as: .json).batch.encoded(as: .protobuf)
    var random = RandomTelemetry(seed: 7)
    var taken = 0
    var refused = 0
    for turn in 0..<2_000 {
      var bytes = whole
      for _ in 0...random.below(2) {
        switch random.below(4) {
        case 0: bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
        case 2: bytes.remove(at: random.below(bytes.count))
        default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: random.below(bytes.count))
        }
      }
      let theirs = try? reference(bytes)
      do {
        let ours = try OTLPDecoder().traces(bytes, as: .protobuf)
        #expect(theirs?.batch == ours.batch, "turn \(turn)")
        #expect(theirs?.rejected == ours.report.rejectedIDs)
        taken += 1
      } catch {
        // Groups are proto2; SwiftProtobuf reads over them, we refuse them.
        #expect(theirs == nil || error.message.contains("wire type"), "turn \(turn): \(error)")
        refused += 1
      }
    }
    #expect(taken > 200 && refused > 200)
  }

  @Test("a message that comes in two parts is one message")
  func parts() throws {
    func message(_ field: UInt8, _ body: [UInt8]) -> [UInt8] { WireBytes.message(field, body) }
    let attribute = message(1, Array("k".utf8)) + message(2, [0x18, 7])
    let resource = message(1, message(1, message(1, attribute)) + message(1, message(1, attribute)))
    let list = message(5, message(1, [0x18, 1])), map = message(6, message(1, attribute))
    let status = message(15, message(2, Array("m".utf8))) + message(15, [0x18, 2])
    for (request, check) in [
      (resource, { $0.resources[0].resource.attributes.count == 2 }),
      (WireBytes.request(span: message(9, message(2, list + list))), { $0.records[0].attributes[0].value == .array([1, 1]) }),
      (
        WireBytes.request(span: message(9, message(2, map) + message(2, map))),
        { $0.records[0].attributes[0].value == .map([Attribute("k", 7), Attribute("k", 7)]) }
      ),
      (WireBytes.request(span: message(9, message(2, map + list))), { $0.records[0].attributes[0].value == .array([1]) }),
      (WireBytes.request(span: status), { $0.records[0].status == .error("m") }),
    ] as [([UInt8], (TraceBatch) -> Bool)] {
      let batch = try OTLPDecoder().traces(request, as: .protobuf).batch
      #expect(try batch == reference(request).batch && check(batch))
    }
  }

  @Test("2,000 damaged requests of metrics and logs are read or refused, never more")
  func damagedMetricsAndLogs() throws {
    let metrics = try OTLPDecoder().metrics(ExampleFile.metrics.bytes, as: .json).batch.encoded(as: .protobuf)
    let logs = try OTLPDecoder().logs(ExampleFile.logs.bytes, as: .json).batch.encoded(as: .protobuf)
    var random = RandomTelemetry(seed: 8)
    var counts = [0, 0]
    for turn in 0..<2_000 {
      var bytes = turn % 2 == 0 ? metrics : logs
      bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      do {
        if turn % 2 == 0 {
          let batch = try OTLPDecoder().metrics(bytes, as: .protobuf).batch
          // What was taken can be said again.
          let again = try OTLPDecoder().metrics(batch.encoded(as: .protobuf), as: .protobuf).batch
          #expect(again.encoded(as: .protobuf) == batch.encoded(as: .protobuf))
        } else {
          _ = try OTLPDecoder().logs(bytes, as: .protobuf)
        }
        counts[0] += 1
      } catch {
        counts[1] += 1
      }
    }
    #expect(counts[0] > 200 && counts[1] > 200)
  }
}
