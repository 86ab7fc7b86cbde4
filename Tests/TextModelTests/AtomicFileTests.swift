import Foundation
import Testing

@testable import TextModel

@Suite struct AtomicFileTests {
  private func withFolder(_ body: (String) throws -> Void) throws {
    let path = NSTemporaryDirectory() + "nb-atomic-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try body(path)
  }

  private func names(_ folder: String) throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
  private func text(_ path: String) throws -> String { String(decoding: try readFile(path, limit: 1_000), as: UTF8.self) }

  @Test("until it is committed nobody sees it, and what is not committed leaves nothing", arguments: [true, false])
  func steps(_ durable: Bool) throws {
    try withFolder { folder in
      let path = folder + "/a.md"
      try writeFileAtomically(path, Array("old".utf8), durable: durable)
      let dropped = try AtomicFile(path, durable: durable)
      try dropped.write(Array("never".utf8))
      dropped.discard()
      let file = try AtomicFile(path, durable: durable)
      try file.write(Array("ne".utf8))
      try file.write(Array("w".utf8))
      var (now, there) = (try text(path), try names(folder))
      #expect(now == "old" && there == ["a.md"])
      try file.commit()
      (now, there) = (try text(path), try names(folder))
      #expect(now == "new" && there == ["a.md"])
    }
  }

  @Test("a file that somebody changed meanwhile is left alone")
  func changed() throws {
    try withFolder { folder in
      let path = folder + "/a.md"
      try writeFileAtomically(path, Array("one".utf8))
      let error = #expect(throws: FileError.self) { try writeFileAtomically(path, Array("two".utf8), replacing: Array("zero".utf8)) }
      #expect(error?.diagnostic.id == "changed-meanwhile")
      let (now, there) = (try text(path), try names(folder))
      #expect(now == "one" && there == ["a.md"])
      #expect(try writeFileAtomically(path, Array("two".utf8), replacing: Array("one".utf8)))
    }
  }

  @Test("what a killed process left is removed by who holds the file, or when the process is gone; other files stay")
  func leftovers() throws {
    try withFolder { folder in
      let path = folder + "/a.md"
      // Of a process that cannot be there: Linux has no such number.
      for name in ["a.md", ".a.md.nb-4194999", ".a.md.nb-x", ".b.md.nb-4194999", "a.md.nb-4194999", ".a.md.nb-\(getpid())"] {
        FileManager.default.createFile(atPath: folder + "/" + name, contents: nil)
      }
      AtomicFile.removeLeftovers(in: folder)
      var there = try names(folder)
      #expect(there == [".a.md.nb-\(getpid())", ".a.md.nb-x", "a.md", "a.md.nb-4194999"])
      AtomicFile.removeLeftovers(of: path)
      there = try names(folder)
      #expect(there == [".a.md.nb-x", "a.md", "a.md.nb-4194999"])
    }
  }

  @Test("a name that is as long as the file system allows, and one that is not")
  func longNames() throws {
    try withFolder { folder in
      let name = String(repeating: "ä", count: 127)
      try writeFileAtomically(folder + "/" + name, [65])
      let now = try text(folder + "/" + name)
      #expect(now == "A")
      #expect(throws: FileError.self) { try writeFileAtomically(folder + "/" + name + "äää", [65]) }
      let there = try names(folder)
      #expect(there == [name])
    }
  }
}

@Suite struct FileLockTests {
  @Test("one holds it, says who it is, and gives it back; shared ones go together")
  func taking() throws {
    let path = NSTemporaryDirectory() + "nb-lock-\(UInt64.random(in: 0 ... .max))"
    defer { unlink(path) }
    var first = FileLock.take(path, command: "nb run a.md")
    #expect(first != nil && FileLock.take(path) == nil && FileLock.take(path, shared: true) == nil)
    let holder = try #require(FileLock.holder(path))
    #expect(holder.pid == getpid() && holder.command == "nb run a.md" && holder.since.hasPrefix("20") && holder.since.hasSuffix("Z"))
    first = nil
    let shared = [FileLock.take(path, shared: true), FileLock.take(path, shared: true)]
    #expect(!shared.contains { $0 == nil } && FileLock.take(path) == nil)
    withExtendedLifetime((first, shared)) {}
  }

  @Test("a child of the process that holds it does not keep it")
  func inherited() throws {
    let path = NSTemporaryDirectory() + "nb-lock-\(UInt64.random(in: 0 ... .max))"
    defer { unlink(path) }
    var lock = FileLock.take(path)
    let child = Process()
    child.executableURL = URL(fileURLWithPath: "/bin/sleep")
    child.arguments = ["30"]
    try child.run()
    defer { child.terminate() }
    #expect(lock != nil && FileLock.take(path) == nil)
    lock = nil
    #expect(FileLock.take(path) != nil && child.isRunning)
  }
}
