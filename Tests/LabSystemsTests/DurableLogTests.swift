import Foundation
import Testing

@testable import LabSystems

/// A folder of its own for one test.
final class Scratch {
  let path = FileManager.default.temporaryDirectory.path + "/nb-queue-test-\(UUID().uuidString)"
  init() { try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: path) }
}

extension Result {
  /// The value of a success; the test fails otherwise.
  func value(_ place: SourceLocation = #_sourceLocation) throws -> Success {
    switch self {
    case .success(let value): return value
    case .failure(let error): Issue.record("\(error)", sourceLocation: place); throw error
    }
  }
}

@Suite struct DurableLogTests {
  private func payloads(_ count: Int) -> [[UInt8]] {
    var random = SeededRandom(seed: UInt64(count))
    return (0..<count).map { i in
      [UInt8(truncatingIfNeeded: i)] + (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
    }
  }

  private func contents(_ folder: String) throws -> (records: [[UInt8]], log: SegmentedLog) {
    var records: [[UInt8]] = []
    let log = try SegmentedLog(folder: folder, segmentBytes: 300) { place, payload in
      #expect(place == UInt64(records.count))
      records.append(payload)
    }
    return (records, log)
  }

  /// The check values of RFC 3720, B.4, and of the usual "123456789".
  @Test func castagnoliChecksums() {
    #expect(CRC32C.of(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.of([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.of([UInt8](repeating: 255, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.of(Array(0..<32)) == 0x46DD_794E)
    #expect(CRC32C.of(Array("6789".utf8), after: CRC32C.of(Array("12345".utf8))) == 0xE306_9283)
  }

  @Test func whatWasAppendedIsThereInOrderOverSegments() throws {
    let scratch = Scratch()
    let written = payloads(100)
    let log = try SegmentedLog(folder: scratch.path, segmentBytes: 300)
    for (index, payload) in written.enumerated() {
      #expect(try log.append([payload], sync: false).value().first == UInt64(index))
    }
    #expect(log.segments.count > 5)
    let again = try contents(scratch.path)
    #expect(again.records == written && again.log.next == 100 && again.log.torn == 0)
    // From any place, in pieces of any size.
    for start in [0, 1, 17, 99, 100] {
      let reader = LogReader(folder: scratch.path, next: UInt64(start))
      var read: [[UInt8]] = []
      while read.count < 100 - start { read += try reader.read(7, before: 100).map(\.payload) }
      #expect(read == Array(written[start...]))
      #expect(try reader.read(7, before: 100).isEmpty)
    }
  }

  /// The process dies after any byte: every record that had been written whole is there, nothing else, and the log goes on.
  @Test func aCrashAtEachByteKeepsEveryWholeRecord() throws {
    let scratch = Scratch()
    let written = payloads(5)
    let log = try SegmentedLog(folder: scratch.path + "/whole")
    var ends = [0]
    for payload in written {
      ends.append(ends.last! + LogRecord.headLength + payload.count)
      _ = try log.append([payload], sync: true).value()
    }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: SegmentedLog.path(scratch.path + "/whole", 0)))
    try #require(bytes.count == ends.last)
    for length in 0...bytes.count {
      let folder = scratch.path + "/cut-\(length)"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      try bytes.prefix(length).write(to: URL(fileURLWithPath: SegmentedLog.path(folder, 0)))
      let whole = ends.lastIndex { $0 <= length }!
      let (records, log) = try contents(folder)
      #expect(records == Array(written[..<whole]), "\(length) bytes")
      #expect(log.torn == length - ends[whole])
      _ = try log.append([[1, 2, 3]], sync: true).value()
      #expect(try contents(folder).records == written[..<whole] + [[1, 2, 3]])
    }
  }

  /// A sector that was not written, or written elsewhere: the tail is cut there. In the middle it is damage, and said.
  @Test func damageIsCutAtTheEndAndRefusedInTheMiddle() throws {
    let scratch = Scratch()
    let written = payloads(60)
    let log = try SegmentedLog(folder: scratch.path, segmentBytes: 300)
    _ = try written.map { try log.append([$0], sync: false).value() }
    let bases = log.segments
    let last = URL(fileURLWithPath: SegmentedLog.path(scratch.path, bases.last!))
    let intact = try Data(contentsOf: last)
    for position in intact.indices {
      var bytes = intact
      bytes[position] ^= 0x10
      try bytes.write(to: last)
      let (records, log) = try contents(scratch.path)
      #expect(records.count < 60 && records == Array(written[..<records.count]) && log.torn > 0)
      #expect(records.count >= Int(bases.last!))
    }
    try intact.write(to: last)
    #expect(try contents(scratch.path).records == written)
    let middle = URL(fileURLWithPath: SegmentedLog.path(scratch.path, bases[1]))
    var bytes = try Data(contentsOf: middle)
    bytes[10] ^= 1
    try bytes.write(to: middle)
    #expect(throws: LogFailure.self) { try contents(scratch.path) }
    try FileManager.default.removeItem(at: middle)
    #expect(throws: LogFailure.self) { try contents(scratch.path) }
  }

  @Test func anIntactRecordAtAnotherPlaceIsNone() {
    var bytes: [UInt8] = []
    LogRecord.append([7, 8], place: 3, to: &bytes)
    #expect(LogRecord.parse(bytes, at: 0, place: 3) == .record(payload: 8..<10))
    #expect(LogRecord.parse(bytes, at: 0, place: 4) == .damaged)
    #expect(LogRecord.parse([UInt8](repeating: 0, count: 64), at: 0, place: 0) == .damaged, "pages that were never written")
  }

  @Test func syncsAreCountedOneForOne() throws {
    let scratch = Scratch()
    let log = try SegmentedLog(folder: scratch.path)
    #expect(try log.append([[1]], sync: true).value().syncs == 1)
    #expect(try log.append([[1], [2], [3]], sync: true).value().syncs == 1)
    #expect(try log.append([[1]], sync: false).value().syncs == 0)
    // A new segment syncs the old one if it must, and the folder.
    let small = try SegmentedLog(folder: scratch.path + "/small", segmentBytes: 1)
    #expect(try small.append([[1]], sync: true).value().syncs == 1)
    #expect(try small.append([[1]], sync: true).value().syncs == 2)
    #expect(try small.append([[1]], sync: false).value().syncs == 1)
    #expect(try small.append([[1]], sync: false).value().syncs == 2)
  }

  @Test func acknowledgedSegmentsGo() throws {
    let scratch = Scratch()
    let log = try SegmentedLog(folder: scratch.path, segmentBytes: 300)
    for payload in payloads(100) { _ = try log.append([payload], sync: false).value() }
    let bases = log.segments
    log.removeSegments(below: bases[3] - 1)
    #expect(log.segments == Array(bases[2...]) && SegmentedLog.segments(in: scratch.path) == Array(bases[2...]))
    log.removeSegments(below: 100)
    #expect(log.segments == [bases.last!], "the open one stays")
    let again = try SegmentedLog(folder: scratch.path, segmentBytes: 300)
    #expect(again.next == 100)
  }

  @Test func messagesKeepTheirVariables() {
    let message = Message(publishedAt: -5, names: ["id", "name"], values: ["7", "Zoë, \u{1F9ED}"], padding: 300)
    #expect(Message(message.encoded) == message && message.encoded.count > 300)
    #expect(Message(Message(publishedAt: 1, names: [], values: []).encoded)?.names == [])
    for length in 0..<message.encoded.count - 300 { #expect(Message(Array(message.encoded.prefix(length))) == nil) }
  }
}

