// Every diagnostic that reading YAML can give. Each has a case in Tests/Golden/Fail.

import TextModel

/// The stable names of this module's diagnostics.
public enum YAMLDiagnosticID {
  public static let syntax: DiagnosticID = "yaml-syntax"
  public static let duplicateKey: DiagnosticID = "duplicate-key"
  public static let tab: DiagnosticID = "tab"
  public static let anchorOrAlias: DiagnosticID = "anchor-or-alias"
  public static let tag: DiagnosticID = "tag"
  public static let secondDocument: DiagnosticID = "second-document"
  public static let boolean: DiagnosticID = "yaml-boolean"
  public static let tooDeep: DiagnosticID = "too-deep"
  public static let tooLarge: DiagnosticID = "too-large"
  public static let empty: DiagnosticID = "empty-block"

  public static let all: [DiagnosticID] = [
    syntax, duplicateKey, tab, anchorOrAlias, tag, secondDocument, boolean, tooDeep, tooLarge, empty,
  ]
}
