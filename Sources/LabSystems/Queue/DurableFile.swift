#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// The system calls of a log, each with its odd cases. Blocking: never called on an event loop.

/// Why a file could not be written or read; the log that meets it takes nothing more.
struct LogFailure: Error, Hashable, Sendable, CustomStringConvertible {
  var operation: String
  var path: String
  /// errno; 0 when the operation did not fail but its result is wrong.
  var code: Int32 = 0
  var description: String { "\(operation) of \(path)" + (code == 0 ? "" : ": \(String(cString: strerror(code)))") }
}

/// An open file of a log, closed with the last reference.
final class DurableFile: @unchecked Sendable {
  let path: String
  private let descriptor: Int32

  /// Opens for reading and appending; makes the file when it is not there.
  init(_ path: String, isReadOnly: Bool = false) throws(LogFailure) {
    self.path = path
    descriptor = open(path, (isReadOnly ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw LogFailure(operation: "opening", path: path, code: errno) }
  }

  deinit { close(descriptor) }

  func write(_ bytes: [UInt8], at start: Int) throws(LogFailure) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress! + done, $0.count - done, off_t(start + done)) }
      if count < 0 && errno == EINTR { continue }
      // A full disk may take a part and then nothing.
      guard count > 0 else { throw LogFailure(operation: "writing", path: path, code: count < 0 ? errno : ENOSPC) }
      done += count
    }
  }

  /// Up to `count` bytes; fewer only at the end of the file.
  func read(_ count: Int, at start: Int) throws(LogFailure) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress! + done, count - done, off_t(start + done)) }
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw LogFailure(operation: "reading", path: path, code: errno) }
      if got == 0 { break }
      done += got
    }
    bytes.removeLast(count - done)
    return bytes
  }

  var size: Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  func truncate(to length: Int) throws(LogFailure) {
    guard ftruncate(descriptor, off_t(length)) == 0 else { throw LogFailure(operation: "truncating", path: path, code: errno) }
  }

  /// Returns when the bytes are on the disk: `fdatasync`, which writes the new length of the file too; on macOS
  /// F_FULLFSYNC, because `fsync` there stops at the drive's cache.
  func sync() throws(LogFailure) {
    #if canImport(Darwin)
      if fcntl(descriptor, F_FULLFSYNC) != -1 { return }
      // Some file systems do not have it.
      let code = fsync(descriptor)
    #else
      let code = fdatasync(descriptor)
    #endif
    guard code == 0 else { throw LogFailure(operation: "syncing", path: path, code: errno) }
  }

  static func remove(_ path: String) { unlink(path) }

  /// Makes the names in a folder durable: a synced file of an unsynced name is lost with the machine.
  static func sync(folder: String) throws(LogFailure) {
    let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
    defer { if descriptor >= 0 { close(descriptor) } }
    guard descriptor >= 0, fsync(descriptor) == 0 else { throw LogFailure(operation: "syncing", path: folder, code: errno) }
  }
}
