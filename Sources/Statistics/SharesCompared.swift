// Two shares beside each other: is a value commoner among the slow than among the rest, and by how much? For counts of
// independent observations; every count may be small, or 0.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Fisher's exact test (1922), one-sided: how probable at least `hits` marked ones are among `drawn`, when the draw does not
/// look at the mark. Hypergeometric, summed from its terms.
///
/// - Precondition: 0 ≤ hits ≤ min(drawn, marked), and both are within `total`.
/// - Complexity: the terms that matter, some multiples of the standard deviation.
public func fisherUpperTail(hits: Int, drawn: Int, marked: Int, total: Int) -> Double {
  precondition(hits >= 0 && hits <= min(drawn, marked) && max(drawn, marked) <= total, "a part is not larger than its whole")
  // P(X ≥ 0) and P(X ≥ what must be drawn) are certain.
  guard hits > max(0, drawn + marked - total) else { return 1 }
  let expected = Double(drawn) * Double(marked) / Double(total)
  func term(_ k: Int) -> Double {
    exp(logBinomial(marked, k) + logBinomial(total - marked, drawn - k) - logBinomial(total, drawn))
  }
  // From the side of the mean that leaves fewer terms out: below the mean the tail is 1 minus what is under it.
  if Double(hits) <= expected {
    var below = 0.0
    var mass = term(hits - 1)
    var k = hits - 1
    while k >= max(0, drawn + marked - total), mass > 0 {
      below += mass
      if mass < below * 1e-17 { break }
      mass *= Double(k) * Double(total - marked - drawn + k) / (Double(marked - k + 1) * Double(drawn - k + 1))
      k -= 1
    }
    return min(1, max(0, 1 - below))
  }
  var above = 0.0
  var mass = term(hits)
  var k = hits
  while k <= min(drawn, marked), mass > 0 {
    above += mass
    if mass < above * 1e-17 { break }
    mass *= Double(marked - k) * Double(drawn - k) / (Double(k + 1) * Double(total - marked - drawn + k + 1))
    k += 1
  }
  return min(1, above)
}

/// Interval of p₁ ÷ p₀ from two independent samples: the Wilson intervals of both shares put together (Donner and Zou 2012,
/// "method of variance estimates recovery" for ratios, as Newcombe did for differences).
///
/// - Returns: nil without trials on either side. The upper bound is infinite when none of the base has it.
public func ratioOfSharesInterval(hits: Int, of trials: Int, baseHits: Int, of baseTrials: Int, confidence: Double = 0.95) -> Interval? {
  guard let one = wilsonInterval(successes: hits, of: trials, confidence: confidence),
    let base = wilsonInterval(successes: baseHits, of: baseTrials, confidence: confidence)
  else { return nil }
  let p1 = Double(hits) / Double(trials), p0 = Double(baseHits) / Double(baseTrials)
  let product = p1 * p0
  // Both bounds are roots of one quadratic; written so that neither divides by what may vanish.
  let least = one.low * (2 * p1 - one.low)
  let lowRoot = max(0, product * product - least * base.high * (2 * p0 - base.high)).squareRoot()
  let low = least > 0 ? least / (product + lowRoot) : 0
  let most = base.low * (2 * p0 - base.low)
  let highRoot = max(0, product * product - one.high * (2 * p1 - one.high) * most).squareRoot()
  let high = most > 0 ? (product + highRoot) / most : .infinity
  return Interval(low: min(low, high), high: high, confidence: confidence)
}

/// Lift, P(value | chosen) ÷ P(value): how much commoner a value is among the chosen than among all, with its interval.
///
/// The chosen are part of all, so the interval is that of the ratio to the rest, carried over: with f the share that was
/// chosen and r the ratio, lift = 1 ÷ (f + (1 − f) ÷ r). It is at most 1 ÷ f.
///
/// - Returns: nil when nothing was chosen, nothing has the value, or all were chosen.
public func lift(hits: Int, chosen: Int, marked: Int, total: Int, confidence: Double = 0.95) -> (value: Double, interval: Interval)? {
  precondition(hits >= 0 && hits <= min(chosen, marked) && max(chosen, marked) <= total, "a part is not larger than its whole")
  guard marked > 0, chosen > 0, chosen < total,
    let ratio = ratioOfSharesInterval(hits: hits, of: chosen, baseHits: marked - hits, of: total - chosen, confidence: confidence)
  else { return nil }
  let f = Double(chosen) / Double(total)
  func carried(_ r: Double) -> Double { r == 0 ? 0 : 1 / (f + (1 - f) / r) }
  let value = Double(hits) / Double(chosen) / (Double(marked) / Double(total))
  return (value, Interval(low: min(value, carried(ratio.low)), high: max(value, carried(ratio.high)), confidence: confidence))
}
