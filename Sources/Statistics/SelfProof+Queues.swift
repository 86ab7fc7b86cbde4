// Do the intervals of a load run hold, though requests that queue together are no independent ones?

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

extension SelfProof {
  /// Quantiles of the response time of an M/M/1 queue with 2,000 services a second, seen for ten seconds from its steady state: the
  /// truth is −ln(1 − q)/(μ − λ). A wrong interval is what counts; to refuse one is honest.
  public static let queueCoverage = SelfProof("coverage of a load run's quantiles", trials: 400) { trials in
    var rows: [ProofRow] = []
    // At 90 % load ten seconds are about 50 independent waits, too few to know how few they are.
    for (load, bound) in [(0.3, 0.932), (0.5, 0.932), (0.8, 0.932), (0.9, 0.9)] {
      for q in [0.5, 0.9, 0.99] {
        let truth = -log1p(-q) / (2_000 * (1 - load)) * 1e9
        rows.append(
          row("covered or refused: p\(Int(q * 100)) of M/M/1 at \(Int(load * 100)) %, 10 s", .atLeast(bound), trials) { seed in
            let (times, batches) = queueRun(load: load, seconds: 10, q: q, seed: seed)
            let worth = effectiveCount(batches, q: q, variance: times.variance)
            guard let interval = times.interval(q, confidence: 0.95, worth: worth) else { return true }
            // A histogram's bucket is up to 1/2048 wide.
            return Double(interval.low) * 0.999 <= truth && truth <= Double(interval.high) * 1.001
          })
      }
    }
    let plain = row("covered by independent ranks (what they would do): p99 at 80 %, 10 s", .atMost(0.5), trials) { seed in
      let (times, _) = queueRun(load: 0.8, seconds: 10, q: 0.99, seed: seed)
      return times.interval(0.99, confidence: 0.95).map { Double($0.low) <= 1.151293e7 && 1.151293e7 <= Double($0.high) }
    }
    return rows + [plain]
  }

  /// Response times in nanoseconds, and 50 batches by the time of the answer.
  private static func queueRun(load: Double, seconds: Double, q: Double, seed: UInt64) -> (Histogram, [SeriesBatch]) {
    var random = SeededRandom(seed: seed)
    let mu = 2_000.0
    var times = Histogram()
    var single: [(batch: Int, time: Int64)] = []
    // The wait that the first arrival finds in the steady state.
    var free = random.uniform() < load ? random.exponential() / (mu * (1 - load)) : 0
    var arrival = 0.0
    while arrival < seconds {
      free = max(free, arrival) + random.exponential() / mu
      let time = Int64((free - arrival) * 1e9)
      times.record(time)
      single.append((min(49, Int(free / seconds * 50)), time))
      arrival += random.exponential() / (mu * load)
    }
    let limit = times.quantile(q)
    var batches = [SeriesBatch](repeating: SeriesBatch(count: 0, sum: 0, exceeding: 0), count: 50)
    for (batch, time) in single {
      batches[batch].count += 1
      batches[batch].sum += Double(time)
      if time > limit { batches[batch].exceeding += 1 }
    }
    return (times, batches)
  }
}
