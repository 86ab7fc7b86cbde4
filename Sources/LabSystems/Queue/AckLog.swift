/// Which messages of a topic are done with, and how often the others have failed: a value with its own bytes.
struct Acknowledged: Equatable, Sendable {
  /// Everything below is done.
  private(set) var floor: UInt64 = 0
  /// Done as well, all of them at or above the floor.
  private(set) var above: Set<UInt64> = []
  /// Failed deliveries of messages that are not done.
  private(set) var failures: [UInt64: Int] = [:]

  /// What one batch came to.
  struct Entry: Equatable, Sendable {
    var done: [UInt64] = []
    var failed: [UInt64] = []
  }

  func contains(_ place: UInt64) -> Bool { place < floor || above.contains(place) }

  mutating func apply(_ entry: Entry) {
    for place in entry.failed where !contains(place) { failures[place, default: 0] += 1 }
    for place in entry.done where place >= floor {
      above.insert(place)
      failures[place] = nil
    }
    while above.remove(floor) != nil { floor += 1 }
  }

  var snapshot: [UInt8] {
    var bytes: [UInt8] = [Kind.snapshot.rawValue]
    bytes.appendInteger(floor)
    bytes.appendInteger(UInt32(above.count))
    above.sorted().forEach { bytes.appendInteger($0) }
    bytes.appendInteger(UInt32(failures.count))
    for (place, count) in failures.sorted(by: { $0.key < $1.key }) {
      bytes.appendInteger(place)
      bytes.appendInteger(UInt32(count))
    }
    return bytes
  }

  static func bytes(of entry: Entry) -> [UInt8] {
    var bytes: [UInt8] = [Kind.entry.rawValue]
    for places in [entry.done, entry.failed] {
      bytes.appendInteger(UInt32(places.count))
      places.forEach { bytes.appendInteger($0) }
    }
    return bytes
  }

  private enum Kind: UInt8 { case snapshot = 0, entry = 1 }

  /// Takes in one record of an acknowledgement log; false when it is none.
  mutating func read(_ bytes: [UInt8]) -> Bool {
    var reader = ByteReader(bytes)
    func places() -> [UInt64]? {
      guard let count = reader.integer(UInt32.self) else { return nil }
      var found: [UInt64] = []
      for _ in 0..<count {
        guard let place = reader.integer(UInt64.self) else { return nil }
        found.append(place)
      }
      return found
    }
    switch reader.integer(UInt8.self).flatMap(Kind.init) {
    case .entry:
      guard let done = places(), let failed = places() else { return false }
      apply(Entry(done: done, failed: failed))
    case .snapshot:
      guard let floor = reader.integer(UInt64.self), let above = places(), let count = reader.integer(UInt32.self) else { return false }
      var failures: [UInt64: Int] = [:]
      for _ in 0..<count {
        guard let place = reader.integer(UInt64.self), let times = reader.integer(UInt32.self) else { return false }
        failures[place] = Int(times)
      }
      self.floor = floor
      self.above = Set(above)
      self.failures = failures
    case nil: return false
    }
    return true
  }
}

/// The durable side of `Acknowledged`: one record for each batch. A new segment begins with a snapshot of everything, after
/// which the old ones are not needed, so the log stays as small as two segments. Used by one thread at a time.
final class AckLog: @unchecked Sendable {
  private(set) var state = Acknowledged()
  private let log: SegmentedLog

  init(folder: String, segmentBytes: Int = 1 << 20) throws(LogFailure) {
    var state = Acknowledged()
    var isReadable = true
    log = try SegmentedLog(folder: folder, segmentBytes: segmentBytes) { _, payload in
      isReadable = state.read(payload) && isReadable
    }
    guard isReadable else { throw LogFailure(operation: "an unknown record", path: folder) }
    self.state = state
  }

  func append(_ entry: Acknowledged.Entry, sync: Bool) -> Result<SegmentedLog.Written, LogFailure> {
    let isNewSegment = log.isFull
    let payloads = (isNewSegment ? [state.snapshot] : []) + [Acknowledged.bytes(of: entry)]
    let result = log.append(payloads, sync: sync)
    if case .success(let written) = result {
      state.apply(entry)
      if isNewSegment { log.removeSegments(below: written.first) }
    }
    return result
  }
}
