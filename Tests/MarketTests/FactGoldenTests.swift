import Foundation
import Testing
import TextModel

@testable import Market

/// Golden folders with a `facts.yml`; UPDATE_GOLDEN=1 rewrites `expected.txt`.
@Suite struct FactGoldenTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Golden/Fail")

  @Test("what a reader of a mistaken fact sees", arguments: MarketDiagnosticID.all.map(\.rawValue))
  func failing(_ name: String) throws {
    let folder = Self.root.appendingPathComponent(name)
    let source = SourceText(path: "facts.yml", bytes: [UInt8](try Data(contentsOf: folder.appendingPathComponent("facts.yml"))))
    var diagnostics = Diagnostics()
    _ = loadFacts(source, today: "2026-11-23", diagnostics: &diagnostics)
    #expect(diagnostics.all.contains { $0.id.rawValue == name })
    let text = diagnostics.ordered.map { $0.rendered(in: source) }.joined(separator: "\n")
    let url = folder.appendingPathComponent("expected.txt")
    if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" { try Data(text.utf8).write(to: url) }
    #expect(try String(contentsOf: url, encoding: .utf8) == text)
  }

  @Test("the course's own facts read without a mistake")
  func courseFacts() throws {
    let url = Self.root.deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
      "Notebooks/market/facts.yml")
    guard let data = try? Data(contentsOf: url) else { return }
    var diagnostics = Diagnostics()
    let facts = loadFacts(SourceText(path: "facts.yml", bytes: [UInt8](data)), today: "2026-11-23", diagnostics: &diagnostics)
    #expect(diagnostics.all == [])
    #expect(!facts.isEmpty)
  }
}
