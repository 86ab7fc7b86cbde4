// The capacity search at simulated queues whose capacity is known: the same search that `nb load --find-capacity` runs, with a
// virtual clock. Seeds 1…N in order.

import ExperimentModel
import ExperimentRunner
import Glibc
import Statistics
import Testing

@Suite struct CapacitySearchTests {
  /// M/M/1 with 2,000/s: p99 < 100 ms holds up to 2000 − ln 100/0.1 s = 1,954/s; with 5,000/s and 20 ms up to 4,770/s.
  @Test(arguments: [(2_000.0, 0.1), (5_000.0, 0.1), (5_000.0, 0.02)])
  func findsTheCapacityOfAnMM1QueueWithinThreePercent(service: Double, limit: Double) throws {
    let truth = service - log(100) / limit
    var within = 0
    var covered = 0
    let seeds = 20
    for seed in 1...seeds {
      let found = try search(limit: limit, capacity: service, seed: UInt64(seed)) { draw in draw.exponential() / service }
      let capacity = try #require(found.capacity)
      if abs(capacity.value / truth - 1) <= 0.03 { within += 1 }
      if (capacity.low ?? 0)...(capacity.high ?? 0) ~= truth { covered += 1 }
    }
    #expect(within >= seeds - 1)
    #expect(covered >= seeds - 3)
  }

  /// M/D/1 with 2,000/s, where nothing is exponential: p99 crosses 20 ms at 1,885/s (four million simulated requests).
  @Test func findsTheCapacityOfAnMD1Queue() throws {
    let truth = 1_885.0
    var within = 0
    for seed in 1...20 {
      let found = try search(limit: 0.02, capacity: 2_000, seed: UInt64(seed)) { _ in 1 / 2_000.0 }
      if let capacity = found.capacity, abs(capacity.value / truth - 1) <= 0.03 { within += 1 }
    }
    #expect(within >= 19)
  }

  /// A server that breaks without a queue, at 1,000/s: the bracket decides, and says so by its ends.
  @Test func bisectsWhereNoQueueCanBeSeen() throws {
    let objective = Judgement(
      text: "http_req_failed<1%", address: Address(block: nil, arm: [], metric: "http_req_failed"), op: .less,
      limit: Quantity(0.01, .share))
    var now = 0.0
    let found = try searchCapacity(
      CapacityPlan(), target: "test", objective: objective, elapsed: { now }, cancelled: { false },
      run: { rate, seconds throws(CellFailure) in
        now += seconds
        var report = LoadReport(target: "test", traffic: "", seed: 1, environment: "")
        report.requests = Int(rate * seconds)
        report.failed = rate > 1_000 ? report.requests / 10 : 0
        let share = Double(report.failed) / Double(report.requests)
        report.thresholds = [
          JudgementResult(text: objective.text, measured: MetricValue(Estimate(share), .share), outcome: share < 0.01 ? .pass : .fail)
        ]
        return report
      })
    let capacity = try #require(found.capacity)
    #expect((capacity.low ?? 0) <= 1_000 && (capacity.high ?? 0) > 1_000)
    #expect(abs(capacity.value / 1_000 - 1) < 0.03)
    #expect(found.ceiling == nil)
    #expect(now <= 60)
  }

  // MARK: A queue on a virtual clock

  /// One server, first come first served, Poisson arrivals, from empty: response times and when they were answered.
  private func queue(_ rate: Double, _ seconds: Double, _ draw: inout SeededRandom, _ service: (inout SeededRandom) -> Double) -> [(at: Double, time: Double)] {
    var answers: [(at: Double, time: Double)] = []
    var (arrival, free) = (0.0, 0.0)
    while true {
      arrival += draw.exponential() / rate
      guard arrival < seconds else { return answers }
      free = max(free, arrival) + service(&draw)
      answers.append((free, free - arrival))
    }
  }

  private func search(limit: Double, capacity: Double, seed: UInt64, _ service: @escaping (inout SeededRandom) -> Double) throws -> CapacityReport {
    var draw = SeededRandom(seed: seed)
    var now = 0.0
    let objective = Judgement(
      text: "p99<\(limit)", address: Address(block: nil, arm: [], metric: "p99"), op: .less, limit: Quantity(limit * 1e9, .nanoseconds))
    let found = try searchCapacity(
      CapacityPlan(), target: "test", objective: objective, elapsed: { now }, cancelled: { false },
      run: { rate, seconds throws(CellFailure) in
        now += seconds + 0.4
        let answers = self.queue(rate, seconds, &draw, service)
        var report = LoadReport(target: "test", traffic: "", seed: seed, environment: "")
        report.requests = answers.count
        report.plannedRate = Double(answers.count) / seconds
        let length = seconds / 100
        var counts = [Int](repeating: 0, count: 100)
        for answer in answers where answer.at < seconds { counts[min(99, Int(answer.at / length))] += 1 }
        report.windows = counts.enumerated().map { i, count in
          LoadReportWindow(start: Double(i) * length * 1e9, rate: Double(count) / length, failed: 0, p50: 1, p99: 1)
        }
        let times = answers.map(\.time).sorted()
        let p99 = times.isEmpty ? 0 : times[min(times.count - 1, times.count * 99 / 100)] * 1e9
        // The integrated autocorrelation of M/M/1: the mean of T seconds is worth μT(1 − ρ)²/4 independent values.
        report.effectiveRequests = seconds * capacity * max(1e-4, (1 - rate / capacity) * (1 - rate / capacity)) / 4
        report.thresholds = [
          JudgementResult(text: objective.text, measured: MetricValue(Estimate(p99), .nanoseconds), outcome: p99 < limit * 1e9 ? .pass : .fail)
        ]
        return report
      })
    #expect(now <= 60.5)
    return found
  }
}
