// What a notebook would make this machine do besides measuring the lab: each piece with a digest of its own. Perf blocks
// are data; these are not. Trust is given to exactly these, so that an edit of the prose keeps it.

import Crypto
import DocumentModel
import ExperimentModel
import Foundation
import TextModel

/// One piece that runs only in a trusted notebook.
public struct ExecutablePart: Codable, Hashable, Sendable {
  public enum Kind: String, Codable, Sendable {
    /// A code fence that a block names.
    case fence
    /// A command line: a bench's subject, or what it does before it.
    case command
    /// A file that a command line names.
    case file
    /// SQL in a perf block. The lab's SQLite can do nothing with it but read and write its own temporary database; a real
    /// server runs what it says.
    case statement
    /// A real program that `--real` may start.
    case component
    /// A host other than this machine that the course may load, or send telemetry to.
    case target
  }
  public var kind: Kind
  /// `#id`, a block's id, a path, a host: what a reader knows it by.
  public var name: String
  /// What would run, as it stands there; of a file its size.
  public var text: String
  /// SHA-256 over all that decides what runs, in hex.
  public var digest: String
  /// Line of the notebook, from 1; nil: it stands nowhere by itself.
  public var line: Int?
  /// A fence that the reader is asked to change.
  public var isEdit: Bool

  init(_ kind: Kind, _ name: String, _ text: String, deciding more: [String] = [], line: Int? = nil, isEdit: Bool = false) {
    self.kind = kind
    self.name = name
    self.text = text
    self.line = line
    self.isEdit = isEdit
    digest = Self.digest(of: [kind.rawValue] + more + [text])
  }

  /// Words with their lengths, so that two different lists never read alike.
  static func digest(of words: [String]) -> String {
    digest(of: words.map { "\($0.utf8.count):\($0)" }.joined().utf8)
  }

  /// SHA-256 in hex.
  static func digest(of bytes: some Sequence<UInt8>) -> String { SHA256.hash(data: Array(bytes)).map { String(format: "%02x", $0) }.joined() }

  /// Runs whatever the options are; the others only with `--real` of their component, or towards a target.
  public var isAlwaysRun: Bool { kind == .fence || kind == .command || kind == .file }

  /// `fence #touch`, `command of sorting`
  public var title: String {
    switch kind {
    case .fence: "fence \(name)"
    case .command: "command of `\(name)`"
    case .file: "file \(name)"
    case .statement: "SQL of `\(name)`"
    case .component: "real \(name)"
    case .target: "target \(name)"
    }
  }
}

/// What these cells would execute, each once, in their order.
///
/// - Parameter folder: where a command's relative paths begin: nb's own working folder.
public func executableParts(of cells: [Cell], in document: Document, folder: String) -> [ExecutablePart] {
  var found = PartCollection(document: document, folder: folder)
  for cell in cells { found.add(cell) }
  return found.parts
}

/// What serving a system by itself would execute, each once.
public func executableParts(of system: SystemSpec, in document: Document, folder: String) -> [ExecutablePart] {
  var found = PartCollection(document: document, folder: folder)
  found.add(system, of: system.id)
  for component in RealComponent.allCases where system.uses(component) { found.add(component) }
  return found.parts
}

/// A code fence as what would run.
public func executablePart(of fence: FenceSpec, in document: Document) -> ExecutablePart {
  let written = document.codeFences.first { $0.id == fence.id }
  return ExecutablePart(
    .fence, "#\(fence.id)", fence.source,
    deciding: [fence.language.rawValue, fence.isProcess ? "process" : "function"] + (fence.options ?? []),
    line: written.map { document.source.line(at: $0.range.lower) }, isEdit: written?.attributes["edit"] != nil)
}

/// Hosts of a course's `targets:`, as parts of its course file.
public func targetParts(_ hosts: [String]) -> [ExecutablePart] {
  var seen: Set<String> = []
  return hosts.filter { seen.insert($0).inserted }.map { ExecutablePart(.target, $0, $0) }
}

private struct PartCollection {
  let document: Document
  let folder: String
  private(set) var parts: [ExecutablePart] = []
  private var seen: Set<String> = []
  /// A program larger than this is not hashed; its size and name still are.
  private static let fileLimit = 64 << 20

  init(document: Document, folder: String) {
    self.document = document
    self.folder = folder
  }

  mutating func add(_ cell: Cell) {
    switch cell.work {
    case .bench(let bench):
      for subject in bench.subjects {
        switch subject.work {
        case .fence(let fence): add(fence)
        case .command(let command): add(command.text, of: cell.id, shell: command.usesShell)
        case .sql(let statement): add(statement: statement, of: cell.id)
        case .builtin: break
        }
      }
      for text in [bench.setup, bench.prepare].compactMap({ $0 }) { add(text, of: cell.id, shell: true) }
    case .load(let load):
      for system in load.arms.map(\.system) { add(system, of: cell.id) }
    case .observe(.profile(let profile)): add(profile.fence)
    case .observe, .sim, .cost, .check, .slo: break
    }
    for component in RealComponent.allCases where cell.uses(component) { add(component) }
  }

  mutating func add(_ system: SystemSpec, of block: String) {
    for case .sql(let sql) in system.roles.flatMap(\.routes).flatMap(\.stages).map(\.work) { add(statement: sql.statement, of: block) }
  }

  mutating func add(_ component: RealComponent) {
    add(ExecutablePart(.component, component.rawValue, "for \(component.place)", deciding: [component.rawValue]))
  }

  private mutating func add(_ part: ExecutablePart) { if seen.insert(part.kind.rawValue + part.digest).inserted { parts.append(part) } }

  private mutating func add(_ fence: FenceSpec) { add(executablePart(of: fence, in: document)) }

  /// SQL that stands in a fence is code; SQL in a block is data, until a real server runs it.
  private mutating func add(statement: String, of block: String) {
    if let fence = document.codeFences.first(where: { $0.id != nil && $0.language == "sql" && $0.text == statement }) {
      add(
        ExecutablePart(
          .fence, "#\(fence.id ?? "")", statement, deciding: ["sql"], line: document.source.line(at: fence.range.lower),
          isEdit: fence.attributes["edit"] != nil))
    } else {
      add(ExecutablePart(.statement, block, statement))
    }
  }

  private mutating func add(_ command: String, of block: String, shell: Bool) {
    add(ExecutablePart(.command, block, command, deciding: [shell ? "shell" : "words"]))
    // `./build.sh`: who changes that file changes what runs.
    for word in command.split(whereSeparator: { " \t\n\"'`;|&<>()$=".contains($0) }).map(String.init) where word.contains("/") || word.contains(".") {
      let path = word.hasPrefix("/") ? word : folder + "/" + word
      guard !path.hasPrefix("/dev/"), !path.hasPrefix("/proc/"), path.hasPrefix(folder + "/"), let bytes = try? readFile(path, limit: Self.fileLimit) else { continue }
      add(ExecutablePart(.file, word, "\(bytes.count) bytes", deciding: [word, ExecutablePart.digest(of: bytes)]))
    }
  }
}
