// `.nb/check.json`: findings of the last `nb check` and what they depend on. It can be deleted at any time; a file that cannot
// be read is no cache. Written in one step, so that two checks at once leave the one or the other.

import ExperimentModel
import Foundation
import TextModel

/// A finding as it is kept; a range is two byte offsets.
struct SavedFinding: Codable, Hashable, Sendable {
  var id: String
  var severity: String
  var cause: String
  var remedy: String?
  var lower: Int?
  var upper: Int?
  var path: String?

  init(_ diagnostic: Diagnostic) {
    (id, severity, cause, remedy) = (diagnostic.id.rawValue, diagnostic.severity.rawValue, diagnostic.cause, diagnostic.remedy)
    (lower, upper, path) = (diagnostic.range?.lower, diagnostic.range?.upper, diagnostic.path)
  }

  var diagnostic: Diagnostic {
    let range = lower.flatMap { lower in upper.flatMap { $0 >= lower ? SourceRange(lower, $0) : nil } }
    return Diagnostic(DiagnosticID(rawValue: id), Severity(rawValue: severity) ?? .error, cause, remedy: remedy, at: range, path: path)
  }
}

/// What one check found.
struct CheckRecord: Codable, Hashable, Sendable {
  /// Digests by name (CheckInputs.swift).
  var needs: [String: String]
  var findings: [SavedFinding]
  /// Blocks of the notebook; 0 for budgets.
  var blocks: Int
  /// Of `budgets.yml` only.
  var budgets: [JudgedBudget]?

  /// Everything it depends on is as it was.
  func holds(_ inputs: CheckInputs) -> Bool { needs.allSatisfy { inputs.digest($0.key) == $0.value } }
}

struct CheckCache: Codable, Sendable {
  private static let current = 1
  var format = current
  /// By absolute path; with `strict ` before it where those findings are among them.
  var records: [String: CheckRecord] = [:]

  init() {}

  /// What was kept; empty when there is none of this format.
  init(_ path: String) {
    guard let bytes = try? readFile(path, limit: 64 << 20), let kept = try? JSONDecoder().decode(CheckCache.self, from: Data(bytes)),
      kept.format == Self.current
    else { return }
    records = kept.records
  }

  /// A cache that cannot be written costs time and nothing else.
  func write(_ path: String) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    guard let data = try? encoder.encode(self) else { return }
    _ = try? makeFolder((path as NSString).deletingLastPathComponent)
    _ = try? writeFileAtomically(path, [UInt8](data))
  }
}

extension Workspace {
  var checkCache: String { state + "/check.json" }
}
