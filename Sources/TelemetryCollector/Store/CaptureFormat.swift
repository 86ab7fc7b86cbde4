// A capture: one file with the OTLP requests of a run, as they came, all three signals. Integers are little-endian.
//
//   file    | "nb-otlp\n" | u32 version = 1 | u32 CRC-32 of the 20 bytes around it | u64 created, Unix ns |      24 bytes
//   frame   | u32 mark | u32 length | u32 CRC-32 | u8 signal, 3 × 0 | u64 received, Unix ns | u32 records | u32 0 | payload … |
//
// A payload is an OTLP request in protobuf: an ExportTraceServiceRequest and its sisters. Two of them, one after the other, are
// again one request (protobuf concatenates repeated fields), so frames can be joined without being decoded.
//
// Frames are only ever appended, each by one write(2): what was written survives the end of the program, whatever ends it.
// What the machine's own end spares is what fdatasync(2) has seen (`CaptureWriter.Options.syncEveryBytes`). A frame's CRC begins with the file's time of
// creation and the frame's offset, so that neither bytes of an older file nor a frame inside a payload are taken for one. A
// reader that meets damage counts the bytes up to the next frame that is whole, and goes on there; hence a torn tail needs no
// repair before more is appended.

import CZlib
import TelemetryModel

public enum CaptureFormat {
  static let magic: [UInt8] = Array("nb-otlp\n".utf8)
  static let version: UInt32 = 1
  static let fileHeaderBytes = 24
  static let frameHeaderBytes = 32
  static let mark: UInt32 = 0xF17A_5C0D
  /// A longer payload is damage: no writer makes one. (A receiver's largest request is 16 MiB.)
  public static let payloadBytesMax = 64 << 20

  static func code(_ signal: TelemetrySignal) -> UInt8 {
    switch signal {
    case .traces: 1
    case .metrics: 2
    case .logs: 3
    }
  }

  static func signal(_ code: UInt8) -> TelemetrySignal? { TelemetrySignal.allCases.first { Self.code($0) == code } }

  static func fileHeader(createdUnixNano: UInt64) -> [UInt8] {
    var header = magic
    header.append(littleEndian: version)
    var around = header
    around.append(littleEndian: createdUnixNano)
    header.append(littleEndian: around.withUnsafeBytes { checksum($0) })
    header.append(littleEndian: createdUnixNano)
    return header
  }

  /// The time of creation; nil when these 24 bytes do not begin a capture of this version.
  static func created(_ header: UnsafeRawBufferPointer) -> UInt64? {
    guard header.count >= fileHeaderBytes else { return nil }
    let created = UInt64(littleEndian: header.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
    return header.prefix(fileHeaderBytes).elementsEqual(fileHeader(createdUnixNano: created)) ? created : nil
  }

  static func checksum(_ bytes: UnsafeRawBufferPointer, after before: UInt = 0) -> UInt32 {
    UInt32(truncatingIfNeeded: crc32_z(before, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count))
  }
}

/// What precedes a payload.
struct CaptureFrame {
  var signal: TelemetrySignal
  var receivedUnixNano: UInt64
  var records: UInt32
  var payloadBytes: Int
  var checksum: UInt32 = 0

  /// The 20 bytes that the checksum covers besides the length.
  private var covered: [UInt8] {
    var bytes: [UInt8] = [CaptureFormat.code(signal), 0, 0, 0]
    bytes.append(littleEndian: receivedUnixNano)
    bytes.append(littleEndian: records)
    bytes.append(littleEndian: UInt32(0))
    return bytes
  }

  func checksum(created: UInt64, offset: UInt64, payload: UnsafeRawBufferPointer) -> UInt32 {
    var head: [UInt8] = []
    head.append(littleEndian: created)
    head.append(littleEndian: offset)
    head.append(littleEndian: UInt32(payload.count))
    head += covered
    return CaptureFormat.checksum(payload, after: UInt(head.withUnsafeBytes { CaptureFormat.checksum($0) }))
  }

  func header(created: UInt64, offset: UInt64, payload: UnsafeRawBufferPointer) -> [UInt8] {
    var header: [UInt8] = []
    header.reserveCapacity(CaptureFormat.frameHeaderBytes)
    header.append(littleEndian: CaptureFormat.mark)
    header.append(littleEndian: UInt32(payload.count))
    header.append(littleEndian: checksum(created: created, offset: offset, payload: payload))
    return header + covered
  }

  init(signal: TelemetrySignal, receivedUnixNano: UInt64, records: UInt32, payloadBytes: Int) {
    self.signal = signal
    self.receivedUnixNano = receivedUnixNano
    self.records = records
    self.payloadBytes = payloadBytes
  }

  /// nil when these 32 bytes cannot begin a frame; whether they do, the checksum says.
  init?(_ bytes: UnsafeRawBufferPointer) {
    func word(_ at: Int) -> UInt32 { UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt32.self)) }
    guard bytes.count >= CaptureFormat.frameHeaderBytes, word(0) == CaptureFormat.mark, word(12) >> 8 == 0, word(28) == 0,
      let signal = CaptureFormat.signal(bytes[12]), word(4) <= CaptureFormat.payloadBytesMax
    else { return nil }
    self.init(
      signal: signal, receivedUnixNano: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)), records: word(24),
      payloadBytes: Int(word(4)))
    checksum = word(8)
  }
}

extension [UInt8] {
  mutating func append(littleEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
