// The reading end of a capture: one request after the other, from a file or a pipe, over damage and a torn tail.

import Glibc
import TelemetryModel

/// A request of a capture.
public struct CapturedRequest: Sendable {
  public var signal: TelemetrySignal
  /// When it arrived, Unix time in nanoseconds.
  public var receivedUnixNano: UInt64
  /// Spans, points or log records, as counted on arrival.
  public var records: Int
  /// OTLP in protobuf.
  public var payload: [UInt8]
  public init(signal: TelemetrySignal, receivedUnixNano: UInt64, records: Int, payload: [UInt8]) {
    (self.signal, self.receivedUnixNano, self.records, self.payload) = (signal, receivedUnixNano, records, payload)
  }
}

public struct CaptureReader: ~Copyable {
  /// Bytes that belong to no whole frame: a torn tail, or damage.
  public private(set) var damagedBytes = 0
  /// Stretches of such bytes.
  public private(set) var damagedPlaces = 0
  public let createdUnixNano: UInt64

  private let file: Int32
  private let name: String
  private let closes: Bool
  private let isCancelled: () -> Bool
  private var buffer: [UInt8] = []
  /// What is read of `buffer`, and where `buffer` begins in the file.
  private var at = 0
  private var base: UInt64 = 0
  private var ended = false
  private var inDamage = false
  private static let readBytes = 1 << 20

  /// - Throws: for a file that cannot be read or is no capture.
  public init(path: String) throws(CollectorError) {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw .system(path, "cannot be read", remedy: "name a file that `nb observe serve --file` has written") }
    try self.init(file, name: path, closes: true)
  }

  /// Reads from a descriptor that stays open, such as 0.
  /// - Parameter isCancelled: asked when a signal interrupts the waiting; once it says true, the capture ends there.
  public init(descriptor: Int32, isCancelled: @escaping () -> Bool = { false }) throws(CollectorError) {
    try self.init(descriptor, name: "stdin", closes: false, isCancelled)
  }

  private init(_ file: Int32, name: String, closes: Bool, _ isCancelled: @escaping () -> Bool = { false }) throws(CollectorError) {
    self.file = file
    self.isCancelled = isCancelled
    self.name = name
    self.closes = closes
    var header: [UInt8] = []
    var created: UInt64?
    while header.count < CaptureFormat.fileHeaderBytes {
      let more = Self.read(file, atMost: CaptureFormat.fileHeaderBytes - header.count, isCancelled)
      if more.isEmpty { break }
      header += more
    }
    created = header.withUnsafeBytes { CaptureFormat.created($0) }
    guard let created else {
      if closes { close(file) }
      throw CollectorError(
        place: name, cause: "it is no capture (it does not begin as one of version \(CaptureFormat.version))",
        remedy: "name a file that `nb observe serve --file` has written")
    }
    createdUnixNano = created
    base = UInt64(CaptureFormat.fileHeaderBytes)
  }

  deinit { if closes { close(file) } }

  /// The next whole request; nil at the end.
  public mutating func next() -> CapturedRequest? {
    while true {
      guard fill(CaptureFormat.frameHeaderBytes) else {
        damaged(buffer.count - at)
        return nil
      }
      let frame = buffer.withUnsafeBytes { CaptureFrame(UnsafeRawBufferPointer(rebasing: $0[at...])) }
      if let frame, fill(CaptureFormat.frameHeaderBytes + frame.payloadBytes), let found = whole(frame) {
        inDamage = false
        return found
      }
      skipToNextMark()
    }
  }

  private mutating func whole(_ frame: CaptureFrame) -> CapturedRequest? {
    let start = at + CaptureFormat.frameHeaderBytes
    let matches = buffer.withUnsafeBytes { bytes in
      let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<start + frame.payloadBytes])
      return frame.checksum(created: createdUnixNano, offset: base + UInt64(at), payload: payload) == frame.checksum
    }
    guard matches else { return nil }
    at = start + frame.payloadBytes
    return CapturedRequest(
      signal: frame.signal, receivedUnixNano: frame.receivedUnixNano, records: Int(frame.records), payload: Array(buffer[start..<at]))
  }

  /// Goes to the next byte at which a frame could begin, or to what is not read yet.
  private mutating func skipToNextMark() {
    let first = UInt8(truncatingIfNeeded: CaptureFormat.mark)
    let next = buffer.withUnsafeBytes { bytes -> Int in
      guard let from = bytes.baseAddress, at + 1 < bytes.count, let found = memchr(from + at + 1, Int32(first), bytes.count - at - 1)
      else { return bytes.count }
      return from.distance(to: UnsafeRawPointer(found))
    }
    damaged(next - at)
    at = next
  }

  private mutating func damaged(_ count: Int) {
    guard count > 0 else { return }
    damagedBytes += count
    if !inDamage { damagedPlaces += 1 }
    inDamage = true
  }

  /// Whether so many bytes are there from `at` on.
  private mutating func fill(_ count: Int) -> Bool {
    while buffer.count - at < count {
      if ended { return false }
      if at > 0 {
        buffer.removeSubrange(..<at)
        base += UInt64(at)
        at = 0
      }
      let more = Self.read(file, atMost: max(Self.readBytes, count - buffer.count), isCancelled)
      if more.isEmpty { ended = true }
      buffer += more
    }
    return true
  }

  /// Empty at the end. (A file whose disk cannot be read any more ends there.)
  private static func read(_ file: Int32, atMost count: Int, _ isCancelled: () -> Bool) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
      var got = Glibc.read(file, bytes.baseAddress, count)
      while got < 0, errno == EINTR, !isCancelled() { got = Glibc.read(file, bytes.baseAddress, count) }
      filled = max(0, got)
    }
  }
}