@Suite struct AcknowledgementTests {
  /// Against a plain set: the same answers after every step, after a snapshot and after a restart at any step.
  @Test(arguments: 0..<20 as Range<UInt64>) func theFloorAndTheSetAreOneSet(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let scratch = Scratch()
    var log = try AckLog(folder: scratch.path, segmentBytes: 200)
    var done: Set<UInt64> = []
    var failures: [UInt64: Int] = [:]
    for _ in 0..<120 {
      var entry = Acknowledged.Entry()
      for _ in 0..<Int.random(in: 0...4, using: &random) { entry.done.append(UInt64.random(in: 0..<60, using: &random)) }
      let failed = UInt64.random(in: 0..<80, using: &random)
      if !done.contains(failed), !entry.done.contains(failed) {
        entry.failed = [failed]
        failures[failed, default: 0] += 1
      }
      _ = try log.append(entry, sync: false).value()
      done.formUnion(entry.done)
      entry.done.forEach { failures[$0] = nil }
      if Int.random(in: 0..<10, using: &random) == 0 { log = try AckLog(folder: scratch.path, segmentBytes: 200) }
      for place in 0..<90 as Range<UInt64> { #expect(log.state.contains(place) == done.contains(place)) }
      #expect(log.state.failures == failures)
      #expect(!log.state.above.contains(log.state.floor))
      var copy = Acknowledged()
      #expect(copy.read(log.state.snapshot) && copy == log.state)
    }
    #expect(SegmentedLog.segments(in: scratch.path).count <= 2)
  }

  @Test func quantilesOfAgesAreWithinABucket() {
    var random = SeededRandom(seed: 3)
    var ages = AgeHistogram()
    var plain: [Int] = []
    for _ in 0..<5_000 {
      let age = Int(random.next() >> UInt64.random(in: 12...60, using: &random))
      plain.append(age)
      ages.record(Int64(age))
    }
    plain.sort()
    for q in [0.01, 0.5, 0.9, 0.99, 1] {
      let exact = plain[max(0, Int((q * 5_000).rounded(.up)) - 1)]
      let found = ages.quantile(q)
      #expect(found >= exact && Double(found) <= Double(exact) * 1.07 + 1, "\(q): \(found) for \(exact)")
    }
    #expect(ages.filled.reduce(0) { $0 + $1.count } == 5_000 && ages.max == plain.last)
    for pair in zip(ages.filled, ages.filled.dropFirst()) { #expect(pair.0.limit < pair.1.limit) }
  }
}
