// Every diagnostic that reading market files can give. Each has a case in Tests/Golden/Fail, with `facts.yml` as input, feeds and incidents
// beside the facts where the mistake is theirs.

import TextModel

/// The stable names of this module's diagnostics.
public enum MarketDiagnosticID {
  public static let unknownKey: DiagnosticID = "fact-unknown-key"
  public static let missingKey: DiagnosticID = "fact-missing-key"
  public static let wrongType: DiagnosticID = "fact-wrong-type"
  public static let badDate: DiagnosticID = "fact-bad-date"
  public static let duplicate: DiagnosticID = "fact-duplicate"
  public static let badCheck: DiagnosticID = "fact-bad-check"
  public static let badAddress: DiagnosticID = "market-bad-address"
  public static let unknownLesson: DiagnosticID = "incident-unknown-lesson"

  public static let all: [DiagnosticID] = [
    unknownKey, missingKey, wrongType, badDate, duplicate, badCheck, badAddress, unknownLesson,
  ]
}
