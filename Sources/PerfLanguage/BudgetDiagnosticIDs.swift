// The diagnostics that only a budget file can give; those it shares with perf blocks keep their names
// (`unknown-key`, `missing-unit`, …). Each has a case in Tests/Golden/Fail, with `budgets.yml` as input.

import TextModel

/// The stable names of this file's diagnostics.
public enum BudgetDiagnosticID {
  public static let notAList: DiagnosticID = "budget-not-a-list"
  public static let badDate: DiagnosticID = "budget-bad-date"
  public static let duplicate: DiagnosticID = "budget-duplicate"
  public static let direction: DiagnosticID = "budget-direction"

  public static let all: [DiagnosticID] = [notAList, badDate, duplicate, direction]
}
