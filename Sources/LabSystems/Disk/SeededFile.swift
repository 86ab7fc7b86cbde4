import CLabShims
import ExperimentModel
import Foundation

/// A file of the lab's own with seeded bytes, which has no name: it is gone with the process, however that ends. Every
/// 4 KiB begin with their number, so a read can be checked. Safe to use from several threads, as the kernel's files are.
final class SeededFile: @unchecked Sendable {
  enum Outcome: Equatable, Sendable { case done(bytes: Int, fsyncs: Int), failed(String) }

  static let page = 4096
  let size: Int
  /// In memory only: nothing that is read or written there says anything about a disk.
  let isOnTmpfs: Bool
  private let descriptor: Int32

  /// Creates and fills the file in the first of $TMPDIR, /var/tmp and /tmp that is on a disk.
  /// - Parameter size: rounded up to whole pages.
  /// - Throws: `LabError` when no folder can be written, when there is no space, or when `direct` is refused there.
  init(size: Int, direct: Bool, seed: UInt64, folders: [String] = SeededFile.folders, place: String) throws {
    self.size = (size + Self.page - 1) / Self.page * Self.page
    let candidates = folders.filter { access($0, W_OK) == 0 }
    guard let folder = candidates.first(where: { disk_is_memory($0) == 0 }) ?? candidates.first else {
      throw LabError(
        place: place, cause: "none of \(folders.joined(separator: ", ")) can be written", remedy: "set TMPDIR to a folder on a disk")
    }
    isOnTmpfs = disk_is_memory(folder) != 0
    guard !(direct && isOnTmpfs) else {
      throw LabError(
        place: place, cause: "`direct` in \(folder), which is in memory (tmpfs)", remedy: "set TMPDIR to a folder on a disk")
    }
    var name = Array("\(folder)/nb-io-XXXXXX".utf8CString)
    let made = mkstemp(&name)
    guard made >= 0 else { throw Self.refusal("no file in \(folder)", place) }
    let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    defer { close(made) }
    try Self.fill(made, self.size, seed, place)
    guard fsync(made) == 0 else { throw Self.refusal("\(self.size) bytes in \(folder)", place) }
    descriptor = open(path, O_RDWR | O_CLOEXEC | (direct ? disk_direct() : 0))
    #if !os(Linux)
      if direct, descriptor >= 0 { _ = fcntl(descriptor, F_NOCACHE, 1) }
    #endif
    guard descriptor >= 0 else {
      throw LabError(
        place: place, cause: "the file system of \(folder) refuses `direct`: \(String(cString: strerror(errno)))",
        remedy: "set TMPDIR to a folder on another disk, or leave `direct` out")
    }
  }

  deinit { close(descriptor) }

  static var folders: [String] {
    [getenv("TMPDIR").map { String(cString: $0) }, "/var/tmp", "/tmp"].compactMap { $0 }
  }

  /// A megabyte of seeded bytes again and again, each page with its own number in front.
  private static func fill(_ descriptor: Int32, _ size: Int, _ seed: UInt64, _ place: String) throws {
    let step = min(size, 1 << 20)
    var random = SeededRandom(seed: seed, stream: "file")
    var block = (0..<step / 8).map { _ in random.next() }
    for start in stride(from: 0, to: size, by: step) {
      for page in stride(from: 0, to: step, by: Self.page) { block[page / 8] = stamp(start + page) }
      var done = 0
      let wanted = min(step, size - start)
      while done < wanted {
        let wrote = block.withUnsafeBytes { pwrite(descriptor, $0.baseAddress! + done, wanted - done, off_t(start + done)) }
        guard wrote > 0 else { throw refusal("\(size) bytes", place) }
        done += wrote
      }
    }
  }

  private static func refusal(_ what: String, _ place: String) -> LabError {
    LabError(
      place: place, cause: "\(what) could not be written: \(String(cString: strerror(errno)))",
      remedy: "write a smaller `file`, or set TMPDIR to a folder with space")
  }

  static func stamp(_ offset: Int) -> UInt64 { mix64(UInt64(offset / page) &+ 1) }

  // MARK: Operations, on any thread

  /// Reads and checks the number of a page that begins the read.
  func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Outcome {
    var done = 0
    while done < buffer.count {
      let got = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else { return .failed(got == 0 ? "the file ends early" : String(cString: strerror(errno))) }
      done += got
    }
    guard buffer.count < 8 || offset % Self.page != 0 || buffer.loadUnaligned(as: UInt64.self) == Self.stamp(offset) else {
      return .failed("page \(offset / Self.page) does not hold what was written to it")
    }
    return .done(bytes: done, fsyncs: 0)
  }

  /// Writes the pages' numbers in front of whatever the buffer holds, and with `sync` waits until the disk has it.
  func write(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int, sync: Bool) -> Outcome {
    let first = (Self.page - offset % Self.page) % Self.page
    for place in stride(from: first, to: buffer.count - 7, by: Self.page) {
      buffer.storeBytes(of: Self.stamp(offset + place), toByteOffset: place, as: UInt64.self)
    }
    var done = 0
    while done < buffer.count {
      let wrote = pwrite(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if wrote < 0 && errno == EINTR { continue }
      guard wrote > 0 else { return .failed(String(cString: strerror(errno))) }
      done += wrote
    }
    guard sync else { return .done(bytes: done, fsyncs: 0) }
    #if os(Linux)
      let synced = fsync(descriptor) == 0
    #else
      // fsync of macOS leaves the data in the drive's own memory.
      let synced = fcntl(descriptor, F_FULLFSYNC) == 0
    #endif
    return synced ? .done(bytes: done, fsyncs: 1) : .failed(String(cString: strerror(errno)))
  }
}
