import Foundation

/// An append-only log of records, in files named after the place of their first record:
///
///     00000000000000000000.log │ 00000000000000004096.log │ 00000000000000008192.log ← appended to
///
/// Opening it reads every record. A record that ends early or does not match its checksum at the end of the last file is
/// what a dying writer left: it was never acknowledged, and the file is cut there. Anywhere else it is damage and the log is
/// not opened, since what follows it may have been acknowledged.
///
/// After a failed sync nobody knows what is on the disk, and a second sync may say yes for nothing (PostgreSQL's "fsyncgate",
/// 2018); so the log takes nothing more until it is opened again. Used by one thread at a time.
final class SegmentedLog: @unchecked Sendable {
  /// What one append did.
  struct Written: Sendable, Equatable {
    /// Place of the first payload; the others follow.
    var first: UInt64
    var bytes: Int
    /// Syncs of files and folders: one for the append if it was asked for, and those of a new segment.
    var syncs = 0
  }

  let folder: String
  private let segmentBytes: Int
  /// Places of the first records of the files, ascending; the last one is open.
  private(set) var segments: [UInt64] = []
  private(set) var next: UInt64 = 0
  /// Bytes cut off when the log was opened.
  private(set) var torn = 0
  private var file: DurableFile
  private var length = 0
  private var isSynced = true
  private var failure: LogFailure?

  /// - Parameter visit: gets every record that is there, in order.
  init(
    folder: String, segmentBytes: Int = 8 << 20, visit: (_ place: UInt64, _ payload: [UInt8]) -> Void = { _, _ in }
  ) throws(LogFailure) {
    self.folder = folder
    self.segmentBytes = segmentBytes
    do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
      throw LogFailure(operation: "making the folder", path: folder, code: ENOENT)
    }
    segments = Self.segments(in: folder)
    if segments.isEmpty {
      segments = [0]
      file = try DurableFile(Self.path(folder, 0))
      try DurableFile.sync(folder: folder)
      return
    }
    next = segments[0]
    file = try DurableFile(Self.path(folder, segments[0]))
    for (index, base) in segments.enumerated() {
      file = try DurableFile(Self.path(folder, base))
      guard base == next else { throw LogFailure(operation: "a gap before the first record", path: file.path) }
      let end = try scan(visit)
      if index < segments.count - 1 {
        guard end.isClean else { throw LogFailure(operation: "a damaged record in the middle", path: file.path) }
      } else if !end.isClean {
        torn = end.size - length
        try file.truncate(to: length)
      }
    }
    // What the last process wrote without a sync is handed out from now on, so it must stay.
    try file.sync()
  }

  /// Reads the open file from its start; `length` becomes the end of its last whole record.
  private func scan(_ visit: (UInt64, [UInt8]) -> Void) throws(LogFailure) -> (isClean: Bool, size: Int) {
    let bytes = try file.read(file.size, at: 0)
    length = 0
    while case .record(let payload) = LogRecord.parse(bytes, at: length, place: next) {
      visit(next, Array(bytes[payload]))
      next += 1
      length = payload.upperBound
    }
    return (length == bytes.count, bytes.count)
  }

  /// Whether the next append begins a new segment.
  var isFull: Bool { length >= segmentBytes }

  /// Appends payloads in one write; with `sync` they are on the disk when it returns. Nothing of a failed append is kept.
  func append(_ payloads: [[UInt8]], sync: Bool) -> Result<Written, LogFailure> {
    if let failure { return .failure(failure) }
    do throws(LogFailure) {
      var written = Written(first: next, bytes: 0)
      if isFull { written.syncs += try roll() }
      var bytes: [UInt8] = []
      for (index, payload) in payloads.enumerated() { LogRecord.append(payload, place: next + UInt64(index), to: &bytes) }
      do throws(LogFailure) { try file.write(bytes, at: length) } catch {
        // A full disk is no damage: the log goes on where it was once there is room.
        try file.truncate(to: length)
        return .failure(error)
      }
      next += UInt64(payloads.count)
      length += bytes.count
      written.bytes = bytes.count
      isSynced = false
      if sync { written.syncs += try syncNow() }
      return .success(written)
    } catch {
      failure = error
      return .failure(error)
    }
  }

  private func syncNow() throws(LogFailure) -> Int {
    if isSynced { return 0 }
    try file.sync()
    isSynced = true
    return 1
  }

  /// The old file first: a later segment must not survive the machine when an earlier record does not.
  private func roll() throws(LogFailure) -> Int {
    let syncs = try syncNow()
    file = try DurableFile(Self.path(folder, next))
    try DurableFile.sync(folder: folder)
    segments.append(next)
    length = 0
    return syncs + 1
  }

  /// Removes the files all of whose records are before `place`; never the open one.
  func removeSegments(below place: UInt64) {
    while segments.count > 1, segments[1] <= place {
      unlink(Self.path(folder, segments.removeFirst()))
    }
  }

  static func path(_ folder: String, _ base: UInt64) -> String {
    let digits = String(base)
    return "\(folder)/\(String(repeating: "0", count: 20 - digits.count))\(digits).log"
  }

  static func segments(in folder: String) -> [UInt64] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".log") && $0.utf8.count == 24 }.compactMap { UInt64($0.dropLast(4)) }.sorted()
  }
}
