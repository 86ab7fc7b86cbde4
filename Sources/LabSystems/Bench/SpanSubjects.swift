import ExperimentModel
import Glibc
import TelemetryAdapters
import TelemetryModel
import Tracing

// What telemetry costs: an iteration begins a span, sets n attributes and ends it. All subjects are asked for the same values and fold them
// into the checksum, so nothing that is asked for can be left out, and recorded or not the work asked for is the same. That spans were
// indeed recorded is told by the recorder's own count: one that is missing ends the measurement with an error.

/// A `span…` subject; nil for another name.
///
/// - Throws: `LabError` for a number of attributes that a span has no room for.
func spanSubject(_ name: String, attributes: Int, place: String) throws -> (any BenchSubject)? {
  guard let kind = SpanSubjectKind(rawValue: name) else { return nil }
  guard (0...SpanContents.attributesMax).contains(attributes) else {
    throw LabError(
      place: place, cause: "a span has 0 to \(SpanContents.attributesMax) attributes here, not \(attributes)", remedy: "write `n: 6`")
  }
  return switch kind {
  case .off, .recorded, .exported: SpanSubject(kind, attributes: attributes, place: place)
  case .apiNoop, .api: SpanAPISubject(kind, attributes: attributes, place: place)
  }
}

enum SpanSubjectKind: String, CaseIterable {
  case off = "span-off"
  case recorded = "span"
  case exported = "span-exported"
  case apiNoop = "span-api-noop"
  case api = "span-api"
}

/// The attributes: text and number in turn, so that each two more are the same work, whatever the number.
enum SpanContents {
  static let attributesMax = 16
  static let batch = 512

  static let name: TelemetryText = "GET /product/{id}"
  static let keys: [TelemetryText] = [
    "http.request.method", "http.response.status_code", "http.route", "server.port", "url.scheme", "http.response.body.size", "server.address",
    "http.request.body.size", "network.protocol.version", "client.port", "url.path", "http.request.resend_count", "user_agent.name", "network.peer.port",
    "client.address", "network.local.port",
  ]
  static let texts: [TelemetryText] = ["GET", "/product/{id}", "http", "127.0.0.1", "1.1", "/product/1", "nb", "127.0.0.1"]
  // The same for the API, whose keys and texts are strings.
  static let nameString = "GET /product/{id}"
  static let keyStrings = [
    "http.request.method", "http.response.status_code", "http.route", "server.port", "url.scheme", "http.response.body.size", "server.address",
    "http.request.body.size", "network.protocol.version", "client.port", "url.path", "http.request.resend_count", "user_agent.name", "network.peer.port",
    "client.address", "network.local.port",
  ]
  static let textStrings = ["GET", "/product/{id}", "http", "127.0.0.1", "1.1", "/product/1", "nb", "127.0.0.1"]
  static let service = Resource(attributes: [Attribute("service.name", "bench")])

  /// Another one each time, and no sum that a compiler could know.
  @inline(__always)
  static func number(_ iteration: Int, _ attribute: Int) -> Int { (iteration &+ attribute) & 0xFFFF }

  static func missing(_ found: Int, _ count: Int, _ place: String) -> LabError {
    LabError(place: place, cause: "\(found) of \(count) spans were recorded", remedy: "this is a defect of the lab; please report it")
  }
}

/// `span-off`, `span` and `span-exported`: by the lab's own recorder.
final class SpanSubject: BenchSubject {
  private let kind: SpanSubjectKind
  private let attributes: Int
  private let place: String
  /// nil: off.
  private let recording: SpanRecording?
  private let recorder: SpanRecorder
  private let keys = SpanContents.keys
  private let texts = SpanContents.texts
  private var drained: [TelemetryModel.Span] = []

  init(_ kind: SpanSubjectKind, attributes: Int, place: String) {
    self.kind = kind
    self.attributes = attributes
    self.place = place
    recording = kind == .off ? nil : SpanRecording()
    recorder = recording?.recorder ?? .off
  }

  var note: String? {
    switch kind {
    case .recorded: "with two readings of the clock; ended spans are thrown away unread, \(SpanContents.batch) at a time"
    case .exported: "with two readings of the clock; drained and encoded as OTLP/protobuf, \(SpanContents.batch) spans a request, by the same thread; not sent"
    default: nil
    }
  }

