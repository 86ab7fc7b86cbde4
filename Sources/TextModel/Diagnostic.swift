// What nb says when something is wrong: place, cause, remedy, and a stable id.

public enum Severity: String, Sendable, Comparable {
  case note, warning, error
  public static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
  private var rank: Int { self == .note ? 0 : self == .warning ? 1 : 2 }
}

/// A stable kebab-case name such as `unknown-key`. Every module lists its own in one file, and
/// TidyTests ask for a Fail golden for each.
public struct DiagnosticID: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { rawValue = value }
}

/// One finding. `cause` is a sentence without a full stop; `remedy` says what to do.
public struct Diagnostic: Hashable, Sendable {
  public var id: DiagnosticID
  public var severity: Severity
  public var cause: String
  public var remedy: String?
  /// nil: the finding is about the file as a whole, or about no file.
  public var range: SourceRange?
  /// The file it is about; printed when there is no range.
  public var path: String?

  public init(
    _ id: DiagnosticID, _ severity: Severity = .error, _ cause: String, remedy: String? = nil,
    at range: SourceRange? = nil, path: String? = nil
  ) {
    self.id = id
    self.severity = severity
    self.cause = cause
    self.remedy = remedy
    self.range = range
    self.path = path
  }

  /// The finding as it prints in a terminal:
  ///
  /// ```
  /// day08.md:41:1: error: unknown key `raet` [unknown-key]
  ///    41 | raet: 120rps
  ///       | ^~~~
  ///    = did you mean `rate`?
  /// ```
  public func rendered(in source: SourceText?, color: Bool = false) -> String {
    let bold = color ? "\u{1B}[1m" : ""
    let reset = color ? "\u{1B}[0m" : ""
    let tint = color ? (severity == .error ? "\u{1B}[31m" : severity == .warning ? "\u{1B}[33m" : "\u{1B}[36m") : ""
    var out = ""
    if let source, let range {
      let position = source.position(at: range.lower)
      out += "\(bold)\(printable(source.path)):\(position.line):\(position.column): \(reset)"
    } else if let path = path ?? source?.path {
      out += "\(bold)\(printable(path)): \(reset)"
    } else {
      out += "\(bold)nb: \(reset)"
    }
    out += "\(tint)\(severity.rawValue):\(reset) \(printable(cause)) [\(id.rawValue)]\n"
    if let source, let range {
      out += excerpt(of: range, in: source, tint: tint, reset: reset)
    }
    if let remedy {
      for (i, line) in printable(remedy).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        out += i == 0 ? "      = \(line)\n" : "        \(line)\n"
      }
    }
    return out
  }

  /// The longest line that is shown in full, in bytes; of a longer one, this much on either side of the place.
  private static let lineMax = 200

  /// The source line with a caret under the range's first line. A tab stays a tab in the caret
  /// line, so that the caret stands right whatever the terminal's tab width.
  private func excerpt(of range: SourceRange, in source: SourceText, tint: String, reset: String) -> String {
    let line = source.line(at: range.lower)
    let content = source.contentRange(ofLine: line)
    let number = String(line)
    let gutter = String(repeating: " ", count: max(0, 5 - number.count)) + number
    let place = min(max(range.lower, content.lower), content.upper)
    let shown = content.count <= Self.lineMax ? content : source.characters(around: place, in: content, Self.lineMax / 2)
    let (before, after) = (shown.lower > content.lower ? "… " : "", shown.upper < content.upper ? " …" : "")
    let text = before + printable(source.text(shown)) + after
    var caret = before.isEmpty ? "" : "  "
    for character in printable(source.text(SourceRange(shown.lower, place))).unicodeScalars { caret += character == "\t" ? "\t" : " " }
    let end = min(range.upper, shown.upper)
    let width = end > place ? source.text(SourceRange(place, end)).unicodeScalars.count : 1
    caret += "^" + String(repeating: "~", count: max(0, width - 1))
    let blank = String(repeating: " ", count: 5)
    return "\(gutter) | \(text)\n\(blank) | \(tint)\(caret)\(reset)\n"
  }
}

extension SourceText {
  /// `count` bytes on either side of `offset` within `whole`, no character of UTF-8 cut in two.
  fileprivate func characters(around offset: Int, in whole: SourceRange, _ count: Int) -> SourceRange {
    var (lower, upper) = (max(whole.lower, offset - count), min(whole.upper, offset + count))
    while lower > whole.lower, bytes[lower] & 0xC0 == 0x80 { lower -= 1 }
    while upper < whole.upper, bytes[upper] & 0xC0 == 0x80 { upper += 1 }
    return SourceRange(lower, upper)
  }
}

/// Collects findings, so that all are reported at once.
public struct Diagnostics: Sendable {
  public private(set) var all: [Diagnostic] = []
  public init() {}
  public var hasErrors: Bool { all.contains { $0.severity == .error } }
  public mutating func add(_ diagnostic: Diagnostic) { all.append(diagnostic) }
  public mutating func add(contentsOf more: [Diagnostic]) { all += more }
  /// In the order of the text; those without a place come first.
  public var ordered: [Diagnostic] {
    all.enumerated().sorted { ($0.element.range?.lower ?? -1, $0.offset) < ($1.element.range?.lower ?? -1, $1.offset) }
      .map(\.element)
  }
}
