// Student's t, for means of few replications. Exact to about 1e-10: the regularised incomplete beta
// function by its continued fraction (Lentz's method), inverted by bisection.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// P(T ≤ t) with `degrees` degrees of freedom, which need not be whole.
public func studentCDF(_ t: Double, degrees: Double) -> Double {
  precondition(degrees > 0, "degrees of freedom are positive")
  let tail = 0.5 * incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
  return t > 0 ? 1 - tail : tail
}

/// The t with P(T ≤ t) = p, 0 < p < 1.
public func studentQuantile(_ p: Double, degrees: Double) -> Double {
  precondition(p > 0 && p < 1, "a probability inside (0, 1)")
  if p < 0.5 { return -studentQuantile(1 - p, degrees: degrees) }
  var high = 2.0
  while studentCDF(high, degrees: degrees) < p { high *= 2 }
  var low = 0.0
  for _ in 0..<80 {
    let middle = (low + high) / 2
    if studentCDF(middle, degrees: degrees) < p { low = middle } else { high = middle }
  }
  return (low + high) / 2
}

/// Mean ± t·s/√n, for independent replications; nil below two samples or when one is not finite.
public func meanInterval(_ samples: [Double], confidence: Double) -> Interval? {
  guard samples.count >= 2, samples.allSatisfy({ $0.isFinite }) else { return nil }
  let mean = sampleMean(samples)
  let error = (sampleVariance(samples) / Double(samples.count)).squareRoot()
  let reach = studentQuantile(1 - (1 - confidence) / 2, degrees: Double(samples.count - 1)) * error
  return Interval(low: mean - reach, high: mean + reach, confidence: confidence)
}

/// The regularised incomplete beta function I_x(a, b), a, b > 0.
func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  if x <= 0 { return 0 }
  if x >= 1 { return 1 }
  let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
  // The fraction converges fast on one side of the mean; the other side is its mirror.
  return x < (a + 1) / (a + b + 2)
    ? front * betaFraction(x, a, b) / a : 1 - front * betaFraction(1 - x, b, a) / b
}

private func betaFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
  func awayFromZero(_ value: Double) -> Double { abs(value) < 1e-300 ? 1e-300 : value }
  var c = 1.0
  var d = 1 / awayFromZero(1 - (a + b) * x / (a + 1))
  var fraction = d
  for m in 1...500 {
    let m = Double(m)
    let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / awayFromZero(1 + even * d)
    c = awayFromZero(1 + even / c)
    fraction *= d * c
    let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / awayFromZero(1 + odd * d)
    c = awayFromZero(1 + odd / c)
    fraction *= d * c
    if abs(d * c - 1) < 1e-15 { break }
  }
  return fraction
}
