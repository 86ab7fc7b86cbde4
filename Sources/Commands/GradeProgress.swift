// `.nb/progress.json`: how often a learner was judged on each exercise, and what came of it. It belongs to the learner, not to
// the notebook: delete it to begin anew. Written in one step.

import DocumentModel
import ExperimentModel
import Foundation
import TextModel

/// What is remembered of one exercise.
struct ExerciseProgress: Codable, Hashable, Sendable {
  /// Judgements with a decision up to the first pass, each of another state of the notebook than the one before.
  var attempts = 0
  /// Those among them that failed.
  var failed = 0
  /// ISO date of the first pass.
  var passed: String?
  /// Digest of the notebook without results, as it was last judged.
  var notebook: String?
  var verdict: String?
}

struct ProgressOnDisk: Codable, Sendable {
  var format = 1
  /// By `day08/exercise`.
  var exercises: [String: ExerciseProgress] = [:]
}

extension Workspace {
  var progress: String { state + "/progress.json" }

  /// What is kept; empty without a file.
  ///
  /// - Throws: `bad-progress` for a file that is none, so that nobody's attempts are written over by accident.
  func readProgress() throws(FileError) -> [String: ExerciseProgress] {
    guard access(progress, F_OK) == 0 else { return [:] }
    let bytes = try readFile(progress, limit: 1 << 20)
    guard let file = try? JSONDecoder().decode(ProgressOnDisk.self, from: Data(bytes)), file.format == 1 else {
      throw FileError("bad-progress", "this is no progress file of nb", remedy: "move it away; attempts are then counted anew", path: progress)
    }
    return file.exercises
  }

  func writeProgress(_ exercises: [String: ExerciseProgress]) throws(FileError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(ProgressOnDisk(exercises: exercises)) else { return }
    try makeFolder(state)
    _ = try writeFileAtomically(progress, [UInt8](data) + [0x0A])
  }
}

/// The verdict of an exercise: one failed gate fails it, and it passes when all do.
enum ExerciseVerdict: String, Codable, Sendable {
  case pass, fail, inconclusive
  case notMeasured = "not measured"

  init(_ gates: [GradedGate]) {
    let states = Set(gates.map(\.state))
    self = states.contains(.fail) ? .fail : !states.isDisjoint(with: [.notRun, .stale]) ? .notMeasured : states.contains(.inconclusive) ? .inconclusive : .pass
  }
}

extension ExerciseProgress {
  /// Counts a judgement. The same notebook judged again is no new attempt, and what is not decided is none; nor is what somebody tries
  /// who has passed.
  mutating func count(_ verdict: ExerciseVerdict, of notebook: String, on day: String) {
    guard verdict == .pass || verdict == .fail else { return }
    if passed == nil, self.notebook != notebook || self.verdict != verdict.rawValue {
      attempts += 1
      if verdict == .fail { failed += 1 }
    }
    if verdict == .pass, passed == nil { passed = day }
    (self.notebook, self.verdict) = (notebook, verdict.rawValue)
  }

  /// How many of an exercise's hints are due: the first after so many failed attempts, one more after each further one.
  func hintsDue(after: Int?, of count: Int) -> Int { passed != nil ? 0 : min(count, max(0, failed - (after ?? 1) + 1)) }
}
