import DocumentModel
import ExperimentModel
import Foundation
import StrictYAML
import Testing
import TextModel

@testable import PerfLanguage

@Suite struct GoldenTests {
  private static let documentIDs = [
    "unclosed-fence", "nested-perf-fence", "region-without-end", "region-without-start", "duplicate-region", "costly-markdown",
  ]
  private static let ids = (YAMLDiagnosticID.all + PerfDiagnosticID.all).map(\.rawValue) + documentIDs

  @Test("every diagnostic has a case, and an id is listed once")
  func complete() {
    let cases = Set(Golden.cases("Fail"))
    #expect(Self.ids.filter { !cases.contains($0) } == [])
    #expect(Set(Self.ids).count == Self.ids.count)
  }

  @Test("what a reader sees", arguments: Golden.cases("Fail").filter(ids.contains))
  func failing(_ name: String) throws {
    let source = try Golden.input("Fail", name)
    let found = plan(source).found
    #expect(found.contains { $0.id.rawValue == name })
    // A line of 66 KB says nothing more in full.
    let text = found.map { $0.rendered(in: source) }.joined(separator: "\n").split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0.count > 300 ? String($0.prefix(60)) + " …" : String($0) }.joined(separator: "\n")
    try Golden.check(text, "Fail", name, "expected.txt")
  }

  @Test(
    "plans",
    arguments: Golden.cases("Succeed", with: "expected.json").isEmpty
      ? Golden.cases("Succeed") : Golden.cases("Succeed", with: "expected.json"))
  func succeeding(_ name: String) throws {
    let source = try Golden.input("Succeed", name)
    let (planned, found) = plan(source)
    #expect(found.map { $0.rendered(in: source) } == [])
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    let json = try encoder.encode(planned.plan)
    try Golden.check(String(decoding: json, as: UTF8.self) + "\n", "Succeed", name, "expected.json")
    #expect(try JSONDecoder().decode(Plan.self, from: json) == planned.plan)
  }
}
