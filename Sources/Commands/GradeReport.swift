// What `nb grade` says of an exercise besides its gates: what the learner changed, and a report that a teacher can collect.
// Neither says what a right answer would be: an answer's own block is in none of them.

import DocumentModel
import ExperimentModel
import ExperimentRunner
import Foundation
import MeasureKernel
import TextModel

/// A fence or block that differs from the one that was handed out.
struct LearnerEdit: Encodable, Sendable {
  /// `#dedupe-fast`, or the block's id.
  var part: String
  var diff: String
}

struct GradedExercise: Encodable, Sendable {
  var lesson: String
  var block: String
  var title: String?
  var verdict: ExerciseVerdict
  var gates: [GradedGate]
  /// How long the last measuring was, in times of a full run; 1: it was not made longer.
  var length: Int
  var attempts: Int
  var failedAttempts: Int
  var passed: String?
  var hintsShown: Int
  var edits: [LearnerEdit]
}

/// One JSON object for a teacher.
struct GradeReport: Encodable, Sendable {
  struct Notebook: Encodable, Sendable {
    var path: String
    /// Of the text without results: the same for two learners who wrote the same.
    var digest: String
  }
  var format = 1
  var nb = NB.version
  var date: String
  /// nil: nobody has begun this course with `nb init`.
  var learnerSeed: UInt64?
  var machine: [String: String]
  var notebooks: [Notebook]
  var exercises: [GradedExercise]
  /// Learner's blocks beside those that were handed out, measured in turns; nil: not asked for.
  var besideShipped: [RegressionResult]?
}

extension Notebook {
  /// Of the author's and the learner's text, without results.
  var digest: String { contentDigest(document.cleaned().bytes) }

  /// Which of the learner's fences, and of the blocks that the gates ask, differ from a revision of git.
  ///
  /// - Throws: git's reason why that revision cannot be read.
  func edits(since revision: String, blocks: Set<String>) throws(MeasureError) -> [LearnerEdit] {
    let name = (path as NSString).lastPathComponent
    let folder = (URL(fileURLWithPath: path).standardizedFileURL.path as NSString).deletingLastPathComponent
    guard !revision.hasPrefix("-") else { throw MeasureError("`\(revision)` is not a revision", remedy: "such as main, HEAD~1 or a commit") }
    let text = try runProgram(["git", "show", "\(revision):./\(name)"], name: "git show", folder: folder)
    let shipped = Document(parsing: SourceText(path: path, text: text))
    var edits: [LearnerEdit] = []
    func compare(_ part: String, _ old: String?, _ new: String) {
      guard let old, old != new else { return }
      edits.append(LearnerEdit(part: part, diff: unifiedDiff(Array(old.utf8), Array(new.utf8), name: part)))
    }
    let before = Dictionary(shipped.codeFences.compactMap { fence in fence.id.map { ($0, fence.text) } }, uniquingKeysWith: { a, _ in a })
    for fence in document.codeFences where fence.attributes["edit"] != nil {
      if let id = fence.id { compare("#" + id, before[id], fence.text) }
    }
    let old = Dictionary(shipped.perfFences.compactMap { fence in blockID(fence.text).map { ($0, fence.text) } }, uniquingKeysWith: { a, _ in a })
    for fence in document.perfFences {
      guard let id = blockID(fence.text), blocks.contains(id) else { continue }
      compare(id, old[id], fence.text)
    }
    return edits
  }

  /// `id: NAME` at the margin.
  private func blockID(_ text: String) -> String? {
    text.split(separator: "\n").first { $0.hasPrefix("id:") }.map { String($0.dropFirst(3).filter { !" '\"".contains($0) }) }
  }
}
