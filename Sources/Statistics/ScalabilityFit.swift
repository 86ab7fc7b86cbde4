// The solver of the Universal Scalability Law. With c = (1, α, β)/γ and D = c₀ + c₁(N − 1) + c₂N(N − 1) the law is
// X = N/D, so that the derivatives are simple and a weighted line through N/X is a start close to the end.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The least squares of the law with α, β ≥ 0.
struct ScalabilityFit {
  var alpha: Double
  var beta: Double
  var gamma: Double

  /// nil when no start is usable: then neither is the data.
  init?(_ loads: [Double], _ throughputs: [Double], _ residuals: ScalabilityResiduals) {
    let terms = loads.map { [1, $0 - 1, $0 * ($0 - 1)] }
    let needs = zip(loads, throughputs).map { $0 / $1 }
    let weights = residuals == .relative ? [Double](repeating: 1, count: loads.count) : throughputs
    var best: (c: [Double], sum: Double)?
    // The whole law first: an inner minimum needs no bound. Else the best on each bound.
    for free in [[0, 1, 2], [0, 1], [0, 2], [0]] {
      if free.count < 3, let best, best.c[1] > 0, best.c[2] > 0 { break }
      if free.count == 1, best != nil { break }
      guard let found = Self.solve(terms, needs, weights, free), found.c[1] >= 0, found.c[2] >= 0 else { continue }
      if found.sum < best?.sum ?? .infinity { best = found }
    }
    guard let best else { return nil }
    gamma = 1 / best.c[0]
    alpha = best.c[1] * gamma
    beta = best.c[2] * gamma
  }

  /// Levenberg and Marquardt (Marquardt 1963) over the `free` terms, the others 0.
  private static func solve(
    _ terms: [[Double]], _ needs: [Double], _ weights: [Double], _ free: [Int]
  ) -> (c: [Double], sum: Double)? {
    func demand(_ c: [Double], _ i: Int) -> Double { c[0] * terms[i][0] + c[1] * terms[i][1] + c[2] * terms[i][2] }
    func sum(_ c: [Double]) -> Double {
      var total = 0.0
      for i in terms.indices {
        let d = demand(c, i)
        guard d > 0 else { return .infinity }
        let r = weights[i] * (needs[i] / d - 1)
        total += r * r
      }
      return total
    }
    /// Normal equations of rows `row(i)` against `target(i)`, with the diagonal raised by `damping`.
    func step(_ damping: Double, _ row: (Int) -> Double, _ target: (Int) -> Double) -> [Double]? {
      var a = [Double](repeating: 0, count: 9)
      var b = [Double](repeating: 0, count: 3)
      for i in terms.indices {
        let (scale, goal) = (row(i), target(i))
        for p in free {
          b[p] += scale * terms[i][p] * goal
          for q in free { a[3 * p + q] += scale * scale * terms[i][p] * terms[i][q] }
        }
      }
      for p in free { a[4 * p] *= 1 + damping }
      return solveSymmetric(a, b, free)
    }
    // D/(N/X) ≈ 1, in which c is linear.
    guard var c = step(0, { weights[$0] / needs[$0] }, { weights[$0] }) else { return nil }
    var best = sum(c)
    if !best.isFinite {
      // A line that leaves the positive: begin with the mean need and no contention.
      c = [sampleMean(needs), 0, 0]
      best = sum(c)
    }
    var damping = 1e-3
    for _ in 0..<200 {
      // r = w(u/D − 1), ∂r/∂c = −w u/D² · term.
      let move = step(
        damping, { i in let d = demand(c, i); return weights[i] * needs[i] / (d * d) },
        { i in weights[i] * (needs[i] / demand(c, i) - 1) })
      guard let move else { break }
      let next = zip(c, move).map { $0 + $1 }
      let reached = sum(next)
      if reached < best {
        let gain = best - reached
        (c, best) = (next, reached)
        damping = max(1e-12, damping / 10)
        if gain <= 1e-14 * best { break }
      } else {
        damping *= 10
        if damping > 1e12 { break }
      }
    }
    return c[0] > 0 && best.isFinite ? (c, best) : nil
  }

  /// Up to three equations by elimination after scaling to a unit diagonal; nil when they are not independent.
  private static func solveSymmetric(_ a: [Double], _ b: [Double], _ free: [Int]) -> [Double]? {
    let scale = (0..<3).map { a[4 * $0] > 0 ? 1 / a[4 * $0].squareRoot() : 0 }
    guard free.allSatisfy({ scale[$0] > 0 && scale[$0].isFinite }) else { return nil }
    var m = free.map { p in free.map { a[3 * p + $0] * scale[p] * scale[$0] } + [b[p] * scale[p]] }
    let size = free.count
    for k in 0..<size {
      guard let pivot = (k..<size).max(by: { abs(m[$0][k]) < abs(m[$1][k]) }), abs(m[pivot][k]) > 1e-14 else { return nil }
      m.swapAt(k, pivot)
      for row in 0..<size where row != k {
        let factor = m[row][k] / m[k][k]
        for column in k...size { m[row][column] -= factor * m[k][column] }
      }
    }
    var x = [Double](repeating: 0, count: 3)
    for (k, p) in free.enumerated() { x[p] = m[k][size] / m[k][k] * scale[p] }
    return x
  }
}
