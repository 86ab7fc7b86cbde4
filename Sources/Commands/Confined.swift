// `--confine`: code runs with less than nb itself may do.

import MeasureKernel
import TextModel

struct Confined {
  static let help = "Code may change nothing but a temporary folder (its TMPDIR) and reach no network; the results say so."
  /// nil: it was not asked for.
  let confinement: Confinement?

  /// nil after an error, which was printed.
  init?(_ isAsked: Bool) {
    do throws(MeasureError) { confinement = isAsked ? try Confinement() : nil } catch {
      Output.failure(Diagnostic("run-failed", .error, error.cause, remedy: error.remedy))
      return nil
    }
  }

  func remove() { confinement?.remove() }
}
