// What `--strict` refuses in one notebook: the rules of CourseRules on what is saved here.

import CourseRules
import ExperimentModel
import ExperimentRunner
import TextModel

extension Notebook {
  /// This notebook as the rules see it.
  ///
  /// - Parameter results: what is saved for it; `knownResults()` has the store's too.
  func checked(_ results: [String: CellResult]) -> CheckedNotebook {
    CheckedNotebook(document: document, planned: planned, stem: stem, facts: facts, results: results)
  }
}

/// Claims that no measurement bears out, results and values of an older question, prose without its numbers, regions that a
/// person edited: as errors, in the order of the text. The notebook's ordinary diagnostics are not among them.
func strictFindings(_ notebook: Notebook) -> Diagnostics {
  strictFindings(of: notebook.checked(notebook.knownResults()), status: { claimStatus($0, in: $1) })
}
