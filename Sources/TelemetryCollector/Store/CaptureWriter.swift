// The writing end of a capture: one writer a file, each request one append. See CaptureFormat.swift for the bytes.

import Glibc
import TelemetryModel

/// Not shared between threads: its owner appends.
public final class CaptureWriter {
  public struct Options: Sendable {
    /// The file's size is never above this; what would be is refused and counted.
    public var bytesMax: Int = 1 << 30
    /// How many bytes the end of the machine may cost. (The program's own end costs none.)
    public var syncEveryBytes: Int = 64 << 20
    public init() {}
  }

  public enum Outcome: Hashable, Sendable {
    case stored
    /// The size that was allowed is reached.
    case full
    /// The file system's error number; nothing of the request is in the file.
    case failed(Int32)
  }

  public let path: String
  public let options: Options
  /// Bytes of the file.
  public private(set) var size: Int
  public private(set) var framesStored = 0
  public private(set) var framesRefused = 0
  public private(set) var recordsRefused = 0
  private let file: Int32
  private let created: UInt64
  private var unsynced = 0

  /// Opens a capture to append to it, or begins one.
  /// - Parameter now: Unix time in nanoseconds; the time of creation of a new file.
  /// - Throws: for a file that is no capture, that another program is writing, or that cannot be written.
  public init(_ path: String, now: UInt64, options: Options = Options()) throws(CollectorError) {
    let remedy = "name another file"
    let file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw .system(path, "cannot be opened for writing", remedy: "choose a folder that exists and is writable") }
    var status = stat()
    func refuse(_ error: CollectorError) -> CollectorError {
      close(file)
      return error
    }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      throw refuse(CollectorError(place: path, cause: "another program is writing to it", remedy: "end that one, or " + remedy))
    }
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw refuse(CollectorError(place: path, cause: "it is not a plain file", remedy: remedy))
    }
    self.path = path
    self.options = options
    self.file = file
    if status.st_size == 0 {
      created = now
      let header = CaptureFormat.fileHeader(createdUnixNano: now)
      guard Glibc.write(file, header, header.count) == header.count else {
        throw refuse(.system(path, "cannot be written", remedy: "make room, or " + remedy))
      }
      size = header.count
    } else {
      var header = [UInt8](repeating: 0, count: CaptureFormat.fileHeaderBytes)
      let count = pread(file, &header, header.count, 0)
      guard count == header.count, let found = header.withUnsafeBytes({ CaptureFormat.created($0) }) else {
        throw refuse(CollectorError(place: path, cause: "it exists and is no capture of this version, so nothing is appended to it", remedy: remedy))
      }
      created = found
      size = Int(status.st_size)
    }
  }

  deinit {
    fdatasync(file)
    close(file)
  }

  /// Appends one request in protobuf.
  /// - Parameter records: how many spans, points or log records it holds, for readers that only count.
  public func append(_ payload: UnsafeRawBufferPointer, _ signal: TelemetrySignal, records: Int, receivedUnixNano: UInt64) -> Outcome {
    let total = CaptureFormat.frameHeaderBytes + payload.count
    guard size + total <= options.bytesMax, payload.count <= CaptureFormat.payloadBytesMax else { return refused(records, .full) }
    let frame = CaptureFrame(
      signal: signal, receivedUnixNano: receivedUnixNano, records: UInt32(clamping: records), payloadBytes: payload.count)
    let header = frame.header(created: created, offset: UInt64(size), payload: payload)
    if let code = write(header, payload) {
      // Half a frame would only cost readers a search; still, what can be taken back is.
      if ftruncate(file, off_t(size)) != 0, let end = end() { size = end }
      return refused(records, .failed(code))
    }
    size += total
    framesStored += 1
    unsynced += total
    if unsynced >= options.syncEveryBytes { synchronize() }
    return .stored
  }

  /// What is in the file survives the end of the machine from here on.
  public func synchronize() {
    fdatasync(file)
    unsynced = 0
  }

  private func refused(_ records: Int, _ outcome: Outcome) -> Outcome {
    framesRefused += 1
    recordsRefused += records
    return outcome
  }

  private func end() -> Int? {
    var status = stat()
    return fstat(file, &status) == 0 ? Int(status.st_size) : nil
  }

  /// The error number, or nil when everything was written. One call, unless the kernel takes less.
  private func write(_ header: [UInt8], _ payload: UnsafeRawBufferPointer) -> Int32? {
    header.withUnsafeBytes { header in
      var parts = [
        iovec(iov_base: UnsafeMutableRawPointer(mutating: header.baseAddress), iov_len: header.count),
        iovec(iov_base: UnsafeMutableRawPointer(mutating: payload.baseAddress), iov_len: payload.count),
      ]
      var left = header.count + payload.count
      while left > 0 {
        let count = writev(file, parts, Int32(parts.count))
        if count < 0 {
          if errno == EINTR { continue }
          return errno
        }
        if count == 0 { return EIO }
        left -= count
        var over = count
        while let first = parts.first, over >= first.iov_len {
          over -= first.iov_len
          parts.removeFirst()
          if parts.isEmpty { break }
        }
        if over > 0, !parts.isEmpty {
          parts[0].iov_base += over
          parts[0].iov_len -= over
        }
      }
      return nil
    }
  }
}
