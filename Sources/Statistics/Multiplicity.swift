// Many rows, one risk: adjusted p-values, in the order in which the p-values were given. A row whose
// test was refused belongs to its family with p = 1: leaving it out would make the others look better.

/// Holm's step-down (1979): an adjusted value ≤ α keeps the risk of any false finding at α, however the rows
/// depend on each other. For gates.
///
/// - Parameter family: how many tests there were, when those that are not listed have p = 1; nil: these are all.
/// - Precondition: every p-value is in 0…1, and the family holds them all.
public func holm(_ pValues: [Double], family: Int? = nil) -> [Double] {
  precondition(pValues.allSatisfy { (0...1).contains($0) }, "p-values are probabilities")
  let family = family ?? pValues.count
  precondition(family >= pValues.count, "a family holds its members")
  let order = pValues.indices.sorted { pValues[$0] < pValues[$1] }
  var adjusted = pValues
  var running = 0.0
  for (position, index) in order.enumerated() {
    running = max(running, min(1, pValues[index] * Double(family - position)))
    adjusted[index] = running
  }
  return adjusted
}

/// Benjamini and Hochberg's step-up (1995): keeps the expected share of false findings at α for independent or
/// positively dependent rows. For reading.
///
/// - Precondition: every p-value is in 0…1.
public func benjaminiHochberg(_ pValues: [Double]) -> [Double] {
  precondition(pValues.allSatisfy { (0...1).contains($0) }, "p-values are probabilities")
  let order = pValues.indices.sorted { pValues[$0] > pValues[$1] }
  var adjusted = pValues
  var running = 1.0
  for (position, index) in order.enumerated() {
    let rank = pValues.count - position
    running = min(running, pValues[index] * Double(pValues.count) / Double(rank))
    adjusted[index] = running
  }
  return adjusted
}
