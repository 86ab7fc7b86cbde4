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

  // The form of a lesson.
  public static let missingPart: DiagnosticID = "missing-part"
  public static let missingSection: DiagnosticID = "missing-section"
  public static let wrongMinutes: DiagnosticID = "wrong-minutes"
  public static let noClaim: DiagnosticID = "no-claim"
  public static let weakHeadline: DiagnosticID = "weak-headline"
  public static let noBracket: DiagnosticID = "no-bracket"
  public static let noComparison: DiagnosticID = "no-comparison"
  public static let noReason: DiagnosticID = "no-reason"
  public static let noPlot: DiagnosticID = "no-plot"
  public static let noBlockTime: DiagnosticID = "no-block-time"
  public static let noRunbook: DiagnosticID = "no-runbook"
  public static let noExercise: DiagnosticID = "no-exercise"
  public static let noTomorrow: DiagnosticID = "no-tomorrow"
  public static let unlistedFact: DiagnosticID = "unlisted-fact"
  public static let unmarkedSimulation: DiagnosticID = "unmarked-simulation"
  public static let unfinished: DiagnosticID = "unfinished"
  // Exercises that cannot be graded.
  public static let gateInNoise: DiagnosticID = "gate-in-noise"
  public static let exercisePasses: DiagnosticID = "exercise-passes"
  // Links, in every notebook.
  public static let brokenLink: DiagnosticID = "broken-link"

  public static let lesson: [DiagnosticID] = [
    missingPart, missingSection, wrongMinutes, noClaim, weakHeadline, noBracket, noComparison, noReason, noPlot, noBlockTime, noRunbook,
    noExercise, noTomorrow, unlistedFact, unmarkedSimulation, unfinished, gateInNoise, exercisePasses,
  ]

  public static let all: [DiagnosticID] = strict + lesson + [brokenLink]
}
