// Telemetry of files, put together for questions: captures of `nb observe serve`, OTLP/JSON (a request on each line, as the
// OpenTelemetry Collector's file exporter writes it, or pretty-printed), OTLP protobuf (all of a signal as one message).

import Glibc
import TelemetryModel

public struct TelemetryFiles {
  /// Bytes of requests that are decoded at most, of all files together. What is beyond is left out and counted.
  public let bytesMax: Int
  /// Spans and log records without an id of the right length, and points that contradict themselves.
  public private(set) var rejected = 0
  /// Requests that found no room under `bytesMax`.
  public private(set) var requestsLeftOut = 0
  /// Bytes of captures that belong to no whole request.
  public private(set) var damagedBytes = 0

  private var bytes = 0
  private var traces: [TraceBatch] = []
  private var logs: [LogBatch] = []
  private var metrics: [MetricBatch] = []
  private let decoder: OTLPDecoder

  public init(bytesMax: Int) {
    self.bytesMax = bytesMax
    // A file is as large as its reader allows, and not as a receiver does that is open to everybody.
    var limits = OTLPLimits.standard
    limits.requestBytesMax = bytesMax
    limits.elementsMax = max(limits.elementsMax, bytesMax)
    limits.recordsMax = max(limits.recordsMax, bytesMax)
    decoder = OTLPDecoder(limits: limits)
  }

  public var capture: TelemetryCapture { TelemetryCapture(traces: traces, logs: logs, metrics: metrics) }

  /// Reads a file to its end. What it is follows from its first bytes; what a protobuf file holds from its name
  /// (`shop.traces.pb`), unless `signal` says it.
  ///
  /// - Parameter path: `-` reads a capture from stdin.
  public mutating func add(_ path: String, signal: TelemetrySignal? = nil, isCancelled: @escaping () -> Bool = { false }) throws(CollectorError) {
    if path == "-" { return try add(try CaptureReader(descriptor: 0, isCancelled: isCancelled), "stdin", isCancelled) }
    let file = try ByteFile(path)
    let head = try file.read(8)
    if head == CaptureFormat.magic { return try add(try CaptureReader(path: path), path, isCancelled) }
    switch head.first {
    case nil: throw CollectorError(place: path, cause: "it is empty", remedy: "name a capture or OTLP as JSON or protobuf")
    case UInt8(ascii: "{"), UInt8(ascii: " "): try addJSON(file, head, path, isCancelled)
    case 0x0A:
      let held: TelemetrySignal
      if let signal { held = signal } else { held = try Self.signal(path) }
      try addProtobuf(file, head, path, held)
    default:
      throw CollectorError(
        place: path, cause: "it is neither a capture nor OTLP as JSON or protobuf",
        remedy: "name a file of `nb observe serve --file`, of `nb observe export`, or of a collector's file exporter with the format json")
    }
  }

  private mutating func add(_ opened: consuming CaptureReader, _ path: String, _ isCancelled: () -> Bool) throws(CollectorError) {
    var reader = opened
    while !isCancelled(), let request = reader.next() { try decode(request.payload, request.signal, .protobuf, path) }
    damagedBytes += reader.damagedBytes
  }

  private mutating func addJSON(_ file: ByteFile, _ head: [UInt8], _ path: String, _ isCancelled: () -> Bool) throws(CollectorError) {
    var objects = JSONObjects(bytesMax: bytesMax)
    var chunk = head
    while !chunk.isEmpty, !isCancelled() {
      var found: [JSONObjects.Object] = []
      guard objects.add(chunk, to: &found) else {
        throw CollectorError(place: path, cause: "a request of it is larger than \(bytesMax) bytes, or what follows one is no other",
          remedy: "allow more with --max-size, or look at the file")
      }
      for object in found {
        guard let signal = TelemetrySignal.allCases.first(where: { $0.resourcesKey == object.firstKey }) else {
          if object.firstKey.isEmpty { continue }
          throw CollectorError(
            place: path, cause: "an object begins with `\(object.firstKey.prefix(40))`, which no OTLP request does",
            remedy: "give OTLP/JSON: objects with resourceSpans, resourceMetrics or resourceLogs")
        }
        try decode(object.bytes, signal, .json, path)
      }
      chunk = try file.read(1 << 20)
    }
    guard objects.isBetween else {
      throw CollectorError(place: path, cause: "it ends within an object", remedy: "the writer may not have ended yet; drop the last line")
    }
  }

  private mutating func addProtobuf(_ file: ByteFile, _ head: [UInt8], _ path: String, _ signal: TelemetrySignal) throws(CollectorError) {
    var all = head
    while true {
      let more = try file.read(1 << 20)
      if more.isEmpty { break }
      all += more
      // One message cannot be read in part.
      guard all.count <= bytesMax else {
        throw CollectorError(place: path, cause: "it is larger than \(bytesMax) bytes", remedy: "allow more with --max-size")
      }
    }
    try decode(all, signal, .protobuf, path)
  }

  private static func signal(_ path: String) throws(CollectorError) -> TelemetrySignal {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let named = TelemetrySignal.allCases.filter { name.split(separator: ".").contains(Substring($0.rawValue)) }
    guard named.count == 1 else {
      throw CollectorError(
        place: path, cause: "protobuf does not say whether it is traces, metrics or logs, and the name does not either",
        remedy: "say it with --signal, or call it such as shop.traces.pb")
    }
    return named[0]
  }

  private mutating func decode(_ payload: [UInt8], _ signal: TelemetrySignal, _ format: OTLPFormat, _ path: String) throws(CollectorError) {
    guard bytes + payload.count <= bytesMax else {
      requestsLeftOut += 1
      return
    }
    bytes += payload.count
    do throws(OTLPError) {
      switch signal {
      case .traces:
        let received = try decoder.traces(payload, as: format)
        traces.append(received.batch)
        rejected += received.report.rejected
      case .metrics:
        let received = try decoder.metrics(payload, as: format)
        metrics.append(received.batch)
        rejected += received.report.rejected
      case .logs:
        let received = try decoder.logs(payload, as: format)
        logs.append(received.batch)
        rejected += received.report.rejected
      }
    } catch {
      throw CollectorError(place: path, cause: "a request of \(signal.rawValue) cannot be decoded: \(error)",
        remedy: "is it of another signal? Say so with --signal")
    }
  }
}

extension TelemetrySignal {
  fileprivate var resourcesKey: String {
    switch self {
    case .traces: "resourceSpans"
    case .metrics: "resourceMetrics"
    case .logs: "resourceLogs"
    }
  }
}

/// A file that is read from its start.
private final class ByteFile {
  private let path: String
  private let file: UnsafeMutablePointer<FILE>

  init(_ path: String) throws(CollectorError) {
    guard let file = fopen(path, "re") else { throw .system(path, "cannot be read", remedy: "name a file that is there") }
    (self.path, self.file) = (path, file)
  }

  deinit { fclose(file) }

  /// Empty at the end.
  func read(_ count: Int) throws(CollectorError) -> [UInt8] {
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in filled = fread(buffer.baseAddress, 1, count, file) }
    if bytes.count < count, ferror(file) != 0 { throw .system(path, "cannot be read", remedy: "name a file, not a folder") }
    return bytes
  }
}
