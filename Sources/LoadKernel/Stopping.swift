// The decision of interval-driven stopping: a pure function of the window quantiles so far.

import Statistics

extension StopRule {
  /// The interval that ends the run; nil: go on. Judged only when the number of windows is one of `looks`, so
  /// that the risk is spent where it was planned.
  public func decide(_ series: [Double]) -> Interval? {
    guard looks.contains(series.count) else { return nil }
    let level = 1 - (1 - confidence) / Double(looks.count)
    // The series' memory is allowed for: batches double until neighbours forget each other, or nothing is decided.
    guard let batches = batchMeans(series, confidence: level), batches.mean > 0 else { return nil }
    return batches.interval.width / 2 <= relativeHalfWidth * batches.mean ? batches.interval : nil
  }
}
