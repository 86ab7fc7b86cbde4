import Testing
import TextModel

@testable import CourseSite

@Suite struct CourseAddingTests {
  @Test(
    "a lesson goes behind the day before it, and nothing else of the file changes",
    arguments: [
      ("lessons: [day01, day03, vendors]  # c", "day02", "lessons: [day01, day02, day03, vendors]  # c"),
      ("lessons: [day02]", "day01", "lessons: [day01, day02]"), ("lessons: [day02, notes]", "day11", "lessons: [day02, day11, notes]"),
      ("lessons: [a]", "notes", "lessons: [a, notes]"), ("lessons: []\ntitle: T", "day01", "lessons: [day01]\ntitle: T"),
      ("lessons:\n  - day01  # first\n  - 'day04'\n# end\n", "day02", "lessons:\n  - day01  # first\n  - day02\n  - 'day04'\n# end\n"),
      ("lessons:\r\n  - day01\r\n", "day02", "lessons:\r\n  - day01\r\n  - day02\r\n"),
    ])
  func adding(_ text: String, _ id: String, _ wanted: String) {
    let source = SourceText(path: "course.yml", text: text)
    let edits = [Course.adding(id, to: source)].compactMap { $0 }
    #expect(String(decoding: source.applying(edits).bytes, as: UTF8.self) == wanted)
    var diagnostics = Diagnostics()
    #expect(Course(yaml: source.applying(edits), diagnostics: &diagnostics).lessons.contains(id))
    #expect(diagnostics.all == [])
  }

  @Test("a listed lesson, and a course without a list, need none", arguments: ["lessons: [day01]", "title: T", "lessons: nonsense", ""])
  func nothing(_ text: String) { #expect(Course.adding("day01", to: SourceText(path: "course.yml", text: text)) == nil) }
}
