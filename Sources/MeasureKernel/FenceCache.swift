// What was made from a fence once is not made again: one folder for each key, whole or not there.

import CKernelShims
import Glibc
import Synchronization

struct FenceCache {
  var folder: String
  private static let temporaries = Atomic<Int>(0)

  /// The folder of `key`; `make` fills it when it is new.
  ///
  /// The key itself is kept in the folder and compared, so two keys with one hash cannot be confused. The
  /// folder is filled under another name and renamed: a reader never sees half of one, and of two makers
  /// at the same time one wins.
  /// - Parameter product: file that a complete folder has.
  func entry(
    _ key: String, product: String, make: (_ folder: String) throws(MeasureError) -> Void
  ) throws(MeasureError) -> (folder: String, isHit: Bool) {
    let bytes = Array(key.utf8)
    let name = hex(nb_hash(0xCBF2_9CE4_8422_2325, bytes, bytes.count)) + hex(nb_hash(0x9E37_79B9_7F4A_7C15, bytes, bytes.count))
    let final = "\(folder)/\(name)"
    if access("\(final)/\(product)", R_OK) == 0, Self.read("\(final)/key") == key { return (final, true) }
    try Self.makeFolder(folder)
    removeLeftovers()
    let temporary = "\(folder)/.\(getpid())-\(Self.temporaries.add(1, ordering: .relaxed).newValue)"
    try Self.makeFolder(temporary)
    do {
      try make(temporary)
      try Self.write(key, to: "\(temporary)/key")
      try Self.sync(temporary)
    } catch {
      Self.remove(temporary)
      throw error
    }
    if rename(temporary, final) != 0 {
      // Another maker was first, or an old folder is not whole. A program that runs from it keeps its file.
      if access("\(final)/\(product)", R_OK) == 0, Self.read("\(final)/key") == key {
        Self.remove(temporary)
      } else {
        Self.remove(final)
        guard rename(temporary, final) == 0 else {
          let reason = Launcher.reason()
          Self.remove(temporary)
          throw MeasureError("\(final) cannot be written: \(reason)", remedy: "remove the cache folder \(folder)")
        }
      }
    }
    return (final, false)
  }

  /// Folders that a killed nb was filling.
  private func removeLeftovers() {
    for name in ProcFiles.names(in: folder) where name.hasPrefix(".") {
      guard let pid = name.dropFirst().split(separator: "-").first.flatMap({ pid_t($0) }), kill(pid, 0) != 0, errno == ESRCH else { continue }
      Self.remove("\(folder)/\(name)")
    }
  }

  /// A folder that gets its name is whole also after a power cut.
  private static func sync(_ path: String) throws(MeasureError) {
    for name in ProcFiles.names(in: path).map({ "\(path)/\($0)" }) + [path] {
      let file = open(name, O_RDONLY | O_CLOEXEC)
      guard file >= 0 else { continue }
      defer { close(file) }
      guard fsync(file) == 0 || errno == EINVAL else {
        throw MeasureError("\(name) cannot be written to the disk: \(Launcher.reason())", remedy: "is the disk full?")
      }
    }
  }

  private func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// The folder and those above it.
  static func makeFolder(_ path: String) throws(MeasureError) {
    if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
    if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex {
      try makeFolder(String(path[..<slash]))
      if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
    }
    throw MeasureError("the folder \(path) cannot be made: \(Launcher.reason())", remedy: "choose another cache folder")
  }

  static func write(_ text: String, to path: String) throws(MeasureError) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    var rest = Array(text.utf8)[...]
    while file >= 0, !rest.isEmpty {
      let n = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if n > 0 { rest = rest.dropFirst(n) } else if errno != EINTR { break }
    }
    if file >= 0 { close(file) }
    guard file >= 0, rest.isEmpty else {
      throw MeasureError("\(path) cannot be written: \(Launcher.reason())", remedy: "is the disk full?")
    }
  }

  /// nil: not there, or not readable.
  static func read(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let n = Glibc.read(file, &chunk, chunk.count)
      if n == 0 { return String(decoding: bytes, as: UTF8.self) }
      if n < 0, errno != EINTR { return nil }
      bytes += chunk[..<max(0, n)]
    }
  }

  /// A folder that has only files.
  static func remove(_ path: String) {
    for name in ProcFiles.names(in: path) { unlink("\(path)/\(name)") }
    rmdir(path)
  }
}
