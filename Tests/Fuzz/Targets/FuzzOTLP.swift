// Any bytes as an OTLP request; the first one chooses the signal and the encoding. What is taken is written, and read again, as the
// same in both encodings.

import TelemetryModel

@Sendable public func fuzzOTLP(_ bytes: UnsafeRawBufferPointer) throws {
  guard let first = bytes.first else { return }
  let body = UnsafeRawBufferPointer(rebasing: bytes[1...])
  let decoder = OTLPDecoder()
  let format: OTLPFormat = first & 1 == 0 ? .json : .protobuf
  switch first >> 1 & 3 {
  case 0:
    guard let read = try? decoder.traces(body, as: format) else { return }
    try survives(read.batch.encoded(as: .protobuf)) { try decoder.traces($0, as: .protobuf).batch.encoded(as: .protobuf) }
    try survives(read.batch.encoded(as: .json)) { try decoder.traces($0, as: .json).batch.encoded(as: .json) }
  case 1:
    guard let read = try? decoder.metrics(body, as: format) else { return }
    try survives(read.batch.encoded(as: .protobuf)) { try decoder.metrics($0, as: .protobuf).batch.encoded(as: .protobuf) }
    try survives(read.batch.encoded(as: .json)) { try decoder.metrics($0, as: .json).batch.encoded(as: .json) }
  default:
    guard let read = try? decoder.logs(body, as: format) else { return }
    try survives(read.batch.encoded(as: .protobuf)) { try decoder.logs($0, as: .protobuf).batch.encoded(as: .protobuf) }
    try survives(read.batch.encoded(as: .json)) { try decoder.logs($0, as: .json).batch.encoded(as: .json) }
  }
}

/// By bytes, because numbers that are none equal nothing.
private func survives(_ written: [UInt8], _ again: ([UInt8]) throws -> [UInt8]) throws {
  let rewritten: [UInt8]
  do { rewritten = try again(written) } catch {
    // Lists in lists are deeper in one encoding than in the other, and a number longer.
    if let error = error as? OTLPError, error.kind == .overLimit { return }
    throw BrokenLaw(description: "what was written is read: \(error)")
  }
  try require(rewritten == written, "what was read and written is written the same again")
}
