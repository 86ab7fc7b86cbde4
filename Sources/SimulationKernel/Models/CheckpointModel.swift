// The model `checkpoint`: a long job on instances that fail or are taken back (day 18).
//
//   ── work ── C ── work ── C ── wo✕ R ── work ── C ── …    ✕ undoes what was done since the last C; also a C or an R may fail

import ExperimentModel

struct CheckpointModel: SimulatedModel {
  let work: Double
  let failures: Law
  let interval: Double
  let checkpoint: Double
  let restart: Double
  let price: Double
  let jobs: Int

  init(_ p: Parameters) throws(SimulationError) {
    (work, failures, interval) = (p.seconds("work"), try p.law("failures"), p.seconds("interval"))
    (checkpoint, restart, price) = (p.seconds("checkpoint"), p.seconds("restart"), p.number("price"))
    jobs = p.size("jobs", least: 50)
    guard work > 0, interval > 0 else { throw p.refusal("`work` and `interval` are above 0", "such as work 24h, interval 30min") }
    guard work / interval * Double(jobs) <= 1e8 else {
      throw p.refusal(
        "\(shown(work / interval * Double(jobs))) stretches of work in a replication", "at most 100000000: give a longer `interval`, or fewer `jobs`")
    }
    let attempt = min(interval, work) + checkpoint + restart
    if failures.isExponential, attempt > 11 * failures.mean {
      throw p.refusal(
        "a stretch of \(shown(attempt)) s with failures every \(shown(failures.mean)) s takes more than 60,000 attempts: the job never ends",
        "give a shorter `interval`")
    }
  }

  private var count: Int {
    let (whole, rest) = stretches(work: work, interval: interval)
    return whole + (rest > 0 ? 1 : 0)
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    let gap = Sampler(failures)
    let (whole, rest) = stretches(work: work, interval: interval)
    var times = Tally()
    var (failed, attempts) = (0, 0)
    for job in 0..<jobs {
      if cancelled() { throw SimulationError(cause: "the simulation was interrupted") }
      // A stream for each: in every variant the n-th job fails at the same times.
      var stream = Stream(seed: seed, replication: index, source: job)
      var (now, next, isRestart) = (0.0, gap.next(&stream), false)
      for stretch in 0..<count {
        let need = (stretch < whole ? interval : rest) + checkpoint
        var tries = 0
        while true {
          attempts += 1
          let end = now + need + (isRestart ? restart : 0)
          if end <= next {
            now = end
            isRestart = false
            break
          }
          now = next
          next += gap.next(&stream)
          isRestart = true
          failed += 1
          tries += 1
          guard tries < 1_000_000 else {
            throw SimulationError(cause: "a stretch of \(shown(need)) s failed a million times: the job never ends", remedy: "give a shorter `interval`")
          }
        }
      }
      times.record(now)
    }
    let mean = times.sum / Double(jobs)
    var found = Replication(events: attempts)
    found.values = values(time: mean).merging(["reclaims": Double(failed) / Double(jobs)]) { $1 }
    for (name, q) in responseQuantiles { found.values[name] = times.quantile(q) * 1e9 }
    for (name, value) in intervals { found.values[name] = value }
    return found
  }

  /// What follows from the mean time of a job.
  private func values(time: Double) -> [String: Double] {
    ["completion": time * 1e9, "lost_share": max(0, time - work - Double(count) * checkpoint) / time, "cost_index": price * time / work]
  }

  /// For Poisson failures.
  private var intervals: [(String, Double)] {
    guard failures.isExponential, checkpoint > 0 else { return [] }
    let mean = failures.mean
    return [
      ("young_interval", youngInterval(checkpoint: checkpoint, meanTimeBetweenFailures: mean) * 1e9),
      ("daly_interval", dalyInterval(checkpoint: checkpoint, meanTimeBetweenFailures: mean) * 1e9),
      ("best_interval", bestInterval(checkpoint: checkpoint, meanTimeBetweenFailures: mean) * 1e9),
    ]
  }

  // MARK: Theory

  var closedForm: String? { failures.isExponential ? "e^(λR)(e^(λ(τ + C)) − 1)/λ for each stretch of work, exact" : nil }

  var theory: [String: Double] {
    guard failures.isExponential else { return [:] }
    let rate = 1 / failures.mean
    let time = checkpointedTime(work: work, interval: interval, checkpoint: checkpoint, restart: restart, rate: rate)
    // Wald: failures are Poisson also up to the end of the job.
    return values(time: time).merging(["reclaims": rate * time]) { $1 }
  }
}
