// Every diagnostic that reading market facts can give. Each has a case in Tests/Golden/Fail, with
// `facts.yml` as input.

import TextModel

/// The stable names of this module's diagnostics.
public enum MarketDiagnosticID {
  public static let unknownKey: DiagnosticID = "fact-unknown-key"
  public static let missingKey: DiagnosticID = "fact-missing-key"
  public static let wrongType: DiagnosticID = "fact-wrong-type"
  public static let badDate: DiagnosticID = "fact-bad-date"
  public static let duplicate: DiagnosticID = "fact-duplicate"

  public static let all: [DiagnosticID] = [unknownKey, missingKey, wrongType, badDate, duplicate]
}
