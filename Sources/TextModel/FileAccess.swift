// Reading and writing whole files, without Foundation. How a file comes into its place is AtomicFile's.

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

/// Replaces a file's content in one step; keeps its mode and its owner. A link is followed, so that the link stays a link.
///
/// - Parameters:
///   - durable: on return it is on the disk; false for what can be made again, which costs a tenth.
///   - old: what must stand there still, where it is known.
/// - Returns: false when the file already had these bytes and was left alone.
/// - Throws: `changed-meanwhile`, `write-failed`; what was there before is unchanged.
@discardableResult
public func writeFileAtomically(_ path: String, _ bytes: [UInt8], durable: Bool = true, replacing old: [UInt8]? = nil) throws(FileError) -> Bool {
  var status = stat()
  if stat(path, &status) == 0, Int(status.st_size) == bytes.count, let now = try? readFile(path, limit: bytes.count), now == bytes {
    return false
  }
  let file = try AtomicFile(path, durable: durable)
  try file.write(bytes)
  try file.commit(replacing: old)
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
func writeAll(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
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
    if mkdir(sofar, 0o755) == 0 {
      // A durable file in a folder that a power cut takes away is lost with it.
      let slash = sofar.lastIndex(of: "/")
      try syncFolder(slash.map { String(sofar[...$0]) } ?? ".")
    } else if errno != EEXIST { throw systemError("write-failed", "creating", sofar) }
    sofar += "/"
  }
}

/// Where a path leads behind all links; the path itself where nothing is.
public func resolvedPath(_ path: String) -> String { followed(path) ?? path }

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

func systemError(_ id: DiagnosticID, _ doing: String, _ path: String) -> FileError {
  let code = errno
  let remedy: String? =
    switch code {
    case ENOSPC, EDQUOT: "the disk is full: free some space and run again; what was there before is unchanged"
    case EIO: "the disk fails: look at `dmesg`, and save elsewhere what matters; what was there before is unchanged"
    case EISDIR, ENOTDIR: "a folder stands where a file should, or the other way round: put back what was there"
    case EACCES, EPERM, EROFS: "check the permissions of the folder; what was there before is unchanged"
    default: "look at the folder with `ls -la`; what was there before is unchanged"
    }
  return FileError(id, "\(doing) failed: \(String(cString: strerror(code)))", remedy: remedy, path: path)
}
