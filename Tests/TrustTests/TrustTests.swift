// What is trusted, by value: digests, verdicts and records.

import DocumentModel
import ExperimentModel
import Foundation
import PerfLanguage
import Testing
import TextModel

@testable import Trust

private func parts(_ text: String) -> [ExecutablePart] {
  let document = Document(parsing: SourceText(path: "t.md", text: text))
  var findings = Diagnostics()
  let plan = Planner().plan(document, diagnostics: &findings).plan
  #expect(!findings.hasErrors, "\(findings.ordered.map(\.cause))")
  return executableParts(of: plan.cells, in: document, folder: "/nowhere")
}

private let fence = """
  # T

  ```python #work edit n=4
  def subject(n):
      return n
  ```

  ```perf
  kind: bench
  id: b
  subjects: [{fence: work}, {command: 'sort a.txt', name: sort}]
  ```

  """

@Suite struct TrustTests {
  @Test func aNotebookExecutesWhatItsBlocksName() {
    let found = parts(fence)
    #expect(found.map(\.title) == ["fence #work", "command of `b`"])
    #expect(found[0].isEdit && found[0].line == 3 && found[0].text == "def subject(n):\n    return n")
  }

  @Test func proseSizeAndPlaceAreNoPartOfIt() {
    let digests = Set(parts(fence).map(\.digest))
    #expect(Set(parts(fence.replacingOccurrences(of: "# T", with: "# Other\n\nMore prose.")).map(\.digest)) == digests)
    #expect(Set(parts(fence.replacingOccurrences(of: "n=4", with: "n=40")).map(\.digest)) == digests)
  }

  @Test(arguments: [
    ("return n", "return n "), ("{fence: work}", "{fence: work, options: [-O]}"), ("sort a.txt", "sort b.txt"), ("command:", "shell:"),
    ("n=4", "mode=process n=4"),
  ])
  func whatChangesTheRunChangesTheDigest(_ old: String, _ new: String) {
    let before = Set(parts(fence).map(\.digest))
    let after = Set(parts(fence.replacingOccurrences(of: old, with: new)).map(\.digest))
    #expect(after.subtracting(before).count == 1)
  }

  @Test func listsOfWordsNeverReadAlike() {
    #expect(ExecutablePart.digest(of: ["ab", "c"]) != ExecutablePart.digest(of: ["a", "bc"]))
    #expect(ExecutablePart.digest(of: ["1:a"]) != ExecutablePart.digest(of: ["", "a"]))
  }

  @Test func aVerdictTellsNewFromChanged() {
    let needed = parts(fence)
    let record = TrustRecord(path: "/t.md", since: "2026-11-27", parts: needed)
    #expect(TrustVerdict(needed: needed, record: record, shipped: [:]).isTrusted)
    let edited = parts(fence.replacingOccurrences(of: "return n", with: "return 2 * n"))
    let verdict = TrustVerdict(needed: edited, record: record, shipped: [:])
    #expect(verdict.missing.map(\.title) == ["fence #work"] && verdict.changed == verdict.missing && verdict.isOwnEdit)
    let other = parts(fence.replacingOccurrences(of: "sort a", with: "sort b"))
    #expect(!TrustVerdict(needed: other, record: record, shipped: [:]).isOwnEdit, "a command is nobody's exercise")
    #expect(TrustVerdict(needed: needed, record: nil, shipped: [:]).missing == needed)
  }

  @Test func whatShipsIsTrustedByDigestAndNotByName() {
    let needed = parts(fence)
    let list = ShippedTrust.parse(Array(needed.map { ShippedTrust.line(of: $0, in: "t") }.joined().utf8))["t"] ?? [:]
    #expect(TrustVerdict(needed: needed, record: nil, shipped: list).isTrusted)
    let edited = parts(fence.replacingOccurrences(of: "return n", with: "return 0"))
    #expect(TrustVerdict(needed: edited, record: nil, shipped: list).isOwnEdit)
  }

  @Test func aRecordIsOfItsOwnPath() throws {
    let folder = NSTemporaryDirectory() + "nb-trust-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let store = TrustStore(folder: folder)
    #expect(store.record(of: "/a.md") == nil && store.all().isEmpty)
    let record = TrustRecord(path: "/a.md", since: "2026-11-27", parts: parts(fence))
    try store.keep(record)
    #expect(store.record(of: "/a.md") == record && store.all() == [record])
    // The file of one notebook, copied to where another's would be, speaks for the one only.
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first)
    try FileManager.default.copyItem(atPath: folder + "/" + name, toPath: folder + "/\(ExecutablePart.digest(of: ["/b.md"]).prefix(32)).json")
    #expect(store.record(of: "/b.md") == nil)
    #expect(store.forget("/a.md") && store.record(of: "/a.md") == nil && !store.forget("/a.md"))
  }

  @Test(arguments: [
    (["XDG_STATE_HOME": "/s", "HOME": "/h"], "/s/nb/trust"), (["HOME": "/h"], "/h/.local/state/nb/trust"),
    (["XDG_STATE_HOME": "here", "HOME": "/h"], "/h/.local/state/nb/trust"),
  ])
  func theStateFolderIsThePersonsOwn(_ environment: [String: String], _ folder: String) throws {
    #expect(try TrustStore(environment: environment).folder == folder)
    #expect(throws: FileError.self) { try TrustStore(environment: ["HOME": "here"]) }
  }
}
