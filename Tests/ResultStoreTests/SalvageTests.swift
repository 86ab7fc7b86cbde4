import ExperimentModel
import Foundation
import GRDB  // tidy: allow looks through what was salvaged
import Testing
import TextModel

@testable import ResultStore

/// Damage of every kind that a disk, a power cut or a person does to a database file.
@Suite struct SalvageTests {
  private static let count = 60
  private let stamp = RunStamp(finished: "2026-11-23T12:00:00Z", commit: "4f2a91c", environment: ["cores": "2"])

  /// Every third result has more than fits on a page, so that its rest is on a chain of others.
  private func result(_ number: Int) -> CellResult {
    var result = CellResult(id: "cell-\(number % 7)", kind: "load", inputs: "0123456789", quick: number % 2 == 0, evidence: .real)
    let metrics = (0..<(number % 3 == 0 ? 90 : 3)).map { ("metric-\($0)", MetricValue(Estimate(Double(number * 100 + $0)), .nanoseconds)) }
    result.arms = [ArmResult(name: "on", metrics: Dictionary(metrics, uniquingKeysWith: { a, _ in a }))]
    return result
  }

  private func withStore(open: Bool = false, _ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "nb-salvage-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/results.sqlite"
    let store = try ResultStore(path: path)
    for number in 1...Self.count { try store.save(result(number), lesson: "day08", stamp: stamp) }
    try withExtendedLifetime(store) { if open { try body(path) } }
    if !open {
      try store.file.close()
      try body(path)
    }
  }

  private func bytes(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }
  private func put(_ bytes: [UInt8], _ path: String) throws { try Data(bytes).write(to: URL(fileURLWithPath: path)) }

  /// Opens a damaged store: every row that it still has is as it was saved, and no more than `most` are lost.
  private func check(_ path: String, losing most: Int, _ what: Comment) throws {
    let damaged = try bytes(path)
    let store = try ResultStore(path: path, checks: .always)
    let salvage = try #require(store.salvage, what)
    let rows = try store.file.read { db in try Salvage.Saved.all(db) }
    #expect(rows.count == salvage.rows && rows.count >= Self.count - most, "\(what): \(salvage.text)")
    // Of the newest rows nothing may be left that says that they were there.
    #expect(rows.count + salvage.lost.count <= Self.count && Set(rows.map(\.id)).isDisjoint(with: salvage.lost), "\(what): \(salvage.text)")
    for row in rows {
      let saved = try JSONDecoder().decode(CellResult.self, from: row.value)
      #expect(saved == result(Int(row.id)) && row.lesson == "day08" && row.finished == stamp.finished, what)
    }
    let aside = try bytes(salvage.aside)
    #expect(aside == damaged, "\(what): the damaged file is kept as it was")
    // The new one is whole, has the numbers of history, and takes more.
    let integrity = try store.file.read { db in try String.fetchOne(db, sql: "PRAGMA integrity_check") }
    #expect(integrity == "ok")
    let points = try store.history(HistoryFilter(lesson: "day08", metric: "metric-1")).flatMap(\.points)
    #expect(points.count == rows.count)
    try store.save(result(Self.count + 1), lesson: "day08", stamp: stamp)
    try store.file.close()
    let again = try ResultStore(path: path, checks: .always)
    #expect(again.salvage == nil)
    try again.file.close()
  }

  @Test("an undamaged store is left alone, however it was left")
  func whole() throws {
    try withStore { path in
      let store = try ResultStore(path: path, checks: .always)
      #expect(store.salvage == nil)
    }
    try withStore(open: true) { path in
      // As a kill leaves it: the rows are in the log.
      let folder = (path as NSString).deletingLastPathComponent + "-killed"
      try FileManager.default.copyItem(atPath: (path as NSString).deletingLastPathComponent, toPath: folder)
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let store = try ResultStore(path: folder + "/results.sqlite")
      let count = try store.count(lesson: "day08")
      #expect(store.salvage == nil && count == Self.count)
    }
  }

