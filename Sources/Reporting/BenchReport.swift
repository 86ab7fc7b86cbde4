// What the bench formats and texts share: names that may be missing in a file, and the plain arithmetic that exchange
// formats ask for. Nothing statistical is computed here: intervals and verdicts come with the report.

import ExperimentModel

extension BenchReport {
  /// The name of subject `index`; a file may name one that does not exist.
  func name(_ index: Int) -> String {
    subjects.indices.contains(index) ? subjects[index].name : "subject \(index)"
  }
}

extension BenchSubject {
  /// The median to show, ns; nil without a sample.
  var shownMedian: Estimate? { median ?? middle(times).map { Estimate($0) } }
}

// MARK: Plain arithmetic that the exchange formats ask for

/// The middle value, or the mean of the two in the middle; nil without a finite value.
func middle(_ values: [Double]) -> Double? {
  let sorted = values.filter(\.isFinite).sorted()
  guard !sorted.isEmpty else { return nil }
  let half = sorted.count / 2
  // Halved first: the sum of two large numbers may be infinite.
  return sorted.count % 2 == 1 ? sorted[half] : sorted[half - 1] / 2 + sorted[half] / 2
}

/// The arithmetic mean of the finite values; nil without one.
func arithmeticMean(_ values: [Double]) -> Double? {
  let finite = values.filter(\.isFinite)
  guard !finite.isEmpty else { return nil }
  return finite.reduce(0) { $0 + $1 / Double(finite.count) }
}

/// The sample standard deviation (n − 1) of the finite values; nil for fewer than two.
func standardDeviation(_ values: [Double]) -> Double? {
  let finite = values.filter(\.isFinite)
  guard finite.count > 1, let mean = arithmeticMean(finite) else { return nil }
  return (finite.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(finite.count - 1)).squareRoot()
}
