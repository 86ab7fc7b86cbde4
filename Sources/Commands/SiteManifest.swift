// Which files the last build read and wrote, as they were then. When all are still so, there is nothing to do: that takes
// one small file to read and a `stat` for each of them. A file that looks different is only looked into; whether it *is*
// different is decided by its content (SiteRecords.swift).

import Foundation
import TextModel

/// What `stat` says of a file; two equal states are taken for equal content.
struct FileState: Hashable {
  var size: Int64
  /// ns since 1970.
  var modified: Int64
  /// ns since 1970; a tool that sets the time of modification back changes this one.
  var changed: Int64
  var inode: UInt64

  static let absent = FileState(size: -1, modified: 0, changed: 0, inode: 0)

  init(size: Int64, modified: Int64, changed: Int64, inode: UInt64) {
    (self.size, self.modified, self.changed, self.inode) = (size, modified, changed, inode)
  }

  init(_ path: UnsafePointer<CChar>) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      self = .absent
      return
    }
    #if canImport(Glibc)
      let (modified, changed) = (status.st_mtim, status.st_ctim)
    #else
      let (modified, changed) = (status.st_mtimespec, status.st_ctimespec)
    #endif
    self.init(
      size: Int64(status.st_size), modified: Int64(modified.tv_sec) * 1_000_000_000 + Int64(modified.tv_nsec),
      changed: Int64(changed.tv_sec) * 1_000_000_000 + Int64(changed.tv_nsec), inode: UInt64(status.st_ino))
  }
}

struct SiteManifest {
  struct Entry {
    /// `i`: read, or found missing; `o`: written.
    var kind: UInt8
    var state: FileState
    /// UTF-8; a slice of the whole manifest, because most paths are never asked for.
    var path: ArraySlice<UInt8>
    /// The line as it was read, while it still holds.
    var line: ArraySlice<UInt8>?

    init(kind: UInt8, state: FileState, path: ArraySlice<UInt8>, line: ArraySlice<UInt8>? = nil) {
      (self.kind, self.state, self.path, self.line) = (kind, state, path, line)
    }

    /// A file as it is now.
    init(_ kind: Unicode.Scalar, _ path: String) { self.init(kind: UInt8(ascii: kind), state: FileState(path), path: Array(path.utf8)[...]) }

    mutating func lookAgain() { (state, line) = (FileState(pathText), nil) }

    var pathText: String { String(decoding: path, as: UTF8.self) }
  }

  /// nb itself, the day, the options: what else decides what is built.
  var environment = ""
  /// Number of pages.
  var pages = 0
  /// What the link check found, to be repeated when nothing changed.
  var findings: [Diagnostic] = []
  var entries: [Entry] = []

  /// - Parameter began: when the build began, ns since 1970. An input that was changed at about that time may have been
  ///   read before its last change without a sign of it in the state, so it is written down as unknown.
  func bytes(began: Int64) -> [UInt8] {
    var text = "nb-site 2\n\(environment)\n\(pages)\n\(findings.count)\n"
    for finding in findings { text += "\(finding.id.rawValue)\t\(finding.path ?? "")\t\(finding.cause)\t\(finding.remedy ?? "")\n" }
    var bytes = Array(text.utf8)
    bytes.reserveCapacity(bytes.count + entries.count * 120)
    for entry in entries {
      if let line = entry.line {
        bytes += line
        continue
      }
      let state = entry.state
      let isUncertain = entry.kind == UInt8(ascii: "i") && state.size >= 0 && max(state.modified, state.changed) > began - 50_000_000
      bytes.append(entry.kind)
      for number in isUncertain ? [0, 0, 0, 0] : [state.size, state.modified, state.changed, Int64(bitPattern: state.inode)] { Self.append(number, to: &bytes) }
      bytes.append(0x20)
      bytes += entry.path
      bytes.append(0x0A)
    }
    return bytes
  }

