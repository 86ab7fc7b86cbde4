// Many rows, one risk: adjusted p-values, in the order in which the p-values were given.

/// Holm's step-down: an adjusted value ≤ α keeps the risk of any false finding at α. For gates.
public func holm(_ pValues: [Double]) -> [Double] {
  let order = pValues.indices.sorted { pValues[$0] < pValues[$1] }
  var adjusted = pValues
  var running = 0.0
  for (position, index) in order.enumerated() {
    running = max(running, min(1, pValues[index] * Double(pValues.count - position)))
    adjusted[index] = running
  }
  return adjusted
}

/// Benjamini and Hochberg's step-up: keeps the expected share of false findings at α. For reading.
public func benjaminiHochberg(_ pValues: [Double]) -> [Double] {
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

/// Two-sided exact sign test that the median of `differences` is 0; zeros are left out.
public func signTest(_ differences: [Double]) -> Double {
  let n = differences.filter { $0 != 0 }.count
  guard n > 0 else { return 1 }
  let positive = differences.filter { $0 > 0 }.count
  let extreme = min(positive, n - positive)
  var mass = 1.0
  for _ in 0..<min(n, 1_000) { mass /= 2 }
  // 2⁻ⁿ underflows only where the answer is 0 for any reader, or where both sides are near n/2.
  guard n <= 1_000 else { return normalTail(n, extreme) }
  var sum = mass
  for k in 0..<extreme {
    mass *= Double(n - k) / Double(k + 1)
    sum += mass
  }
  return min(1, 2 * sum)
}

/// Normal approximation with continuity correction, through Student's t with very many degrees.
private func normalTail(_ n: Int, _ extreme: Int) -> Double {
  let z = (Double(extreme) + 0.5 - Double(n) / 2) / (Double(n).squareRoot() / 2)
  return min(1, 2 * studentCDF(min(z, 0), degrees: 1e7))
}
