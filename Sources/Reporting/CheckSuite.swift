// What `nb run --check` found, in the words of test tools: a notebook is a suite, each block and each threshold a case.
// JUnit.swift and GitHubAnnotations.swift write it; a caller adds cases of its own (a regression, a budget).

import ExperimentModel

/// How a case ended. `error`: it could not be judged because the block failed; `notRun`: the machine lacks what it requires.
public enum CheckOutcome: String, Codable, Hashable, Sendable { case pass, fail, inconclusive, error, notRun }

/// One block, threshold, regression or budget.
public struct CheckCase: Codable, Hashable, Sendable {
  /// Unique in its suite: `onoff`, `onoff: ratio.mean>=1.5`.
  public var name: String
  /// Line of the block in the notebook, from 1; nil: not known.
  public var line: Int?
  public var outcome: CheckOutcome
  /// Why, in one sentence; empty for a pass.
  public var message: String
  public init(name: String, line: Int? = nil, outcome: CheckOutcome, message: String = "") {
    self.name = name; self.line = line; self.outcome = outcome; self.message = message
  }
}

/// One notebook.
public struct CheckSuite: Codable, Hashable, Sendable {
  /// Path from the root of the repository.
  public var notebook: String
  public var cases: [CheckCase]
  public init(notebook: String, cases: [CheckCase]) { self.notebook = notebook; self.cases = cases }

  func count(_ outcome: CheckOutcome) -> Int { cases.count { $0.outcome == outcome } }
}

/// The suite of a notebook's results: a case for each block, and after it one for each of its thresholds.
///
/// A failed block is an error. An INVALID run is inconclusive, and so is each of its thresholds, whatever was computed.
/// Predictions and gates are not among the cases: the first never fail a run, the second are `nb grade`'s.
///
/// - Parameter lines: where each block stands, by block id.
public func checkSuite(notebook: String, results: [CellResult], lines: [String: Int] = [:]) -> CheckSuite {
  var cases: [CheckCase] = []
  for result in results {
    let line = lines[result.id]
    if let failure = result.failure {
      cases.append(CheckCase(name: result.id, line: line, outcome: .error, message: failure))
      continue
    }
    if let unmet = result.unmet {
      cases.append(CheckCase(name: result.id, line: line, outcome: .notRun, message: "not run here: needs \(unmet)"))
      continue
    }
    let isInvalid = result.validity == .invalid
    let reason = "the run was INVALID: \(result.validityReason ?? "the generator fell behind")"
    cases.append(
      CheckCase(name: result.id, line: line, outcome: isInvalid ? .inconclusive : .pass, message: isInvalid ? reason : ""))
    for threshold in result.thresholds {
      let name = "\(result.id): \(threshold.text)"
      if isInvalid {
        cases.append(CheckCase(name: name, line: line, outcome: .inconclusive, message: reason))
        continue
      }
      let measured = threshold.measured.map { format($0.estimate, $0.unit, interval: true) } ?? "nothing"
      let (outcome, words): (CheckOutcome, String) =
        switch threshold.outcome {
        case .pass: (.pass, "")
        case .fail: (.fail, "\(threshold.text) does not hold: measured \(measured)")
        case .inconclusive: (.inconclusive, "\(threshold.text) is not decided: measured \(measured)")
        }
      cases.append(CheckCase(name: name, line: line, outcome: outcome, message: words))
    }
  }
  return CheckSuite(notebook: notebook, cases: cases)
}