  /// Reads a manifest and looks at every file that it names.
  ///
  /// - Returns: with the files that do not look as the last build left or found them; nil: no manifest of this version.
  static func compared(_ bytes: [UInt8]) -> (manifest: SiteManifest, changed: Set<String>)? {
    var reader = Reader(bytes)
    guard reader.line() == "nb-site 2" else { return nil }
    var manifest = SiteManifest()
    manifest.environment = reader.line()
    manifest.pages = Int(reader.line()) ?? 0
    manifest.findings = reader.findings()
    manifest.entries.reserveCapacity(bytes.count / 100)
    let isWhole = reader.entries { kind, state, start, range in
      manifest.entries.append(Entry(kind: kind, state: state, path: bytes[range], line: bytes[start...range.upperBound]))
    }
    return isWhole ? (manifest, reader.changed(manifest.entries)) : nil
  }

  /// In its place: a new file would cost more than all else that is written. Its first line is that of no manifest until all
  /// the rest is there.
  static func write(_ path: String, _ bytes: [UInt8]) throws(FileError) {
    try overwriteFile(path, void + bytes.dropFirst(void.count))
    mark(path, Array(bytes.prefix(void.count)))
  }

  static func makeVoid(_ path: String) { mark(path, void) }

  private static let void = Array("nb-site 0\n".utf8)

  private static func mark(_ path: String, _ head: [UInt8]) {
    let file = open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    _ = head.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
    close(file)
  }

  private static func append(_ number: Int64, to bytes: inout [UInt8]) {
    bytes.append(0x20)
    if number < 0 { bytes.append(0x2D) }
    var rest = number.magnitude
    let start = bytes.count
    repeat {
      bytes.append(0x30 + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }

  /// Lines of numbers and a path; the path's line end becomes its NUL, so that no string is made of it.
  private struct Reader {
    var bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func line() -> String {
      let end = bytes[position...].firstIndex(of: 0x0A) ?? bytes.count
      defer { position = min(end + 1, bytes.count) }
      return String(decoding: bytes[position..<end], as: UTF8.self)
    }

    /// Paths of the entries, which were read here, whose files look different now; on all cores, because there are thousands.
    func changed(_ entries: [Entry]) -> Set<String> {
      bytes.withUnsafeBytes { bytes in
        nonisolated(unsafe) let start = bytes.baseAddress!
        let size = max(1, entries.count / 8 + 1)
        let chunks = stride(from: 0, to: entries.count, by: size).map { entries[$0..<min($0 + size, entries.count)] }
        return concurrently(chunks) { chunk in
          chunk.filter { FileState((start + $0.path.startIndex).assumingMemoryBound(to: CChar.self)) != $0.state }.map(\.pathText)
        }.reduce(into: Set<String>()) { $0.formUnion($1) }
      }
    }

    mutating func findings() -> [Diagnostic] {
      (0..<(Int(line()) ?? 0)).map { _ in
        let fields = line().split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 4 else { return Diagnostic("broken-link", .warning, "") }
        return Diagnostic(DiagnosticID(rawValue: fields[0]), .warning, fields[2], remedy: fields[3], path: fields[1])
      }
    }

    /// Calls `body` for each entry; false after what is no entry.
    mutating func entries(_ body: (UInt8, FileState, Int, Range<Int>) -> Void) -> Bool {
      let start = position
      return bytes.withUnsafeMutableBufferPointer { buffer in
        var i = start
        func number() -> Int64 {
          i += 1
          let isNegative = i < buffer.count && buffer[i] == 0x2D
          if isNegative { i += 1 }
          var value: Int64 = 0
          while i < buffer.count, (0x30...0x39).contains(buffer[i]) {
            value = value &* 10 &+ Int64(buffer[i] - 0x30)
            i += 1
          }
          return isNegative ? -value : value
        }
        while i < buffer.count {
          let (kind, line) = (buffer[i], i)
          i += 1
          let state = FileState(size: number(), modified: number(), changed: number(), inode: UInt64(number()))
          i += 1
          var end = i
          while end < buffer.count, buffer[end] != 0x0A { end += 1 }
          guard end < buffer.count else { return false }
          buffer[end] = 0
          body(kind, state, line, i..<end)
          i = end + 1
        }
        return true
      }
    }
  }
}
