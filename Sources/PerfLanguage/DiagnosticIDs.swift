// Every diagnostic that planning can give, beside those of StrictYAML and DocumentModel. Each has a
// case in Tests/Golden/Fail with the text that a reader sees.

import TextModel

/// The stable names of this module's diagnostics.
public enum PerfDiagnosticID {
  // Keys and values.
  public static let unknownKey: DiagnosticID = "unknown-key"
  public static let missingKey: DiagnosticID = "missing-key"
  public static let unsupportedKey: DiagnosticID = "unsupported-key"
  public static let wrongType: DiagnosticID = "wrong-type"
  public static let missingUnit: DiagnosticID = "missing-unit"
  public static let wrongUnit: DiagnosticID = "wrong-unit"
  public static let outOfRange: DiagnosticID = "out-of-range"
  public static let unknownValue: DiagnosticID = "unknown-value"
  public static let badName: DiagnosticID = "bad-name"
  public static let doesNotApply: DiagnosticID = "does-not-apply"
  // Blocks.
  public static let unknownKind: DiagnosticID = "unknown-kind"
  public static let unsupportedKind: DiagnosticID = "unsupported-kind"
  public static let duplicateBlock: DiagnosticID = "duplicate-block"
  public static let duplicateFence: DiagnosticID = "duplicate-fence"
  public static let secondLesson: DiagnosticID = "second-lesson"
  public static let overBudget: DiagnosticID = "over-budget"
  // Systems.
  public static let unknownSystem: DiagnosticID = "unknown-system"
  public static let extendsCycle: DiagnosticID = "extends-cycle"
  public static let badRoute: DiagnosticID = "bad-route"
  public static let unknownStage: DiagnosticID = "unknown-stage"
  public static let duplicateName: DiagnosticID = "duplicate-name"
  public static let missingStandsFor: DiagnosticID = "missing-stands-for"
  public static let unknownFence: DiagnosticID = "unknown-fence"
  public static let unknownPath: DiagnosticID = "unknown-path"
  public static let unknownColumn: DiagnosticID = "unknown-column"
  // Load.
  public static let unknownRoute: DiagnosticID = "unknown-route"
  public static let unknownDataset: DiagnosticID = "unknown-dataset"
  public static let keyMismatch: DiagnosticID = "key-mismatch"
  public static let unknownTarget: DiagnosticID = "unknown-target"
  // Judgements and addresses.
  public static let badExpression: DiagnosticID = "bad-expression"
  public static let unknownAggregate: DiagnosticID = "unknown-aggregate"
  public static let badAddress: DiagnosticID = "bad-address"
  public static let unknownBlock: DiagnosticID = "unknown-block"
  public static let unknownArm: DiagnosticID = "unknown-arm"
  public static let unknownMetric: DiagnosticID = "unknown-metric"
  public static let unknownPoint: DiagnosticID = "unknown-point"
  public static let unknownRequest: DiagnosticID = "unknown-request"
  public static let ambiguousAddress: DiagnosticID = "ambiguous-address"
  public static let unknownTheory: DiagnosticID = "unknown-theory"
  public static let cycle: DiagnosticID = "cycle"
  public static let unknownClaim: DiagnosticID = "unknown-claim"
  public static let unverifiedClaim: DiagnosticID = "unverified-claim"
  public static let badData: DiagnosticID = "bad-data"
  // Money.
  public static let unknownFact: DiagnosticID = "unknown-fact"
  public static let staleFact: DiagnosticID = "stale-fact"

  public static let all: [DiagnosticID] = [
    unknownKey, missingKey, unsupportedKey, wrongType, missingUnit, wrongUnit, outOfRange, unknownValue, badName,
    doesNotApply, unknownKind, unsupportedKind, duplicateBlock, duplicateFence, secondLesson, overBudget,
    unknownSystem, extendsCycle, badRoute, unknownStage, duplicateName, missingStandsFor, unknownFence, unknownPath, unknownColumn,
    unknownRoute, unknownDataset, keyMismatch, unknownTarget, badExpression, unknownAggregate, badAddress,
    unknownBlock, unknownArm, unknownMetric, unknownPoint, unknownRequest, ambiguousAddress, unknownTheory, cycle, unknownClaim,
    unverifiedClaim, badData, unknownFact, staleFact,
  ]
}
