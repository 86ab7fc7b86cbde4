// The database file of a store: opened, looked through, and made anew from what can be read when it is damaged.
//
// Everybody who has it open holds a shared lock on the file beside it, and who moves a damaged one aside holds it alone: so
// nobody goes on writing into a file that was moved. SQLite deletes its log when the last session closes; a log that is there
// while nobody has the database open is the sign of a session that was killed.

import Foundation
import GRDB
import Synchronization
import TextModel

/// Why the store could not be used; `remedy` says what to do.
public struct StoreError: Error, Sendable {
  public var cause: String
  public var remedy: String

  init(_ cause: String, _ remedy: String) { (self.cause, self.remedy) = (cause, remedy) }

  init(_ error: any Error) {
    let cause = "the results database cannot be used: \((error as? DatabaseError)?.message ?? "\(error)")"
    switch (error as? DatabaseError)?.resultCode {
    case .SQLITE_FULL: self.init(cause, "free some space and run again; what was saved before is unchanged")
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_CANTOPEN, .SQLITE_AUTH:
      self.init(cause, "make the folder writable for this user: nothing is measured that cannot be saved")
    case .SQLITE_IOERR: self.init(cause, "the disk is full or fails: see `df` and `dmesg`; what was saved before is unchanged")
    case .SQLITE_CORRUPT, .SQLITE_NOTADB: self.init(cause, "run again: what can be read is saved into a new one then")
    case .SQLITE_BUSY, .SQLITE_LOCKED: self.init(cause, "another program holds it: end that, and run again")
    default: self.init(cause, "look at it with `sqlite3`; moved away, nb makes a new one, and what the notebooks show is in results/")
    }
  }
}

final class StoreFile: Sendable {
  let path: String
  let salvage: Salvage?
  private let queue: DatabaseQueue
  /// Held for as long as the database is open.
  private let lock: Mutex<FileLock?>

  init(_ path: String, _ checks: ResultStore.Checks) throws {
    self.path = path
    let (queue, lock, salvage) = try Self.opened(path, checks)
    (self.queue, self.salvage) = (queue, salvage)
    self.lock = Mutex(lock)
  }

  func read<T>(_ body: (Database) throws -> T) throws -> T {
    do { return try queue.read(body) } catch let error as DatabaseError { throw StoreError(error) }
  }

  func write<T>(_ body: (Database) throws -> T) throws -> T {
    do { return try queue.write(body) } catch let error as DatabaseError { throw StoreError(error) }
  }

  /// Nothing is read or written after it.
  func close() throws {
    try queue.close()
    lock.withLock { $0 = nil }
  }

  /// A new database that is whole but not yet in its place.
  static func ready(_ path: String) -> String { path + ".salvaged" }
  static func isSalvaged(_ path: String) -> Bool { access(ready(path), F_OK) == 0 }

  // MARK: Opening

  private static func opened(_ path: String, _ checks: ResultStore.Checks) throws -> (DatabaseQueue, FileLock, Salvage?) {
    let lockPath = path + "-lock"
    var salvage: Salvage?
    // Alone, if that can be had: then a log that is there was left by a session that was killed.
    if let alone = FileLock.take(lockPath) {
      defer { _ = alone }
      if isSalvaged(path) { salvage = try Salvage.finish(path) }
      let isLeft = fileSize(path + "-wal") > 0
      if let damage = damage(path, looking: checks == .always || isLeft) { salvage = try Salvage.run(path, damage: damage) }
      // Its tables are made while nobody else can: of two that make them at once, one would fail.
      do {
        try open(path).close()
      } catch let error as DatabaseError where isDamage(error) {
        salvage = try Salvage.run(path, damage: error.message ?? "\(error)")
      } catch let error as DatabaseError {
        throw StoreError(error)
      }
    }
    guard let shared = wait(for: lockPath, shared: true) else { throw inUse(path) }
    do {
      return (try open(path), shared, salvage)
    } catch let error as DatabaseError where isDamage(error) {
      // Another process has it open, and was first to see the damage.
      throw StoreError("the results database is damaged (\(error.message ?? "\(error)")), and another nb uses it", "end that one, and run again: what can be read is saved then")
    } catch let error as DatabaseError {
      throw StoreError(error)
    }
  }

  private static func open(_ path: String) throws -> DatabaseQueue {
    let queue = try DatabaseQueue(path: path, configuration: configuration)
    try ResultStore.migrator.migrate(queue)
    try ResultStore.indexWhatOlderVersionsWrote(queue)
    return queue
  }

  static var configuration: Configuration {
    var configuration = Configuration()
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { db in try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL") }
    return configuration
  }

  /// What is wrong with the database; nil: nothing, or nothing that a new one would mend.
  private static func damage(_ path: String, looking: Bool) -> String? {
    guard access(path, F_OK) == 0 else {
      return fileSize(path + "-wal") > 0 ? "its main file is gone" : nil
    }
    // SQLite takes an empty file for a new database, and throws the log away that belonged to the old one.
    if fileSize(path) == 0 { return fileSize(path + "-wal") > 0 ? "its main file is empty" : nil }
    guard looking || !hasWholeHeader(path) else { return nil }
    do {
      // Its close would write the log into a damaged file; what is read for certain is the log beside a copy, in Salvage.
      var configuration = configuration
      configuration.readonly = true
      configuration.prepareDatabase { _ in }
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      defer { try? queue.close() }
      let said = try queue.read { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") } ?? "ok"
      return said == "ok" ? nil : said
    } catch let error as DatabaseError where isDamage(error) {
      return error.message ?? "\(error)"
    } catch {
      // Opening it says what else is wrong.
      return nil
    }
  }

  private static func isDamage(_ error: DatabaseError) -> Bool { [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode) }

  /// Its first bytes are a database's, and the file is as long as they say.
  private static func hasWholeHeader(_ path: String) -> Bool {
    guard let file = FileHandle(forReadingAtPath: path), let bytes = try? file.read(upToCount: 100).map([UInt8].init), bytes.count == 100,
      bytes.starts(with: Array("SQLite format 3\0".utf8))
    else { return false }
    func number(_ at: Int) -> Int { bytes[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    let page = Int(bytes[16]) << 8 | Int(bytes[17])
    // The count of pages holds where the change counter is that of the last writer who kept it.
    return number(24) != number(92) || fileSize(path) == number(28) * (page == 1 ? 65_536 : page)
  }

  static func fileSize(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  private static func wait(for path: String, shared: Bool) -> FileLock? {
    for _ in 0..<600 {
      if let lock = FileLock.take(path, shared: shared) { return lock }
      usleep(50_000)
    }
    return nil
  }

  private static func inUse(_ path: String) -> StoreError {
    StoreError("the results database is damaged, and another nb has been saving what can be read for half a minute", "wait for it to end, and run again")
  }
}
