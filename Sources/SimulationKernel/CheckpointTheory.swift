// Closed forms of a long job that fails and begins again at its last checkpoint. Times in one unit.

/// Mean time of a job whose failures are Poisson with `rate` and may also come in a checkpoint or a restart, which then begins anew; each
/// stretch of work, the last one too, ends with a checkpoint, and each attempt after a failure begins with a restart:
/// e^(λR)/λ · Σ (e^(λ(τ + C)) − 1), for whole stretches e^(λR)(e^(λ(τ + C)) − 1)/λ · W/τ (Daly 2006).
public func checkpointedTime(work: Double, interval: Double, checkpoint: Double, restart: Double, rate: Double) -> Double {
  let (whole, rest) = stretches(work: work, interval: interval)
  func one(_ stretch: Double) -> Double {
    let x = rate * (stretch + checkpoint)
    // Where the difference would lose digits, the series.
    let grown = x < 1e-5 ? x * (1 + x / 2 * (1 + x / 3)) : Portable.exp(x) - 1
    return rate > 0 ? Portable.exp(rate * restart) * grown / rate : stretch + checkpoint
  }
  return Double(whole) * one(interval) + (rest > 0 ? one(rest) : 0)
}

/// How often the interval fits, and the work that is left; what is left by rounding is none.
func stretches(work: Double, interval: Double) -> (whole: Int, rest: Double) {
  let whole = Int((work / interval * (1 + 1e-12)).rounded(.down))
  let rest = work - Double(whole) * interval
  return (whole, rest > 1e-9 * work ? rest : 0)
}

/// √(2CM) for the mean time M between failures (Young 1974): of first order in C/M.
public func youngInterval(checkpoint: Double, meanTimeBetweenFailures mean: Double) -> Double { (2 * checkpoint * mean).squareRoot() }

/// Daly's (2006) higher order: √(2CM)·(1 + √(C/2M)/3 + (C/2M)/9) − C for C < 2M, else M.
public func dalyInterval(checkpoint: Double, meanTimeBetweenFailures mean: Double) -> Double {
  guard checkpoint < 2 * mean else { return mean }
  let half = checkpoint / (2 * mean)
  return (2 * checkpoint * mean).squareRoot() * (1 + half.squareRoot() / 3 + half / 9) - checkpoint
}

/// The interval that makes (e^(λ(τ + C)) − 1)/τ least, which is exactly (1 − λτ)·e^(λτ) = e^(−λC); by halving.
public func bestInterval(checkpoint: Double, meanTimeBetweenFailures mean: Double) -> Double {
  let target = Portable.exp(-checkpoint / mean)
  var (low, high) = (0.0, 1.0)
  for _ in 0..<100 {
    let x = (low + high) / 2
    if (1 - x) * Portable.exp(x) > target { low = x } else { high = x }
  }
  return high * mean
}
