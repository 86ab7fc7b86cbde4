// Closed forms of functions that are started when they are needed. Times in one unit, rates in its inverse.

/// Idle instances as a stack: who came back last is asked first, and is given up after `keepAlive` (M/M/∞, or M/M/c/c with a limit;
/// starting one takes no time).
///
///   busy  n+1 ──┐           ┌── the next request that finds n busy takes just the instance that went idle here:
///          n    └──┐   ┌────┘   above it in the stack lie those that went idle since, and they are all in use again
///         n−1      └───┘
///
/// So a request that finds n busy starts an instance exactly when the way from n down and back to n + 1 took longer than `keepAlive`. The
/// first passage from n to n + 1 has the transform φₙ(s) = λ/(λ + nμ + s − nμ·φₙ₋₁(s)) (Karlin and McGregor 1957); it is inverted
/// numerically, by Euler's summation (Abate and Whitt 1995), with an error below 10⁻⁷.
///
/// - Parameter limit: most busy ones; nil: as many as are needed.
/// - Returns: the share of accepted requests that start an instance, and the mean number of instances, idle ones too; nil where more than 100,000
///   are busy at one time.
public func idleStack(rate: Double, serviceMean: Double, keepAlive: Double, limit: Int?) -> (coldShare: Double, instances: Double)? {
  precondition(rate > 0 && serviceMean > 0 && keepAlive >= 0)
  let offered = rate * serviceMean
  let most = offered + 12 * offered.squareRoot() + 20
  guard most < 1e5 else { return nil }
  let count = min(limit ?? .max, Int(most))
  // Of Poisson's law what requests find, up to the most that are busy.
  var share = [Double](repeating: 0, count: count + 1)
  var (weight, total) = (1.0, 0.0)
  for n in 0...count {
    if n > 0 { weight *= offered / Double(n) }
    share[n] = weight
    total += weight
    if total > 1e200 { for k in 0...n { share[k] *= 1e-200 }; (weight, total) = (weight * 1e-200, total * 1e-200) }
  }
  for n in 0...count { share[n] /= total }
  let accepted = 1 - (limit == nil ? 0 : share[count])
  let busy = (0...count).reduce(0) { $0 + Double($1) * share[$1] }
  guard keepAlive > 0 else { return (1, busy) }
  // Both are sums over n with one weight: one inversion of each sum.
  let weights = limit == nil ? share : Array(share.dropLast())
  let (longer, kept) = invert(at: keepAlive) { s in
    var (passage, first, second) = (Complex(0), Complex(0), Complex(0))
    for n in weights.indices {
      let leave = Double(n) / serviceMean
      passage = Complex(rate) / (s + Complex(rate + leave) - Complex(leave) * passage)
      let survival = (Complex(1) - passage) / s
      first = first + Complex(weights[n]) * survival
      second = second + Complex(weights[n]) * survival / s
    }
    return (first, second)
  }
  return (min(1, max(0, longer) / accepted), busy + rate * max(0, kept))
}

/// Two functions at t from their transforms.
private func invert(at t: Double, _ transform: (Complex) -> (Complex, Complex)) -> (Double, Double) {
  let decay = 18.4
  let scale = Portable.exp(decay / 2) / t
  var (first, second) = (0.0, 0.0)
  // Euler's mean of the last twelve partial sums, with binomial weights.
  let (plain, averaged) = (28, 11)
  var binomial = 1.0 / 2048
  var sums = (0.0, 0.0)
  for k in 0...(plain + averaged) {
    let value = transform(Complex(decay / (2 * t), Double(k) * 3.141592653589793 / t))
    let sign = k == 0 ? 0.5 : k % 2 == 0 ? 1.0 : -1
    sums = (sums.0 + sign * value.0.real, sums.1 + sign * value.1.real)
    guard k >= plain else { continue }
    first += binomial * sums.0
    second += binomial * sums.1
    binomial *= Double(averaged - (k - plain)) / Double(k - plain + 1)
  }
  return (scale * first, scale * second)
}

private struct Complex {
  var real: Double
  var imaginary: Double
  init(_ real: Double, _ imaginary: Double = 0) { (self.real, self.imaginary) = (real, imaginary) }
  static func + (a: Self, b: Self) -> Self { Self(a.real + b.real, a.imaginary + b.imaginary) }
  static func - (a: Self, b: Self) -> Self { Self(a.real - b.real, a.imaginary - b.imaginary) }
  static func * (a: Self, b: Self) -> Self { Self(a.real * b.real - a.imaginary * b.imaginary, a.real * b.imaginary + a.imaginary * b.real) }
  static func / (a: Self, b: Self) -> Self {
    let size = b.real * b.real + b.imaginary * b.imaginary
    return Self((a.real * b.real + a.imaginary * b.imaginary) / size, (a.imaginary * b.real - a.real * b.imaginary) / size)
  }
}
