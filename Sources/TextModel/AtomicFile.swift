// A file that is written beside its place and put there in one step: first the bytes are on the disk, then the name leads to
// them, then the folder is on the disk. So a reader, a kill and a power cut find the old file or the new one, never a mixture.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A file that is being made. What is not committed is gone with this value.
public final class AtomicFile {
  private let path: String
  /// Where the bytes go: `path` behind its links, so that a link stays a link.
  private let target: String
  private let folder: String
  private let temporary: String
  private let durable: Bool
  private var descriptor: Int32
  /// It has a name in the folder that must be removed.
  private var isNamed: Bool

  /// - Parameter durable: once committed it is on the disk; false for what can be made again, which costs a tenth.
  public init(_ path: String, durable: Bool = true) throws(FileError) {
    self.path = path
    self.durable = durable
    let target = resolvedPath(path)
    let folder = Self.folder(of: target)
    (self.target, self.folder) = (target, folder)
    temporary = folder + Self.prefix(of: target) + String(getpid())
    // Without a name until it is whole: a kill then leaves nothing behind. Not every file system can do that.
    descriptor = openNameless(folder)
    isNamed = descriptor < 0
    if isNamed { descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600) }
    guard descriptor >= 0 else { throw systemError("write-failed", "writing", path) }
  }

  deinit { discard() }

  public func write(_ bytes: [UInt8]) throws(FileError) {
    guard writeAll(descriptor, bytes) else { throw failed("writing") }
  }

  /// Puts it in its place, with the mode and the owner of what was there.
  ///
  /// - Parameter old: what must stand there still; a file that somebody changed meanwhile is left alone.
  /// - Throws: `changed-meanwhile`, `write-failed`; what was there before is unchanged, unless only the last step failed,
  ///   the folder's way to the disk.
  public func commit(replacing old: [UInt8]? = nil) throws(FileError) {
    var status = stat()
    var mode: mode_t = 0o644
    if stat(target, &status) == 0 {
      // Renaming asks the folder only, and would replace what its owner has made read-only.
      guard access(target, W_OK) == 0 else { throw failed("replacing") }
      mode = status.st_mode & 0o7777
      // A file of somebody else's stays theirs when root writes it; others may not give files away.
      if status.st_uid != geteuid() || status.st_gid != getegid() { _ = fchown(descriptor, status.st_uid, status.st_gid) }
    }
    guard fchmod(descriptor, mode) == 0, !durable || fsync(descriptor) == 0 else { throw failed("writing") }
    if !isNamed {
      guard linkNameless(descriptor, temporary) else { throw failed("naming") }
      isNamed = true
    }
    let closed = descriptor
    descriptor = -1
    guard close(closed) == 0 else { throw failed("writing") }
    if let old, try readFile(target, limit: max(old.count, Int(status.st_size))) != old {
      discard()
      throw FileError("changed-meanwhile", "the file was changed while nb wrote it; it is left as it is now", remedy: "run the command again", path: path)
    }
    guard rename(temporary, target) == 0 else { throw failed("replacing") }
    isNamed = false
    if durable { try syncFolder(folder) }
  }

  /// Forgets what was written.
  public func discard() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    if isNamed { unlink(temporary) }
    isNamed = false
  }

  private func failed(_ doing: String) -> FileError {
    let error = systemError("write-failed", doing, path)
    discard()
    return error
  }

  private static func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "./" }

  /// `.day08.md.nb-`, before the number of a process; a name is shortened where the file system would not take it.
  private static func prefix(of target: String) -> String {
    let name = target.lastIndex(of: "/").map { target[target.index(after: $0)...] } ?? target[...]
    return "." + String(decoding: name.utf8.prefix(200), as: UTF8.self) + ".nb-"
  }

  /// Removes what a killed nb left beside a file. Only for who knows that nobody writes it now: who holds its lock.
  public static func removeLeftovers(of path: String) {
    let target = resolvedPath(path)
    let prefix = prefix(of: target)
    removeLeftovers(in: folder(of: target)) { name, _ in name.hasPrefix(prefix) && !name.dropFirst(prefix.count).contains(".") }
  }

  /// Removes what nb processes left in a folder that are not there any more.
  public static func removeLeftovers(in folder: String) {
    removeLeftovers(in: folder.hasSuffix("/") ? folder : folder + "/") { _, pid in kill(pid, 0) != 0 && errno == ESRCH }
  }

  private static func removeLeftovers(in folder: String, where isLeft: (_ name: String, _ pid: pid_t) -> Bool) {
    guard let entries = opendir(folder) else { return }
    defer { closedir(entries) }
    while let entry = readdir(entries) {
      guard entry.pointee.d_name.0 == 0x2E else { continue }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
      guard let dash = name.lastIndex(of: "-"), name[..<dash].hasSuffix(".nb"), let pid = pid_t(name[name.index(after: dash)...]), isLeft(name, pid) else { continue }
      unlink(folder + name)
    }
  }
}

/// The rename itself is on disk only once the folder is.
func syncFolder(_ folder: String) throws(FileError) {
  let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  // A folder that may be written but not read cannot be asked.
  guard directory >= 0 else { return }
  defer { close(directory) }
  // EINVAL: a file system that knows no such thing.
  guard fsync(directory) == 0 || errno == EINVAL || errno == EROFS else { throw systemError("write-failed", "syncing the folder", folder) }
}

#if os(Linux)
  /// O_TMPFILE, which the C library's header makes of two other numbers. -1: not on this file system.
  private func openNameless(_ folder: String) -> Int32 { hasProc ? open(folder, 0o20_000_000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC, 0o600) : -1 }

  /// Without /proc a file that has no name cannot be given one.
  private let hasProc = access("/proc/self/fd", X_OK) == 0

  private func linkNameless(_ descriptor: Int32, _ path: String) -> Bool {
    let own = "/proc/self/fd/\(descriptor)"
    if linkat(AT_FDCWD, own, AT_FDCWD, path, Int32(AT_SYMLINK_FOLLOW)) == 0 { return true }
    // What a killed nb with this process's number left behind.
    guard errno == EEXIST, unlink(path) == 0 else { return false }
    return linkat(AT_FDCWD, own, AT_FDCWD, path, Int32(AT_SYMLINK_FOLLOW)) == 0
  }
#else
  private func openNameless(_ folder: String) -> Int32 { -1 }
  private func linkNameless(_ descriptor: Int32, _ path: String) -> Bool { false }
#endif
