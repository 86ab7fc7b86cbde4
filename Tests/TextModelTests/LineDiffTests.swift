import Testing

@testable import TextModel

@Suite struct LineDiffTests {
  private func diff(_ old: String, _ new: String) -> String { unifiedDiff(Array(old.utf8), Array(new.utf8), name: "a.md") }

  @Test("equal texts have none; one changed line stands among three others")
  func simple() {
    #expect(diff("a\nb\n", "a\nb\n") == "")
    let old = (1...9).map { "\($0)" }.joined(separator: "\n")
    let expected = ["--- a.md", "+++ a.md", "@@ -2,7 +2,7 @@", " 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8", ""].joined(separator: "\n")
    #expect(diff(old, old.replacing("5", with: "five")) == expected)
  }

  @Test("changes that are far apart stand in hunks of their own, near ones in one")
  func hunks() {
    let lines = (1...40).map { "\($0)" }
    func changed(_ places: Int...) -> String { diff(lines.joined(separator: "\n"), lines.map { line in places.contains(Int(line)!) ? line + "x" : line }.joined(separator: "\n")) }
    #expect(changed(5, 30).components("@@ -") == 2)
    #expect(changed(5, 12).components("@@ -") == 1)
    #expect(changed(1, 40).components("@@ -") == 2)
  }
}

extension String {
  /// How often `text` stands in it.
  fileprivate func components(_ text: String) -> Int { ranges(of: text).count }
}
