// What a finding of `nb check` depends on, by name, and which bytes each of them has now. A cached finding counts only while
// every input is as it was. Nothing is judged by a file's date: contents are read and hashed, but for the program and the
// database of results, which are large and replaced as a whole.

import DocumentModel
import ExperimentModel
import Foundation
import Synchronization
import TextModel

/// Names of what is about to be read; filled while a notebook is planned, from any thread.
final class ReadLog: Sendable {
  private let names = Mutex<Set<String>>([])
  private let inputs: CheckInputs
  init(_ inputs: CheckInputs) { self.inputs = inputs }

  /// Hashed before it is read: what is the same after the work is then what was read.
  func add(_ name: String) {
    if names.withLock({ $0.insert(name).inserted }) { _ = inputs.digest(name) }
  }
  var all: Set<String> { names.withLock { $0 } }
}

/// The inputs of one course, each looked at once.
final class CheckInputs: Sendable {
  private let workspace: Workspace
  private let seed: String
  private let facts: String
  private let days: String
  private let known = Mutex<[String: String]>([:])

  /// - Parameter read: bytes that were read before there were inputs, by path.
  init(_ workspace: Workspace, learnerSeed: UInt64?, facts: [MarketFact], days: [Int], read: [String: [UInt8]]) {
    self.workspace = workspace
    let written = try? workspace.readLearnerSeed()
    seed = (learnerSeed ?? written ?? nil).map { String($0) } ?? "-"
    // A fact's text is in its file; whether it is stale depends on the day, too.
    self.facts = facts.filter(\.stale).map(\.id).joined(separator: " ")
    self.days = days.map { String($0) }.joined(separator: " ")
    for (path, bytes) in read { known.withLock { $0[Self.file(path)] = contentDigest(bytes) } }
  }

  /// What every notebook depends on.
  var common: Set<String> {
    ["nb", "seed", "facts", "days", Self.file(workspace.facts), Self.file(workspace.courseFile)]
  }

  static func file(_ path: String) -> String { "file:" + path }
  /// Only that something is there.
  static func presence(_ path: String) -> String { "there:" + path }
  /// A file that is not read, but replaced when it changes.
  static func status(_ path: String) -> String { "status:" + path }

  /// - Parameter anew: look again, whatever was seen before.
  func digest(_ name: String, anew: Bool = false) -> String {
    if !anew, let digest = known.withLock({ $0[name] }) { return digest }
    let digest = look(name)
    known.withLock { $0[name] = digest }
    return digest
  }

  private func look(_ name: String) -> String {
    guard let colon = name.firstIndex(of: ":") else {
      switch name {
      case "seed": return seed
      case "facts": return facts
      case "days": return days
      default: return Self.status(of: "/proc/self/exe")
      }
    }
    let path = String(name[name.index(after: colon)...])
    switch name[..<colon] {
    case "there": return access(path, F_OK) == 0 ? "there" : "-"
    case "status": return Self.status(of: path)
    default: return (try? readFile(path, limit: 64 << 20)).map(contentDigest) ?? "-"
    }
  }

  /// Identity, size and times: a file that was replaced or written to has others.
  private static func status(of path: String) -> String {
    let state = FileState(path)
    // A log that is there and empty says what one that is not there says: SQLite makes and removes it as it is read.
    guard state != .absent, state.size > 0 || !path.hasSuffix("-wal") else { return "-" }
    return "\(state.inode) \(state.size) \(state.modified) \(state.changed)"
  }
}

extension Workspace {
  /// The database of results; what was written last may stand in its log beside it.
  var storeStatus: [String] { [CheckInputs.status(store), CheckInputs.status(store + "-wal")] }
}
