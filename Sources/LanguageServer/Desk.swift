// What the language server knows of the world: files, the course around a notebook, saved results. All of it is asked through here, so that the
// server itself is a function of messages and these answers.

import ExperimentModel
import PerfLanguage
import TextModel

public struct Desk {
  /// What a notebook at a path is planned with; asked after every change, so it must be kept, not read anew.
  public var context: (_ path: String) -> PlanContext
  /// Findings in a file that is no notebook, such as `market/facts.yml`; nil: none are known for such a file.
  public var findings: (_ source: SourceText) -> [Diagnostic]?
  /// The bytes of a file; nil when it cannot be read.
  public var read: (_ path: String) -> [UInt8]?
  /// The last results of a notebook, by block.
  public var results: (_ path: String) -> [String: CellResult]
  /// Where facts stand: the file, and each fact's id in it.
  public var facts: (_ path: String) -> (path: String, places: [String: SourceRange])?
  /// The file of another lesson, `day08`, of the same course.
  public var lesson: (_ path: String, _ stem: String) -> String?

  public init(
    context: @escaping (String) -> PlanContext = { _ in PlanContext() }, findings: @escaping (SourceText) -> [Diagnostic]? = { _ in nil },
    read: @escaping (String) -> [UInt8]? = { _ in nil }, results: @escaping (String) -> [String: CellResult] = { _ in [:] },
    facts: @escaping (String) -> (path: String, places: [String: SourceRange])? = { _ in nil },
    lesson: @escaping (String, String) -> String? = { _, _ in nil }
  ) {
    self.context = context
    self.findings = findings
    self.read = read
    self.results = results
    self.facts = facts
    self.lesson = lesson
  }
}
