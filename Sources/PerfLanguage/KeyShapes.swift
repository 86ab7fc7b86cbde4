// Which shape stands behind a key whose row says only "a list of …" in words: what `nb explain` and `nb schema` go down into.

extension Key {
  /// The shape of the value, or of each item of a list, of this key in a mapping of `shape`; nil: scalars, or read by code.
  func innerShape(in shape: Shape) -> Shape? {
    if case .shape(let inner) = type { return inner }
    return switch (shape, name) {
    case (.compare, "baseline"), (.compare, "candidates"): .variant
    case (_, "stages"): .stage
    case (_, "scenario"): .request
    case (_, "faults"): .fault
    case (.slo, "objectives"): .objective
    case (.slo, "timeWindow"): .timeWindow
    case (.slo, "alerts"): .alert
    case (_, "plots"): .plot
    case (_, "claims"): .claim
    case (_, "subjects"): .subject
    case (.sim, "vary"): .vary
    case (.runbook, "metrics"): .runbookMetric
    default: nil
    }
  }
}
