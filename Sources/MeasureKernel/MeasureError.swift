// What goes wrong with a subject, as a value with its cause and remedy: never a crash, never a silent gap.

/// Something said about one line of a notebook by a compiler or an interpreter.
public struct SourceMessage: Hashable, Sendable, CustomStringConvertible {
  public enum Kind: String, Sendable { case error, warning, note }
  public var kind: Kind
  /// As the fence's `path` was given.
  public var path: String
  /// Line of the notebook, from 1.
  public var line: Int
  /// Column in the fence's own line, from 1; nil where it was not said.
  public var column: Int?
  public var text: String
  public init(kind: Kind, path: String, line: Int, column: Int?, text: String) {
    self.kind = kind; self.path = path; self.line = line; self.column = column; self.text = text
  }
  public var description: String { "\(path):\(line)\(column.map { ":\($0)" } ?? ""): \(kind.rawValue): \(text)" }
}

/// Why a subject could not be used.
public struct MeasureError: Error, Sendable, Hashable, CustomStringConvertible {
  public var cause: String
  public var remedy: String?
  /// What a compiler or interpreter said at lines of the notebook; the first error first.
  public var messages: [SourceMessage]
  /// Index of the subject that it is about, in the order of the cell; nil: of none, or not known.
  public var subject: Int?
  public init(_ cause: String, remedy: String? = nil, messages: [SourceMessage] = []) {
    self.cause = cause
    self.remedy = remedy
    self.messages = messages
  }
  public var description: String { cause + (remedy.map { "; \($0)" } ?? "") }
}
