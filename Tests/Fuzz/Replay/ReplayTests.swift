// What the fuzzers began with and what they found, once more: every input of Corpus and FailCases through its target. A name says
// what went wrong; a crash here is a defect that is back.

import Foundation
import FuzzTargets
import Testing

@Suite struct ReplayTests {
  private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

  private static func inputs(_ target: String) -> [URL] {
    ["Corpus", "FailCases"].flatMap { group in
      (try? FileManager.default.contentsOfDirectory(at: folder.appendingPathComponent("\(group)/\(target)"), includingPropertiesForKeys: nil)) ?? []
    }.sorted { $0.path < $1.path }
  }

  @Test("every input again", arguments: fuzzTargets.keys.sorted())
  func again(_ target: String) throws {
    let inputs = Self.inputs(target)
    #expect(!inputs.isEmpty, "the target \(target) has no corpus")
    for input in inputs {
      let bytes = try Data(contentsOf: input)
      do { try bytes.withUnsafeBytes { try fuzzTargets[target]!($0) } } catch { Issue.record("\(input.path): \(error)") }
    }
  }

}
