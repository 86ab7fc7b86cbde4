// Requests to send, and a folder to store them in.

import Glibc
import TelemetryModel

@testable import TelemetryCollector

/// A batch whose spans differ from each other and, by `first`, from those of other batches.
func sampleTraces(_ count: Int, first: Int = 0, service: String = "shop") -> TraceBatch {
  let spans = (first..<first + count).map { (i: Int) -> Span in
    let start = 1_790_000_000_000_000_000 + UInt64(i) * 1000
    return Span(
      traceID: TraceID(high: 7, low: UInt64(i / 8 + 1)), spanID: SpanID(UInt64(i + 1)), name: "GET /product/{id}", kind: .server,
      startUnixNano: start, endUnixNano: start + 900_000,
      attributes: [
        Attribute("http.request.method", "GET"), Attribute("http.route", "/product/{id}"), Attribute("http.response.status_code", 200),
        Attribute("url.path", .string("/product/\(i)")), Attribute("server.address", "127.0.0.1"), Attribute("user", .int(Int64(i))),
      ])
  }
  return TraceBatch(resource: Resource(attributes: [Attribute("service.name", .string(service))]), scope: InstrumentationScope(name: "test"), records: spans)
}

func sampleLogs(_ count: Int) -> LogBatch {
  LogBatch(
    resource: Resource(attributes: [Attribute("service.name", "shop")]),
    records: (0..<count).map { LogRecord(unixNano: UInt64($0), body: .string("line \($0)")) })
}

final class TemporaryFile {
  private let folder: String
  var path: String { folder + "/capture" }

  init() {
    var template = Array("/tmp/nb-capture-XXXXXX".utf8CString)
    folder = String(cString: mkdtemp(&template))
  }

  deinit {
    unlink(path)
    rmdir(folder)
  }

  var bytes: [UInt8] {
    get {
      let file = fopen(path, "r")
      defer { fclose(file) }
      var found: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 65_536)
      while case let n = fread(&chunk, 1, chunk.count, file), n > 0 { found += chunk[..<n] }
      return found
    }
    set {
      let file = fopen(path, "w")
      fwrite(newValue, 1, newValue.count, file)
      fclose(file)
    }
  }
}

/// Everything that a capture gives, with what was damaged.
func contents(_ path: String) throws -> (requests: [CapturedRequest], damagedBytes: Int, damagedPlaces: Int) {
  var reader = try CaptureReader(path: path)
  var found: [CapturedRequest] = []
  while let one = reader.next() { found.append(one) }
  return (found, reader.damagedBytes, reader.damagedPlaces)
}

extension CaptureWriter {
  func append(_ payload: [UInt8], _ signal: TelemetrySignal = .traces, records: Int = 1, at time: UInt64 = 1) -> Outcome {
    payload.withUnsafeBytes { append($0, signal, records: records, receivedUnixNano: time) }
  }
}
