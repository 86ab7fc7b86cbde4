// The learner's seed: what it is, where it is kept, and `nb init`, which writes it.

import ArgumentParser
import Foundation
import PerfLanguage
import TextModel

/// `--learner-seed`, for every command that makes plans of notebooks.
struct LearnerOptions: ParsableArguments {
  @Option(help: "Chooses what a notebook hides; without it what `nb init` wrote, else the lesson's own seed.") var learnerSeed: UInt64?
}

extension Workspace {
  /// The seed of this course's learner, in decimal; written by `nb init`.
  var learner: String { state + "/learner" }

  /// nil: nobody has begun this course here.
  func readLearnerSeed() throws(FileError) -> UInt64? {
    guard access(learner, F_OK) == 0 else { return nil }
    let text = String(decoding: try readFile(learner, limit: 4 << 10), as: UTF8.self)
    guard let seed = UInt64(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw FileError("bad-learner", "the learner's seed is not a whole number", remedy: "write it anew: `nb init --force`", path: learner)
    }
    return seed
  }
}

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Begin a course here: keeps the learner's seed, which chooses what exercises hide.",
    discussion: """
      nb init --learner "Ada Lovelace"
      nb init --learner-seed 1815

      The seed is in .nb/learner of the course, and of the name nothing else is kept. Results of blocks whose system it changes read as stale until the next \
      `nb run --stale`.
      """)

  @Argument(help: "The course's folder; none: the course here.") var folder: String?
  @Option(help: "A name, from which the seed is derived; without it the name of this account.") var learner: String?
  @Option(help: "The seed itself.") var learnerSeed: UInt64?
  @Flag(help: "Replace another learner's seed: what the exercises hide changes.") var force = false

  func validate() throws {
    if learner != nil, learnerSeed != nil { throw ValidationError("choose one of --learner and --learner-seed") }
    if let learner, learner.allSatisfy(\.isWhitespace) { throw ValidationError("--learner is a name") }
  }

  func run() throws {
    let workspace = folder.map { Workspace(for: $0) } ?? Workspace.here
    let name = learner ?? NSUserName()
    let seed = learnerSeed ?? PerfLanguage.learnerSeed(of: name)
    do throws(FileError) {
      guard access(workspace.course, F_OK) == 0 else {
        throw FileError("missing-file", "there is no such folder", remedy: "name the folder of a course", path: workspace.course)
      }
      let kept = force ? nil : try workspace.readLearnerSeed()
      if let kept, kept != seed {
        throw FileError(
          "other-learner", "this course has a learner already, with the seed \(kept)", remedy: "go on with it, or begin anew with --force", path: workspace.learner)
      }
      try makeFolder(workspace.state)
      _ = try writeFileAtomically(workspace.learner, Array("\(seed)\n".utf8))
    } catch {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
    Output.standard("the learner's seed is \(seed)\(learnerSeed == nil ? ", of the name `\(name)`" : ""); kept in \(workspace.learner)\n")
  }
}
