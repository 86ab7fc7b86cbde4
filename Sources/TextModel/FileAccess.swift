// Reading and writing whole files, without Foundation. The one place where a notebook's bytes are
// written: beside the file, synced, renamed over it, with its mode; a reader sees the old file or
// the new one, never a mixture, also after a power cut.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Why a file could not be read or written; says what to do about it.
public struct FileError: Error, Hashable, Sendable {
  public var diagnostic: Diagnostic
  public init(_ id: DiagnosticID, _ cause: String, remedy: String?, path: String) {
    diagnostic = Diagnostic(id, .error, cause, remedy: remedy, path: path)
  }
}

extension SourceText {
  /// Reads a notebook: a regular file of at most `limit` bytes without NUL bytes.
  public init(contentsOf path: String, limit: Int = 8 << 20) throws(FileError) {
    let bytes = try readFile(path, limit: limit)
    if bytes.prefix(1 << 16).contains(0) {
      throw FileError(
        "binary-file", "this is a binary file (it holds a NUL byte)",
        remedy: "give a Markdown file", path: path)
    }
    self.init(path: path, bytes: bytes)
  }
}

/// The bytes of a regular file.
///
/// - Throws: `missing-file`, `not-a-file`, `no-permission`, `file-too-large`, `read-failed`.
public func readFile(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { throw openError(path) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw systemError("read-failed", "reading", path) }
  guard status.st_mode & S_IFMT == S_IFREG else {
    throw FileError(
      "not-a-file", status.st_mode & S_IFMT == S_IFDIR ? "this is a directory" : "this is not a regular file",
      remedy: "give the path of a Markdown file in it, such as `\(path)/day08.md`", path: path)
  }
  let size = Int(status.st_size)
  guard size <= limit else {
    throw FileError(
      "file-too-large", "the file has \(size) bytes; the limit here is \(limit)",
      remedy: "split it, or render it with `nb render` (limit 64 MiB)", path: path)
  }
  var failed = false
  let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    while count < size {
      let n = read(descriptor, buffer.baseAddress! + count, size - count)
      if n > 0 { count += n } else if n == 0 { break } else if errno != EINTR { failed = true; break }
    }
  }
  if failed { throw systemError("read-failed", "reading", path) }
  return bytes
}

/// The bytes of a file that a document names, such as `data/users.csv`.
///
/// - Throws: as `path(of:within:)` and `readFile`.
public func readFile(_ name: String, within folder: String, limit: Int) throws(FileError) -> [UInt8] {
  try readFile(path(of: name, within: folder), limit: limit)
}

/// Where a file lies that a document names: below `folder`, also once every link is followed. A course comes from
/// somewhere; what it reads and publishes is its own.
///
/// - Throws: `outside-folder` for a path from the root, for one with `..` and for a link that leads out; `missing-file`.
public func path(of name: String, within folder: String) throws(FileError) -> String {
  let path = folder + "/" + name
  guard !name.hasPrefix("/"), !name.split(separator: "/").contains("..") else { throw outside(path, folder) }
  guard let target = followed(path), let root = followed(folder) else { throw openError(path) }
  guard target.hasPrefix(root == "/" ? root : root + "/") else { throw outside(path, folder) }
  return target
}

private func outside(_ path: String, _ folder: String) -> FileError {
  FileError("outside-folder", "this leads out of \(folder)", remedy: "put the file itself into that folder", path: path)
}

/// Replaces a file's content in one step; keeps its mode. A link is followed, so that the link stays a link.
///
/// - Parameter durable: on return it is on the disk; false for what can be made again, which costs a tenth.
/// - Returns: false when the file already had these bytes and was left alone.
@discardableResult
public func writeFileAtomically(_ path: String, _ bytes: [UInt8], durable: Bool = true) throws(FileError) -> Bool {
  let target = resolved(path)
  var mode: mode_t = 0o644
  var status = stat()
  if stat(target, &status) == 0 {
    mode = status.st_mode & 0o7777
    if Int(status.st_size) == bytes.count, let old = try? readFile(target, limit: bytes.count), old == bytes {
      return false
    }
  }
  let slash = target.lastIndex(of: "/")
  let folder = slash.map { String(target[...$0]) } ?? "./"
  let name = slash.map { String(target[target.index(after: $0)...]) } ?? target
  let temporary = "\(folder).\(name).nb-\(getpid())"
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
  guard descriptor >= 0 else { throw systemError("write-failed", "writing", path) }
  var done = false
  defer { if !done { unlink(temporary) } }
  guard writeAll(descriptor, bytes), fchmod(descriptor, mode) == 0, !durable || fsync(descriptor) == 0 else {
    let error = systemError("write-failed", "writing", path)
    close(descriptor)
    throw error
  }
  close(descriptor)
  guard rename(temporary, target) == 0 else { throw systemError("write-failed", "replacing", path) }
  done = true
  if !durable { return true }
  // The rename itself is on disk only once the folder is.
  let directory = open(folder, O_RDONLY | O_CLOEXEC)
  if directory >= 0 { fsync(directory); close(directory) }
  return true
}

/// Writes a file in its place: after a crash it may be half old and half new. For what can be made again and is guarded
/// otherwise.
public func overwriteFile(_ path: String, _ bytes: [UInt8]) throws(FileError) {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
  guard descriptor >= 0 else { throw systemError("write-failed", "writing", path) }
  defer { close(descriptor) }
  guard writeAll(descriptor, bytes), ftruncate(descriptor, off_t(bytes.count)) == 0 else { throw systemError("write-failed", "writing", path) }
}

/// - Returns: false when the system refused; `errno` says why.
private func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
  bytes.withUnsafeBytes { buffer in
    var written = 0
    while written < buffer.count {
      let n = write(descriptor, buffer.baseAddress! + written, buffer.count - written)
      if n < 0 { if errno == EINTR { continue } else { return false } }
      written += n
    }
    return true
  }
}

/// Creates a folder and its parents; an existing one is fine.
public func makeFolder(_ path: String) throws(FileError) {
  var sofar = path.hasPrefix("/") ? "/" : ""
  for part in path.split(separator: "/") {
    sofar += part
    if mkdir(sofar, 0o755) != 0, errno != EEXIST { throw systemError("write-failed", "creating", sofar) }
    sofar += "/"
  }
}

private func resolved(_ path: String) -> String { followed(path) ?? path }

/// With all links followed; nil when there is nothing, and `errno` says why.
private func followed(_ path: String) -> String? {
  guard let real = realpath(path, nil) else { return nil }
  defer { free(real) }
  return String(cString: real)
}

private func openError(_ path: String) -> FileError {
  switch errno {
  case ENOENT:
    FileError("missing-file", "there is no such file", remedy: "check the path; lessons are in Notebooks/", path: path)
  case EACCES, EPERM:
    FileError("no-permission", "the file may not be read", remedy: "check its permissions with `ls -l`", path: path)
  default: systemError("read-failed", "opening", path)
  }
}

private func systemError(_ id: DiagnosticID, _ doing: String, _ path: String) -> FileError {
  let code = errno
  let remedy: String? =
    switch code {
    case ENOSPC, EDQUOT: "the disk is full: free some space and run again; what was there before is unchanged"
    case EACCES, EPERM, EROFS: "check the permissions of the folder; what was there before is unchanged"
    default: nil
    }
  return FileError(id, "\(doing) failed: \(String(cString: strerror(code)))", remedy: remedy, path: path)
}
