// `nb new`: a lesson that runs, with marks of what its author has to do. Never writes over anything.

import ArgumentParser
import CourseRules
import CourseSite
import Foundation
import TextModel

struct NewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Begin a lesson: its five parts, a system, a comparison, a decoy, an exercise; it runs as it is.",
    discussion: """
      nb new day26 "Backpressure"
      nb check day26.md                 what is left to be done, each place with its mark
      nb run day26.md

      The lesson is put into the list of course.yml, behind the day before it.
      """)

  @Argument(help: "The lesson's file without `.md`: a word that ends in the day's number, such as day26.") var name: String
  @Argument(help: "Its title.") var title: String
  @Option(help: "The course's folder; without it the course here.") var course: String?

  func run() throws {
    do throws(FileError) {
      let workspace = course.map { Workspace(for: $0) } ?? Workspace.here
      let id = name.hasSuffix(".md") ? String(name.dropLast(3)) : name
      let day = try dayNumber(id)
      let text = title.trimmingCharacters(in: .whitespaces)
      guard !text.isEmpty, !text.contains(where: \.isNewline) else {
        throw FileError("bad-name", "a lesson's title is a line of text", remedy: "such as: nb new \(id) \"Backpressure\"", path: id + ".md")
      }
      let path = workspace.course + "/\(id).md"
      guard access(workspace.course, F_OK) == 0 else {
        throw FileError("missing-file", "there is no such folder", remedy: "name the folder of a course: --course Notebooks", path: workspace.course)
      }
      guard access(path, F_OK) != 0 else {
        throw FileError("file-exists", "there is a notebook of this name, and it is left as it is", remedy: "choose another name, or move the file away first", path: path)
      }
      let source = workspace.isCourse ? try SourceText(contentsOf: workspace.courseFile, limit: 1 << 20) : nil
      _ = try writeFileAtomically(path, Array(lessonSkeleton(id: id, day: day, title: text, tomorrow: lesson(after: day, workspace, source)).utf8))
      Output.standard("\(shortened(path))\n")
      if let source, let edit = Course.adding(id, to: source) {
        _ = try writeFileAtomically(workspace.courseFile, source.applying([edit]).bytes)
        Output.error("listed in \(shortened(workspace.courseFile))\n")
      }
      Output.error("next: nb check \(id).md says what is left to be done; nb run \(id).md measures it as it is\n")
    } catch {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
  }

  private func dayNumber(_ id: String) throws(FileError) -> Int {
    let digits = id.reversed().prefix { $0.isASCII && $0.isNumber }.reversed()
    let isName = id.first?.isLowercase == true && id.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D }
    guard isName, let day = Int(String(digits)), day <= 10_000 else {
      throw FileError(
        "bad-name", "`\(id)` is no name of a lesson: small letters, digits and hyphens, a letter first and the day's number last", remedy: "such as day26", path: id)
    }
    return day
  }

  /// The listed lesson of the nearest later day whose file is there.
  private func lesson(after day: Int, _ workspace: Workspace, _ source: SourceText?) -> String? {
    guard let source else { return nil }
    var ignored = Diagnostics()
    let days = Course(yaml: source, diagnostics: &ignored).lessons.compactMap { id in id.hasPrefix("day") ? Int(id.dropFirst(3)).map { ($0, id) } : nil }
    return days.filter { $0.0 > day && access(workspace.course + "/\($0.1).md", F_OK) == 0 }.min { $0.0 < $1.0 }?.1
  }
}
