import Foundation
import Testing

@testable import TextModel

@Suite struct FileAccessTests {
  private func folder() throws -> String {
    let path = NSTemporaryDirectory() + "nb-files-\(UInt64.random(in: 0 ... .max))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  @Test("writing keeps the mode, follows a link, leaves nothing beside the file")
  func atomicWrite() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/a.md"
    #expect(try writeFileAtomically(path, Array("one".utf8)))
    chmod(path, 0o640)
    symlink("a.md", folder + "/link.md")
    #expect(try writeFileAtomically(folder + "/link.md", Array("two".utf8)))
    #expect(try !writeFileAtomically(path, Array("two".utf8)))
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
    #expect(try readFile(path, limit: 10) == Array("two".utf8))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["a.md", "link.md"])
  }

  @Test("what a document names lies in its folder, wherever links lead")
  func within() throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let course = folder + "/course"
    try FileManager.default.createDirectory(atPath: course + "/data", withIntermediateDirectories: true)
    try writeFileAtomically(folder + "/secret.csv", Array("secret".utf8))
    try writeFileAtomically(course + "/data/a.csv", Array("mine".utf8))
    symlink("a.csv", course + "/data/b.csv")
    symlink("../secret.csv", course + "/c.csv")
    symlink("..", course + "/up")
    symlink(course, folder + "/elsewhere")
    for name in ["data/a.csv", "data/b.csv", "./data//a.csv"] {
      #expect(try readFile(name, within: course, limit: 10) == Array("mine".utf8))
      #expect(try readFile(name, within: folder + "/elsewhere", limit: 10) == Array("mine".utf8))
    }
    for name in ["../secret.csv", "data/../../secret.csv", folder + "/secret.csv", "c.csv", "up/secret.csv", "", "."] {
      let error = #expect(throws: FileError.self) { _ = try readFile(name, within: course, limit: 10) }
      #expect(["outside-folder", "not-a-file"].contains(error?.diagnostic.id.rawValue))
    }
    #expect(throws: FileError.self) { _ = try readFile("data/none.csv", within: course, limit: 10) }
  }

  @Test("each unreadable file has its own name and a remedy", arguments: [
    ("missing", "missing-file"), ("", "not-a-file"), ("binary", "binary-file"), ("large", "file-too-large"),
  ])
  func errors(_ name: String, _ id: String) throws {
    let folder = try folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try writeFileAtomically(folder + "/binary", [0x4D, 0, 0x4D])
    try writeFileAtomically(folder + "/large", [UInt8](repeating: 65, count: 100))
    let path = name.isEmpty ? folder : folder + "/" + name
    let error = #expect(throws: FileError.self) { _ = try SourceText(contentsOf: path, limit: 50) }
    #expect(error?.diagnostic.id.rawValue == id)
    #expect(error?.diagnostic.remedy != nil)
  }
}
