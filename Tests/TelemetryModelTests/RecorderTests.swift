import Testing

@testable import TelemetryModel

@Suite struct RecorderTests {
  private func recording(_ change: (inout SpanRecording.Options) -> Void = { _ in }) -> SpanRecording {
    var options = SpanRecording.Options()
    options.spansMax = 8
    change(&options)
    return SpanRecording(options)
  }

  private func drained(_ recording: SpanRecording) -> [Span] {
    var spans: [Span] = []
    recording.drain(into: &spans)
    return spans
  }

  @Test("everything that is recorded comes out, in the order in which spans ended")
  func everything() throws {
    let recording = recording()
    let recorder = recording.recorder
    let route = recording.text("/checkout/\(1 + 1)")
    let outer = recorder.start("GET", kind: .server, at: 100)
    let inner = recorder.start("SELECT", kind: .client, parent: outer.parent, at: 110)
    recorder.set(outer, "http.route", route)
    recorder.set(outer, "http.response.status_code", 500)
    recorder.set(outer, "load", 0.25)
    recorder.set(outer, "retried", true)
    recorder.set(inner, "db.query.text", copying: "SELECT züge FROM \(route.count)")
    recorder.set(inner, "empty", copying: "")
    recorder.event(outer, "exception", at: 150)
    recorder.setOnEvent(outer, "exception.type", "Timeout")
    recorder.link(outer, to: inner.parent)
    recorder.setStatus(outer, .error, message: "too late")
    recorder.end(inner, at: 140)
    recorder.end(outer, at: 160)
    let spans = drained(recording)
    #expect(spans.map(\.name) == ["SELECT", "GET"])
    let child = spans[0], root = spans[1]
    #expect(root.isRoot && root.traceID == child.traceID && child.parentSpanID == root.spanID && root.spanID != child.spanID)
    #expect((root.startUnixNano, root.endUnixNano, child.startUnixNano, child.endUnixNano) == (100, 160, 110, 140))
    #expect(root.kind == .server && child.kind == .client && root.flags == 3 && root.traceState.isEmpty)
    #expect(
      root.attributes == [
        Attribute("http.route", "/checkout/2"), Attribute("http.response.status_code", 500), Attribute("load", 0.25), Attribute("retried", true),
      ])
    #expect(child.attributes == [Attribute("db.query.text", "SELECT züge FROM 11"), Attribute("empty", "")])
    #expect(root.events == [SpanEvent(unixNano: 150, name: "exception", attributes: [Attribute("exception.type", "Timeout")])])
    #expect(root.links == [SpanLink(traceID: root.traceID, spanID: child.spanID, flags: 3)] && root.status == .error("too late"))
    #expect(recording.counts == SpanRecording.Counts(ended: 2, dropped: 0))
    // And so through OTLP.
    let batch = TraceBatch(resource: Resource(attributes: [Attribute("service.name", "lab")]), records: spans)
    #expect(try OTLPDecoder().traces(batch.encoded(as: .protobuf), as: .protobuf).batch == batch)
  }

  @Test("off records nothing and gives nothing to send on")
  func off() {
    let recorder = SpanRecorder.off
    let span = recorder.start("GET", kind: .server, at: 1)
    recorder.set(span, "a", 1)
    recorder.set(span, "b", copying: "text")
    recorder.end(span, at: 2)
    #expect(!recorder.isOn && !span.isRecorded && span.parent.isNone)
  }

  @Test("memory is bounded: a span without a slot is dropped, counted, and still has ids to send on")
  func bounded() {
    let recording = recording()
    let recorder = recording.recorder
    for turn in 1...3 {
      let spans = (0..<10).map { recorder.start("s", kind: .internal, at: UInt64($0)) }
      #expect(spans.map(\.isRecorded) == [Bool](repeating: true, count: 8) + [false, false] && spans.allSatisfy { !$0.parent.isNone })
      for span in spans { recorder.end(span, at: 20) }
      #expect(recording.counts == SpanRecording.Counts(ended: 8 * turn, dropped: 2 * turn))
      var out: [Span] = []
      #expect(recording.drain(into: &out, max: 3) == 3 && recording.drain(into: &out) == 5 && recording.drain(into: &out) == 0)
      #expect(out.map(\.startUnixNano) == [0, 1, 2, 3, 4, 5, 6, 7])
    }
    #expect(recording.memoryBytes < 16 * 1024)
  }

  @Test("what does not fit into a span is dropped and counted in it")
  func slots() {
    let recording = recording {
      $0.attributesMax = 3
      $0.eventsMax = 1
      $0.linksMax = 1
      $0.textBytesMax = 10
    }
    let recorder = recording.recorder
    let span = recorder.start("s", kind: .internal, at: 0)
    recorder.set(span, "a", copying: "12345678")
    recorder.set(span, "too long", copying: "123")
    recorder.set(span, "b", copying: "12")
    for i in 0..<2 {
      recorder.event(span, "e", at: UInt64(i))
      recorder.setOnEvent(span, "of event", "x")
      recorder.link(span, to: span.parent)
    }
    recorder.set(span, "c", 1)
    recorder.end(span, at: 1)
    let out = drained(recording)[0]
    #expect(out.attributes == [Attribute("a", "12345678"), Attribute("b", "12")] && out.droppedAttributes == 2)
    #expect(out.events == [SpanEvent(unixNano: 0, name: "e", attributes: [Attribute("of event", "x")])] && out.droppedEvents == 1)
    #expect(out.links.count == 1 && out.droppedLinks == 1)
  }

  @Test("a span that has ended takes nothing more, also when its slot belongs to another one")
  func ended() {
    let recording = recording { $0.spansMax = 1 }
    let recorder = recording.recorder
    let first = recorder.start("first", kind: .internal, at: 0)
    recorder.end(first, at: 1)
    recorder.end(first, at: 9)
    recorder.set(first, "late", 1)
    let out = drained(recording)
    #expect(out.count == 1 && out[0].endUnixNano == 1 && out[0].attributes.isEmpty && recording.counts.ended == 1)
    let second = recorder.start("second", kind: .internal, at: 2)
    recorder.set(first, "late", 1)
    recorder.end(first, at: 9)
    recorder.end(second, at: 3)
    let ids = second.parent
    let expected = Span(
      traceID: ids.traceID, spanID: ids.spanID, name: "second", kind: .internal, startUnixNano: 2, endUnixNano: 3, flags: 3)
    #expect(drained(recording) == [expected])
  }

  @Test("roots are sampled by the threshold, children as their parent, and the threshold travels")
  func sampling() throws {
    let quarter = try #require(SamplingThreshold(probability: 0.25))
    let recording = recording {
      $0.spansMax = 4096
      $0.sampling = quarter
    }
    let recorder = recording.recorder
    var kept = 0
    for _ in 0..<1000 {
      let root = recorder.start("r", kind: .server, at: 0)
      let child = recorder.start("c", kind: .client, parent: root.parent, at: 0)
      #expect(root.isRecorded == quarter.keeps(root.parent.traceID.randomness) && child.isRecorded == root.isRecorded)
      #expect(root.parent.flags.contains(.sampled) == root.isRecorded && root.parent.flags.contains(.random))
      kept += root.isRecorded ? 1 : 0
      recorder.end(child, at: 1)
      recorder.end(root, at: 1)
      #expect(root.parent.context.traceState.text == (root.isRecorded ? "ot=th:c" : ""))
    }
    let spans = drained(recording)
    #expect(spans.count == 2 * kept && spans.allSatisfy { $0.adjustedCount == 4 } && abs(Double(kept) - 250) < 3.3 * 13.7)
    // A caller's decision goes before the threshold, with the caller's own.
    let caller = SpanContext(
      traceID: TraceID(high: 1, low: 1), spanID: SpanID(7), flags: [.sampled], traceState: try #require(TraceState("ot=th:8,x=1")))
    let server = recorder.start("s", kind: .server, parent: TraceParent(caller), at: 0)
    recorder.end(server, at: 1)
    let out = drained(recording)[0]
    #expect(out.traceID == caller.traceID && out.parentSpanID == caller.spanID && out.traceState == "ot=th:8" && out.flags == 1)
    let unsampled = recorder.start("s", kind: .server, parent: TraceParent(SpanContext(traceID: TraceID(high: 1, low: 1), spanID: SpanID(7))), at: 0)
    #expect(!unsampled.isRecorded && unsampled.parent.traceID == caller.traceID && unsampled.parent.context.traceparent.hasSuffix("-00"))
    let none = self.recording { $0.sampling = nil }
    #expect(!none.recorder.start("s", kind: .server, at: 0).isRecorded)
  }

  @Test("a loop records while another thread drains: nothing is lost, torn or counted twice")
  func twoThreads() async {
    let recording = recording { $0.spansMax = 64 }
    let total = 50_000
    let writer = Task.detached {
      let recorder = recording.recorder
      for i in 0..<total {
        let span = recorder.start("s", kind: .internal, at: UInt64(i))
        recorder.set(span, "i", i)
        recorder.set(span, "text", copying: "number \(i)")
        recorder.end(span, at: UInt64(i) + 1)
        if i % 64 == 0 { await Task.yield() }
      }
    }
    let reader = Task.detached {
      var seen = 0
      var last: UInt64?
      while true {
        var out: [Span] = []
        recording.drain(into: &out)
        for span in out {
          let i = span.startUnixNano
          guard last.map({ i > $0 }) ?? true, span.endUnixNano == i + 1, span.attributes["i"] == .int(Int64(i)),
            span.attributes["text"] == .string("number \(i)")
          else { return -1 }
          last = i
        }
        seen += out.count
        if seen + recording.counts.dropped >= total { return seen }
        await Task.yield()
      }
    }
    await writer.value
    let seen = await reader.value
    #expect(seen > 0 && seen + recording.counts.dropped == total && recording.counts.ended == seen)
  }

  @Test("ids come from the seed: the same ones again, others from another stream, never zero or twice")
  func ids() {
    var a = IDGenerator(seed: 1), b = IDGenerator(seed: 1), c = IDGenerator(seed: 1, stream: 1)
    var seen: Set<SpanID> = []
    for _ in 0..<10_000 {
      let id = a.spanID()
      #expect(id == b.spanID() && id != c.spanID() && !id.isNone && seen.insert(id).inserted)
    }
  }
}
