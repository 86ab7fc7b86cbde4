// Every diagnostic that the rules of lessons can give, with the sentence that SARIF shows for it. Each has a case in
// Tests/Golden/Fail with the text that a reader sees.

import TextModel

/// The stable names of this module's diagnostics.
public enum RuleID {
  // Strict: what a published page must not show. See StrictFindings.swift.
  public static let notMeasured: DiagnosticID = "not-measured"
  public static let staleResult: DiagnosticID = "stale-result"
  public static let claimNotShown: DiagnosticID = "claim-not-shown"
  public static let unmeasuredValue: DiagnosticID = "unmeasured-value"
  public static let staleValue: DiagnosticID = "stale-value"
  public static let editedRegion: DiagnosticID = "edited-region"

  public static let strict: [DiagnosticID] = [notMeasured, staleResult, claimNotShown, unmeasuredValue, staleValue, editedRegion]

  public static let all: [DiagnosticID] = strict
}
