// What becomes of a body: inflated, decoded, counted, stored. On a thread of its own, so that a large request delays no other
// connection; one thread, so that the decoder's table of strings and the capture need no lock.

import Glibc
import NIOCore
import TelemetryModel

/// A request that is complete.
struct IngestJob: Sendable {
  var signal: TelemetrySignal
  var format: OTLPFormat
  var isCompressed: Bool
  var body: ByteBuffer
  var receivedUnixNano: UInt64
}

/// What is written back.
struct IngestAnswer: Sendable {
  var status: Int
  var body: [UInt8]
}

/// A request that is not taken.
struct Refusal: Error {
  var status: Int
  var message: String
}

/// Used by one thread only; that is why it may be sent to it.
final class IngestWorker: @unchecked Sendable {
  private let decoder: OTLPDecoder
  private let inflater: Inflater
  private let capture: CaptureWriter?
  private let counts: SharedCounts

  init(limits: OTLPLimits, capture: CaptureWriter?, counts: SharedCounts) {
    decoder = OTLPDecoder(limits: limits)
    inflater = Inflater(bytesMax: limits.requestBytesMax)
    self.capture = capture
    self.counts = counts
  }

  func answer(_ job: IngestJob) -> IngestAnswer {
    do throws(Refusal) {
      let report = try job.body.withUnsafeReadableBytes { bytes throws(Refusal) in try take(try plain(bytes, job), job) }
      return IngestAnswer(status: 200, body: OTLPResponse(report).encoded(job.signal, as: job.format))
    } catch {
      counts.refuse(error.status)
      return IngestAnswer(status: error.status, body: OTLPResponse.status(message: error.message, as: job.format))
    }
  }

  private func plain(_ bytes: UnsafeRawBufferPointer, _ job: IngestJob) throws(Refusal) -> UnsafeRawBufferPointer {
    guard job.isCompressed else { return bytes }
    do throws(Inflater.Failure) { return try inflater.inflated(bytes) } catch {
      switch error {
      case .tooLarge: throw Refusal(status: 413, message: "more than \(decoder.limits.requestBytesMax) bytes after decompression; send smaller batches")
      case .malformed: throw Refusal(status: 400, message: "the body is not the gzip or zlib stream that Content-Encoding promises")
      }
    }
  }

  private func take(_ bytes: UnsafeRawBufferPointer, _ job: IngestJob) throws(Refusal) -> IngestReport {
    switch job.signal {
    case .traces:
      let found = try decoded { () throws(OTLPError) in try decoder.traces(bytes, as: job.format) }
      return try keep(found, bytes, job, encoded: { $0.encoded(as: .protobuf) }, weight: { _ in 1 })
    case .metrics:
      let found = try decoded { () throws(OTLPError) in try decoder.metrics(bytes, as: job.format) }
      return try keep(found, bytes, job, encoded: { $0.encoded(as: .protobuf) }, weight: { $0.data.pointCount })
    case .logs:
      let found = try decoded { () throws(OTLPError) in try decoder.logs(bytes, as: job.format) }
      return try keep(found, bytes, job, encoded: { $0.encoded(as: .protobuf) }, weight: { _ in 1 })
    }
  }

  private func decoded<T>(_ decode: () throws(OTLPError) -> T) throws(Refusal) -> T {
    do throws(OTLPError) { return try decode() } catch { throw Refusal(status: error.httpStatus, message: error.description) }
  }

  /// Stores what was taken, and counts it once it is stored.
  private func keep<Record>(
    _ received: Received<Record>, _ bytes: UnsafeRawBufferPointer, _ job: IngestJob, encoded: (TelemetryBatch<Record>) -> [UInt8],
    weight: (Record) -> Int
  ) throws(Refusal) -> IngestReport {
    let report = received.report
    if let capture, report.accepted > 0 {
      // As it came, when all of it was taken: fields that are not known here stay in the file.
      let outcome =
        if job.format == .protobuf, report.rejected == 0 {
          capture.append(bytes, job.signal, records: report.accepted, receivedUnixNano: job.receivedUnixNano)
        } else {
          encoded(received.batch).withUnsafeBytes {
            capture.append($0, job.signal, records: report.accepted, receivedUnixNano: job.receivedUnixNano)
          }
        }
      if outcome != .stored { counts.update { $0.recordsNotStored += report.accepted } }
      switch outcome {
      case .stored: break
      case .full: throw Refusal(status: 507, message: "the capture has the size that it may have (--max-size)")
      case .failed(let code): throw Refusal(status: 503, message: "the capture cannot be written: \(String(cString: strerror(code)))")
      }
    }
    counts.update { counts in
      counts.requests += 1
      counts.wireBytes += job.body.readableBytes
      counts.bodyBytes += bytes.count
      counts.report += report
      for group in received.batch.resources {
        let records = group.scopes.reduce(0) { $0 + $1.records.reduce(0) { $0 + weight($1) } }
        counts.add(job.signal, group.resource.serviceName, records)
      }
    }
    return report
  }
}
