import ExperimentModel
import Foundation
import Testing

@testable import Reporting

@Suite struct ResultsFilePartsTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Notebooks/results")

  @Test("a few cells of a file are what decoding the whole file gives of them")
  func cells() throws {
    let files = try FileManager.default.contentsOfDirectory(at: Self.folder, includingPropertiesForKeys: nil).filter { $0.pathExtension == "json" }
    #expect(files.count > 10)
    for file in files {
      let bytes = [UInt8](try Data(contentsOf: file))
      let all = try parseResultsJSON(bytes)
      for wanted in [Set(all.prefix(1).map(\.id)), Set(all.suffix(2).map(\.id)), ["not-there"], Set(all.map(\.id))] {
        #expect(keepingCells(of: wanted, bytes) != nil)
        #expect(try parseResultsJSON(bytes, of: wanted) == all.filter { wanted.contains($0.id) })
      }
    }
  }

  @Test("ids inside of strings and of inner objects are not those of a cell; a file of another layout is decoded whole")
  func hostile() throws {
    var one = CellResult(id: "a", kind: "bench", title: #""id" : "b", {[\"#, inputs: "0", quick: false, evidence: .real)
    one.doubts = [Doubt(id: "b", text: "id")]
    one.why = "id"
    let two = CellResult(id: "b", kind: "bench", inputs: "1", quick: false, evidence: .real)
    let bytes = try resultsJSON([one, two])
    #expect(try parseResultsJSON(bytes, of: ["b"]) == [two])
    #expect(try parseResultsJSON(bytes, of: ["a"]) == [one])
    let compact = Array(String(decoding: bytes, as: UTF8.self).filter { !$0.isNewline }.replacing("\"cells\" : [", with: "\"cells\":[").utf8)
    #expect(keepingCells(of: ["a"], compact) == nil)
    #expect(throws: ResultsFileError.self) { try parseResultsJSON(Array(bytes.dropLast(9)), of: ["a"]) }
  }
}
