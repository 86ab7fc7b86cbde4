import Foundation
import Testing

@testable import SimulationKernel

@Suite struct EngineTests {
  @Test("10,000 events come out by time, and those of one time in the order in which they were announced")
  func order() {
    var agenda = Agenda()
    var stream = Stream(seed: 3, replication: 0, source: 0)
    for i in 0..<10_000 { agenda.schedule(UInt32(i), at: (stream.uniform() * 500).rounded()) }
    var last = (time: -1.0, what: UInt32(0))
    for _ in 0..<10_000 {
      let event = agenda.next()
      #expect(event.time > last.time || (event.time == last.time && event.what > last.what))
      last = (event.time, event.what)
    }
    let end = agenda.nextTime
    #expect(end == .infinity)
  }

  @Test("holding the heap at 200 events it never runs backwards")
  func hold() {
    var agenda = Agenda()
    var stream = Stream(seed: 4, replication: 0, source: 0)
    for i in 0..<200 { agenda.schedule(UInt32(i), after: stream.exponential()) }
    var last = 0.0
    for _ in 0..<20_000 {
      let event = agenda.next()
      #expect(event.time >= last)
      last = event.time
      agenda.schedule(event.what, after: stream.exponential())
    }
  }

  @Test("a line keeps its order while it grows around its own end")
  func line() {
    var line = Line<Int>()
    var (next, expected) = (0, 0)
    for round in 0..<300 {
      for _ in 0..<(round % 7 + 3) {
        let isIn = line.append(next)
        #expect(isIn)
        next += 1
      }
      for _ in 0..<(round % 5) where line.count > 0 {
        let first = line.popFirst()
        #expect(first == expected)
        expected += 1
      }
    }
    let (count, last) = (line.count, line.popLast())
    #expect(count == next - expected && last == next - 1)
  }

  /// Never ends: announces itself again.
  private struct Endless: EventMachine, ~Copyable {
    var step: Double
    mutating func start(_ agenda: inout Agenda) { agenda.schedule(0, after: step) }
    mutating func handle(_ event: Event, _ agenda: inout Agenda) { agenda.schedule(0, after: step) }
  }

  /// Announces two for each that happens.
  private struct Exploding: EventMachine, ~Copyable {
    mutating func start(_ agenda: inout Agenda) { agenda.schedule(0, after: 1) }
    mutating func handle(_ event: Event, _ agenda: inout Agenda) {
      agenda.schedule(0, after: 1)
      agenda.schedule(0, after: 1)
    }
  }

  @Test("what never ends, what explodes and what is interrupted says so")
  func refusals() {
    func message<M: EventMachine & ~Copyable>(_ given: consuming M, _ limits: RunLimits, cancelled: Bool = false) -> String {
      var machine = given
      do {
        let end = try run(&machine, limits, cancelled: { cancelled })
        return "\(end.events) events"
      } catch { return error.description }
    }
    #expect(message(Endless(step: 0), RunLimits(events: 50_000)).hasPrefix("no end after 50000 events"))
    #expect(message(Endless(step: 1), RunLimits(horizon: 1_000)) == "1000 events")
    #expect(message(Endless(step: 1), RunLimits(events: 5_000_000), cancelled: true) == "the simulation was interrupted")
    #expect(message(Exploding(), RunLimits()).contains("more than 4194304 events are to come at one time"))
  }
}

@Suite struct VariateTests {
  @Test("own log, exp and pow agree with the C library to a few units of the last digit")
  func mathematics() {
    var stream = Stream(seed: 5, replication: 0, source: 0)
    for _ in 0..<20_000 {
      let x = Portable.exp((stream.uniform() - 0.5) * 200)
      #expect(abs(Portable.log(x) - log(x)) <= 2 * log(x).ulp + 1e-300)
      let y = (stream.uniform() - 0.5) * 1_400
      #expect(abs(Portable.exp(y) - exp(y)) <= 2 * exp(y).ulp)
      let a = (stream.uniform() - 0.5) * 8
      #expect(abs(Portable.pow(x, a) / pow(x, a) - 1) < 1e-13)
    }
    #expect(Portable.log(1) == 0 && Portable.exp(0) == 1 && Portable.log(0) == -.infinity && Portable.exp(800) == .infinity)
    #expect(Portable.exp(-800) == 0 && Portable.log(-1).isNaN && Portable.pow(0, 2) == 0)
  }

