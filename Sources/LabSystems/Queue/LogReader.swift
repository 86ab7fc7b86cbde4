/// Reads a log's records in order while another thread appends to it. The two share nothing but the files: the caller says
/// up to where records are complete. Used by one thread at a time.
final class LogReader: @unchecked Sendable {
  private static let chunk = 64 << 10

  private let folder: String
  /// Place of the next record.
  private(set) var next: UInt64
  private var file: DurableFile?
  /// Where in the file `buffer` goes on.
  private var position = 0
  private var buffer: [UInt8] = []
  /// Start of the next record in `buffer`.
  private var at = 0

  init(folder: String, next: UInt64) { self.folder = folder; self.next = next }

  /// Up to `count` records that begin before `end`.
  func read(_ count: Int, before end: UInt64) throws(LogFailure) -> [(place: UInt64, payload: [UInt8])] {
    var records: [(place: UInt64, payload: [UInt8])] = []
    if file == nil, count > 0, next < end { try seek() }
    while records.count < count, next < end {
      switch LogRecord.parse(buffer, at: at, place: next) {
      case .record(let payload):
        records.append((next, Array(buffer[payload])))
        next += 1
        at = payload.upperBound
      case .incomplete: try fill()
      case .damaged: throw LogFailure(operation: "a damaged record was read", path: file?.path ?? folder)
      }
    }
    return records
  }

  /// Opens the segment that holds `next` and skips what is before it.
  private func seek() throws(LogFailure) {
    guard let base = SegmentedLog.segments(in: folder).last(where: { $0 <= next }) else {
      throw LogFailure(operation: "looking for record \(next)", path: folder)
    }
    let wanted = next
    next = base
    try open(base)
    while next < wanted {
      switch LogRecord.parse(buffer, at: at, place: next) {
      case .record(let payload):
        next += 1
        at = payload.upperBound
      case .incomplete: try fill()
      case .damaged: throw LogFailure(operation: "a damaged record was read", path: folder)
      }
    }
  }

  private func open(_ base: UInt64) throws(LogFailure) {
    file = try DurableFile(SegmentedLog.path(folder, base), isReadOnly: true)
    position = 0
    buffer = []
    at = 0
  }

  /// More bytes, or the segment that begins with the record that was not here.
  private func fill() throws(LogFailure) {
    guard let file else { return }
    let more = try file.read(max(Self.chunk, needed), at: position)
    if more.isEmpty {
      guard at == buffer.count else { throw LogFailure(operation: "a record ends early", path: file.path) }
      return try open(next)
    }
    position += more.count
    buffer.removeSubrange(..<at)
    at = 0
    buffer += more
  }

  /// Bytes that the record at the front lacks, if its length is known.
  private var needed: Int {
    guard buffer.count - at >= LogRecord.headLength else { return 0 }
    return LogRecord.headLength + Int(buffer.integer(at: at, UInt32.self)) - (buffer.count - at)
  }
}