  func run(_ count: Int) throws -> BenchTotals {
    let before = recording?.counts
    var sum = 0
    var bytes = 0
    for i in 0..<count {
      sum &+= span(i)
      if i & (SpanContents.batch - 1) == SpanContents.batch - 1 { bytes += export() }
    }
    bytes += export()
    if let before, let after = recording?.counts, after.ended - before.ended != count || after.dropped != before.dropped {
      throw SpanContents.missing(after.ended - before.ended, count, place)
    }
    return BenchTotals(checksum: UInt64(bitPattern: Int64(sum)), counts: kind == .exported ? [.init(name: "bytes", value: bytes)] : [])
  }

  /// Not inlined: in a loop that is known to record nothing a compiler would take all of it out.
  @inline(never)
  private func span(_ i: Int) -> Int {
    var sum = 1
    let span = recorder.start(SpanContents.name, kind: .server, at: time())
    for a in 0..<attributes {
      if a & 1 == 0 {
        let text = texts[a >> 1]
        recorder.set(span, keys[a], text)
        sum &+= a &+ 1
      } else {
        let number = SpanContents.number(i, a)
        recorder.set(span, keys[a], number)
        sum &+= number
      }
    }
    recorder.end(span, at: time())
    return sum
  }

  /// Nobody reads a clock for spans that are not recorded; the API does not either.
  @inline(__always)
  private func time() -> UInt64 { recorder.isOn ? DefaultTracerClock.now.nanosecondsSinceEpoch : 0 }

  private func export() -> Int {
    guard let recording else { return 0 }
    guard kind == .exported else {
      recording.discard()
      return 0
    }
    drained.removeAll(keepingCapacity: true)
    guard recording.drain(into: &drained) > 0 else { return 0 }
    return TraceBatch(resource: SpanContents.service, records: drained).encoded(as: .protobuf).count
  }
}

/// `span-api-noop` and `span-api`: by `withSpan` of swift-distributed-tracing, whose tracer is known at run time only, as in a library.
final class SpanAPISubject: BenchSubject {
  private let attributes: Int
  private let place: String
  private let tracer: any Tracer
  /// nil: nobody is behind the API.
  private let own: TelemetryTracer?
  private let keys = SpanContents.keyStrings
  private let texts = SpanContents.textStrings

  init(_ kind: SpanSubjectKind, attributes: Int, place: String) {
    self.attributes = attributes
    self.place = place
    own = kind == .api ? TelemetryTracer() : nil
    tracer = own ?? NoOpTracer()
  }

  var note: String? {
    own == nil
      ? "the attributes are put together although nobody keeps them; code that asks `isRecording` first saves that"
      : "with two readings of the clock; ended spans are plain values, freed \(SpanContents.batch) at a time; not encoded"
  }

  func run(_ count: Int) throws -> BenchTotals {
    let before = own?.counts ?? TelemetryBufferCounts()
    var sum = 0
    for i in 0..<count {
      sum &+= span(i)
      if i & (SpanContents.batch - 1) == SpanContents.batch - 1 { _ = own?.drain() }
    }
    _ = own?.drain()
    if let after = own?.counts, after.recorded - before.recorded != count || after.dropped != before.dropped {
      throw SpanContents.missing(after.recorded - before.recorded, count, place)
    }
    return BenchTotals(checksum: UInt64(bitPattern: Int64(sum)))
  }

  @inline(never)
  private func span(_ i: Int) -> Int {
    tracer.withSpan(SpanContents.nameString, context: .topLevel, ofKind: .server) { span in
      var sum = 1
      // All at once: one by one each would copy those before it.
      if attributes > 0 {
        span.updateAttributes { list in
          for a in 0..<attributes {
            if a & 1 == 0 {
              list[keys[a]] = texts[a >> 1]
              sum &+= a &+ 1
            } else {
              let number = SpanContents.number(i, a)
              list[keys[a]] = number
              sum &+= number
            }
          }
        }
      }
      return sum
    }
  }
}