  @Test("each page torn in turn costs the rows on that page at most", arguments: ["zeros", "noise", "half"])
  func pages(_ kind: String) throws {
    try withStore { path in
      let original = try bytes(path)
      let pages = original.count / 4_096
      #expect(pages > 40)
      for page in stride(from: 0, to: pages, by: kind == "noise" ? 5 : 11) {
        var torn = original
        let half = kind == "half" ? page * 4_096 + 2_048 : page * 4_096
        for i in half..<(page + 1) * 4_096 { torn[i] = kind == "zeros" ? 0 : UInt8(truncatingIfNeeded: (i &* 2_654_435_761) >> 11) }
        try put(torn, path)
        for ending in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + ending) }
        let now = try ResultStore(path: path, checks: .always)
        let isSeen = now.salvage != nil
        try now.file.close()
        // A page of the second form of the numbers, or half of one with free space, need not be damage.
        guard isSeen else { continue }
        try put(torn, path)
        try check(path, losing: page == 0 ? 0 : 12, "page \(page + 1), \(kind)")
      }
    }
  }

  @Test("a file that was cut, emptied, overwritten or is no database")
  func files() throws {
    try withStore { path in
      let original = try bytes(path)
      for share in [0.9, 0.5, 0.2] {
        try put(Array(original[..<(Int(Double(original.count) * share))]), path)
        try check(path, losing: Int(Double(Self.count) * (1 - share) * 1.6) + 12, "cut to \(share)")
      }
      try put([UInt8](repeating: 0, count: 100) + original[100...], path)
      try check(path, losing: 0, "the header is zero")
      try put([UInt8](repeating: 65, count: 9_000), path)
      try check(path, losing: Self.count, "garbage")
    }
  }

  @Test("a main file that is gone or empty beside its log: what the log has is saved", arguments: [true, false])
  func log(_ isGone: Bool) throws {
    try withStore(open: true) { path in
      let folder = (path as NSString).deletingLastPathComponent + "-log"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: folder) }
      try FileManager.default.copyItem(atPath: path + "-wal", toPath: folder + "/results.sqlite-wal")
      if !isGone { try put([], folder + "/results.sqlite") }
      let store = try ResultStore(path: folder + "/results.sqlite")
      // A checkpoint after every thousand pages begins the log anew over what the main file has.
      let salvage = try #require(store.salvage)
      #expect(salvage.rows > 0 && FileManager.default.fileExists(atPath: salvage.aside + "-wal"))
    }
  }

  @Test("a salvage that was cut off after any of its steps is gone on with")
  func cutOff() throws {
    try withStore { path in
      let original = try bytes(path)
      for step in 0..<3 {
        var torn = original
        for i in 8_192..<12_288 { torn[i] = 0xAA }
        try put(torn, path)
        try put(Array("log".utf8), path + "-wal")
        let salvage = try Salvage.run(path, damage: "torn", finishing: false)
        if step > 0 { try FileManager.default.moveItem(atPath: path, toPath: salvage.aside) }
        if step > 1 { try FileManager.default.moveItem(atPath: path + "-wal", toPath: salvage.aside + "-wal") }
        let store = try ResultStore(path: path)
        #expect(store.salvage?.rows == salvage.rows && salvage.rows > Self.count - 12)
        let (count, aside) = (try store.count(lesson: "day08"), try bytes(salvage.aside))
        #expect(count == salvage.rows && aside == torn)
        try store.file.close()
      }
    }
  }

  @Test("while another has it open, a damaged store is not moved away beneath it")
  func inUse() throws {
    try withStore { path in
      var torn = try bytes(path)
      for i in 0..<torn.count { torn[i] = 0xAA }
      try put(torn, path)
      let other = FileLock.take(path + "-lock", shared: true)
      defer { withExtendedLifetime(other) {} }
      let error = #expect(throws: StoreError.self) { _ = try ResultStore(path: path, checks: .always) }
      #expect(error?.cause.contains("another nb") == true)
      let now = try bytes(path)
      #expect(now == torn)
    }
  }
}
