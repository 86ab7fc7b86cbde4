// Closed forms of a token bucket with Poisson arrivals. Turned around, the tokens that are missing are work: each request that is let
// through adds one, the refill does one after another. That is the queue M/D/1, seen b − 1 services early.

/// M/D/1 by the number inside, as far as needed: pⱼ/p₀ from the balance of crossings between j and j + 1, all terms positive, so that it is
/// also good above full load, where only the ratios have a meaning.
///
/// - Returns: weights of 0…most in one scale; that of 0 may have become 0 beside the others.
private func mD1Weights(load: Double, most: Int) -> [Double] {
  // P(more than k arrive in one service), from the far end.
  var term = Portable.exp(-load)
  let none = term
  var terms: [Double] = [none]
  while terms.count < 3 || Double(terms.count) < load || term > 1e-25 {
    term *= load / Double(terms.count)
    terms.append(term)
  }
  var more = [Double](repeating: 0, count: terms.count)
  for k in stride(from: terms.count - 2, through: 0, by: -1) { more[k] = more[k + 1] + terms[k + 1] }
  var weights: [Double] = [1]
  for j in 0..<most {
    var up = j < more.count ? weights[0] * more[j] : 0
    for i in max(1, j + 2 - more.count)..<max(1, j + 1) { up += weights[i] * more[j + 1 - i] }
    weights.append(up / none)
    if weights[j + 1] > 1e200 { for i in weights.indices { weights[i] *= 1e-200 } }
  }
  return weights
}

/// The share of requests that a bucket of `burst` tokens lets through when it drops the others: those that find less than `burst` − 1
/// tokens missing. Up to there the missing ones obey the unbounded queue's equation of level crossings, so that P(none missing) times
/// H = Σ pⱼ/p₀ over j < burst is the share; and as much is let through as is refilled, ρ·share = 1 − P(none missing): H/(1 + ρH).
///
/// - Parameter load: arrivals over refill; may be above 1.
public func bucketAllowedShare(load: Double, burst: Int) -> Double {
  precondition(load > 0 && burst > 0)
  if burst == 1 { return 1 / (1 + load) }
  // Beyond it e^−ρ leaves the numbers; what is let through is the refill.
  if load > 500 { return 1 / load }
  let weights = mD1Weights(load: load, most: burst - 1)
  let inside = weights.reduce(0, +)
  return inside / (weights[0] + load * inside)
}

/// A bucket that lets requests wait for their token: they wait as in M/D/1 beyond its first `burst`, so (Little) E(N − burst)⁺/λ.
///
/// - Returns: in units of the time of a token; infinite at or above full load.
public func bucketDelay(load: Double, burst: Int) -> (mean: Double, waitingShare: Double) {
  precondition(load > 0 && burst > 0)
  guard load < 1 else { return (.infinity, 1) }
  let p = mD1Weights(load: load, most: burst - 1).map { $0 * (1 - load) }
  let inside = load + load * load / (2 * (1 - load))
  let below = p.indices.reduce(0) { $0 + Double(burst - $1) * p[$1] }
  return (max(0, inside - Double(burst) + below) / load, max(0, 1 - p.reduce(0, +)))
}