  @Test("every law has the mean and the variation that it says, and none is negative", arguments: [
    Law.constant(3), .uniform(low: 1, high: 5), .exponential(mean: 3), .lognormal(mean: 3, sigma: 0.8), .gamma(mean: 3, shape: 0.5),
    .gamma(mean: 3, shape: 4), .hyperexponential(mean: 3, squaredVariation: 4), .pareto(mean: 3, alpha: 4.5), .mixture(mean: 2, slowShare: 0.1, slowMean: 12),
  ])
  func moments(_ law: Law) {
    let sampler = Sampler(law)
    var stream = Stream(seed: 6, replication: 1, source: 2)
    let n = 200_000.0
    var (sum, squares, least) = (0.0, 0.0, Double.infinity)
    for _ in 0..<Int(n) {
      let x = sampler.next(&stream)
      sum += x
      squares += x * x
      least = min(least, x)
    }
    let mean = sum / n
    #expect(least >= 0)
    #expect(abs(mean / law.mean - 1) < 5 * (law.squaredVariation / n).squareRoot() + 1e-12)
    #expect(abs(squares / n / (mean * mean) - 1 - law.squaredVariation) < 0.08 * max(law.squaredVariation, 0.1))
  }

  @Test("exponential and normal numbers fall below their quantiles as often as they should")
  func quantiles() {
    var stream = Stream(seed: 7, replication: 0, source: 0)
    let n = 200_000
    for (limit, share) in [(0.01, 0.00995017), (0.693147, 0.5), (3, 0.950213), (9, 0.99987659)] {
      let below = (0..<n).count { _ in stream.exponential() < limit }
      #expect(abs(Double(below) / Double(n) - share) < 4 * (share * (1 - share) / Double(n)).squareRoot() + 1e-5)
    }
    for (limit, share) in [(-3.7, 0.0001078), (-1, 0.158655), (0, 0.5), (1.96, 0.975002), (3.7, 0.9998922)] {
      let below = (0..<n).count { _ in stream.normal() < limit }
      #expect(abs(Double(below) / Double(n) - share) < 4 * (share * (1 - share) / Double(n)).squareRoot() + 1e-5)
    }
    let counts = (0..<8).map { k in (0..<n).count { _ in stream.index(below: 8) == k } }
    #expect(counts.allSatisfy { abs(Double($0) / Double(n) - 0.125) < 0.004 })
    let small = (0..<20_000).reduce(0) { sum, _ in sum + stream.poisson(3) }
    let large = (0..<2_000).reduce(0) { sum, _ in sum + stream.poisson(300) }
    #expect(abs(Double(small) / 20_000 - 3) < 0.05 && abs(Double(large) / 2_000 - 300) < 2)
  }

  @Test("a tally's quantiles are those of the sorted numbers to 1/2048, of any size")
  func tally() {
    for scale in [1e-6, 1, 1e5] {
      var tally = Tally()
      var stream = Stream(seed: 8, replication: 0, source: 0)
      let values = (0..<50_000).map { _ in stream.exponential() * scale }
      for value in values { tally.record(value) }
      let sorted = values.sorted()
      for q in [0.01, 0.5, 0.99, 0.999] {
        let exact = sorted[Int(q * 50_000) - 1]
        let found = tally.quantile(q)
        #expect(abs(found / exact - 1) < 1.0 / 1024)
      }
      let (most, count) = (tally.quantile(1), tally.count)
      #expect(most == sorted.last && count == 50_000)
    }
  }
}
