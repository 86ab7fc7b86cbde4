// One process at a time: a lock on a small file that says who holds it. The kernel takes the lock away from a process that
// ends, however it ends; the file stays, because removing it would let two processes hold two files of one name.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Who holds a lock, as that process wrote it down.
public struct LockHolder: Hashable, Sendable {
  public var pid: pid_t
  /// ISO 8601, UTC.
  public var since: String
  /// Its command line.
  public var command: String

  /// `nb run day08.md (process 4711, since 2026-11-27T03:04:05Z)`.
  public var text: String { "\(command) (process \(pid), since \(since))" }
}

public final class FileLock: Sendable {
  /// -1: this file system has no locks, or its folder cannot be written; what follows will say so.
  private let descriptor: Int32

  private init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// Gives the lock back.
  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Takes a lock, or says at once that it is not free.
  ///
  /// - Parameters:
  ///   - path: its file, which is made where it is missing; its folder must be there.
  ///   - shared: several may hold it, all of them shared.
  /// - Returns: nil: somebody else has it, perhaps this process by another value.
  public static func take(_ path: String, shared: Bool = false, command: String = "") -> FileLock? {
    var descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
    if descriptor < 0 { descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) }
    guard descriptor >= 0 else { return FileLock(-1) }
    var outcome = flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB)
    while outcome != 0, errno == EINTR { outcome = flock(descriptor, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) }
    if outcome != 0, errno == EWOULDBLOCK {
      close(descriptor)
      return nil
    }
    let lock = FileLock(descriptor)
    if !shared, !command.isEmpty {
      let text = Array("\(getpid())\n\(timeText())\n\(command)\n".utf8)
      if ftruncate(descriptor, 0) == 0 { _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) } }
    }
    return lock
  }

  /// Who wrote that it holds the lock; nil: nobody yet.
  public static func holder(_ path: String) -> LockHolder? {
    guard let bytes = try? readFile(path, limit: 1 << 16) else { return nil }
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", maxSplits: 2, omittingEmptySubsequences: false)
    guard lines.count == 3, let pid = pid_t(lines[0]) else { return nil }
    return LockHolder(pid: pid, since: String(lines[1]), command: String(lines[2].prefix { $0 != "\n" }))
  }

  private static func timeText() -> String {
    var (seconds, parts) = (time(nil), tm())
    gmtime_r(&seconds, &parts)
    var text = [CChar](repeating: 0, count: 32)
    let count = strftime(&text, text.count, "%Y-%m-%dT%H:%M:%SZ", &parts)
    return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
