// Findings for programs: one JSON object a line, or a SARIF 2.1.0 log as code scanning reads it
// (docs.oasis-open.org/sarif/sarif/v2.1.0). Lines count from 1; columns are bytes in JSON, as in the terminal, and Unicode
// characters in SARIF, which has no bytes.

import TextModel

/// Findings of one file.
public struct FileFindings: Sendable {
  /// As it was given on the command line.
  public var path: String
  /// nil: the file could not be read, so that findings have no place in it.
  public var source: SourceText?
  public var findings: [Diagnostic]
  public init(path: String, source: SourceText?, findings: [Diagnostic]) {
    self.path = path
    self.source = source
    self.findings = findings
  }
}

/// One finding as a JSON object.
public struct FindingJSON: Encodable, Sendable {
  var file: String?
  var line: Int?
  var column: Int?
  var endLine: Int?
  var endColumn: Int?
  var severity: String
  var id: String
  var message: String
  var remedy: String?
}

/// In the order of the files and of their text.
public func findingObjects(_ files: [FileFindings]) -> [FindingJSON] {
  files.flatMap { file in
    file.findings.map { one in
      let range = file.source == nil ? nil : one.range
      let start = range.flatMap { file.source?.position(at: $0.lower) }
      let end = range.flatMap { file.source?.position(at: $0.upper) }
      return FindingJSON(
        file: one.path ?? file.path, line: start?.line, column: start?.column, endLine: end?.line, endColumn: end?.column,
        severity: one.severity.rawValue, id: one.id.rawValue, message: one.cause, remedy: one.remedy)
    }
  }
}

/// The parts of SARIF that nb writes.
public struct SARIFLog: Encodable, Sendable {
  struct Text: Encodable, Sendable { var text: String }
  struct Rule: Encodable, Sendable {
    struct Configuration: Encodable, Sendable { var level: String }
    var id: String
    var shortDescription: Text
    /// What to do, of the first finding of this rule.
    var help: Text
    var defaultConfiguration: Configuration
  }
  struct Region: Encodable, Sendable {
    var startLine: Int
    var startColumn: Int
    var endLine: Int
    var endColumn: Int
  }
  struct Artifact: Encodable, Sendable { var uri: String }
  struct Physical: Encodable, Sendable {
    var artifactLocation: Artifact
    var region: Region?
  }
  struct Location: Encodable, Sendable { var physicalLocation: Physical }
  struct Result: Encodable, Sendable {
    var ruleId: String
    var ruleIndex: Int
    var level: String
    var message: Text
    var locations: [Location]
  }
  struct Driver: Encodable, Sendable {
    var name: String
    var version: String
    var rules: [Rule]
  }
  struct Tool: Encodable, Sendable { var driver: Driver }
  struct Run: Encodable, Sendable {
    var tool: Tool
    var columnKind = "unicodeCodePoints"
    var results: [Result]
  }
  enum CodingKeys: String, CodingKey {
    case schema = "$schema"
    case version, runs
  }
  var schema = "https://json.schemastore.org/sarif-2.1.0.json"
  var version = "2.1.0"
  var runs: [Run]

  /// - Parameters:
  ///   - version: of nb.
  ///   - folder: paths below it are written relative to it, as code scanning wants them.
  public init(_ files: [FileFindings], version: String, folder: String) {
    var rules: [Rule] = []
    var places: [DiagnosticID: Int] = [:]
    var results: [Result] = []
    for file in files {
      for one in file.findings {
        let level = one.severity.rawValue
        let place = places[one.id] ?? rules.count
        if place == rules.count {
          places[one.id] = place
          let words = one.id.rawValue.replacing("-", with: " ")
          rules.append(
            Rule(
              id: one.id.rawValue, shortDescription: Text(text: words), help: Text(text: one.remedy ?? one.cause),
              defaultConfiguration: Rule.Configuration(level: level)))
        }
        results.append(
          Result(
            ruleId: one.id.rawValue, ruleIndex: place, level: level,
            message: Text(text: one.cause + (one.remedy.map { ". Remedy: \($0)" } ?? "")),
            locations: [
              Location(
                physicalLocation: Physical(
                  artifactLocation: Artifact(uri: Self.uri(one.path ?? file.path, below: folder)), region: Self.region(one, file.source)))
            ]))
      }
    }
    runs = [Run(tool: Tool(driver: Driver(name: "nb", version: version, rules: rules)), results: results)]
  }

  private static func region(_ one: Diagnostic, _ source: SourceText?) -> Region? {
    guard let source, let range = one.range, range.upper <= source.bytes.count else { return nil }
    let start = source.position(at: range.lower)
    let end = source.position(at: range.upper)
    return Region(
      startLine: start.line, startColumn: characters(before: range.lower, in: source) + 1, endLine: end.line,
      endColumn: characters(before: range.upper, in: source) + 1)
  }

  /// Unicode characters between the start of the line and an offset; a BOM is none.
  private static func characters(before offset: Int, in source: SourceText) -> Int {
    let line = source.line(at: offset)
    let lower = source.lineRange(line).lower + (line == 1 ? source.bomLength : 0)
    return offset <= lower ? 0 : source.text(SourceRange(lower, offset)).unicodeScalars.count
  }

  /// A relative reference: what may stand in one stays, the rest is escaped byte by byte.
  private static func uri(_ path: String, below folder: String) -> String {
    var text = path
    if text.hasPrefix(folder + "/") { text = String(text.dropFirst(folder.count + 1)) }
    while text.hasPrefix("./") { text = String(text.dropFirst(2)) }
    var out = ""
    for byte in text.utf8 {
      let isSafe = byte >= 0x61 && byte <= 0x7A || byte >= 0x41 && byte <= 0x5A || byte >= 0x30 && byte <= 0x39 || [0x2D, 0x2E, 0x5F, 0x7E, 0x2F].contains(byte)
      let hex = String(byte, radix: 16, uppercase: true)
      out += isSafe ? String(UnicodeScalar(byte)) : "%" + (hex.count == 1 ? "0" : "") + hex
    }
    return out.hasPrefix("/") ? "file://" + out : out
  }
}
