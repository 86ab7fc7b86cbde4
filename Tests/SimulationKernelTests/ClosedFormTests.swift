import SimulationKernel
import Testing

@Suite struct ClosedFormTests {
  @Test("M/M/c: Erlang C and mean wait against method.md's oracles (μ = 1)", arguments: [
    (2, 0.8, 0.711111, 1.777778), (4, 0.9, 0.787753, 1.969383), (10, 0.95, 0.825586, 1.651171), (1, 0.9, 0.9, 9.0),
  ])
  func erlang(_ servers: Int, _ utilisation: Double, _ waits: Double, _ wait: Double) {
    let rate = utilisation * Double(servers)
    #expect(abs(erlangC(servers: servers, offered: rate) - waits) < 1e-6)
    #expect(abs(mmcWait(servers: servers, arrivalRate: rate, serviceRate: 1) - wait) < 1e-6)
  }

  @Test("M/M/1 at ρ = 0.9: p99 of the sojourn is 46.0517")
  func sojourn() { #expect(abs(mm1Sojourn(quantile: 0.99, arrivalRate: 0.9, serviceRate: 1) - 46.0517) < 1e-4) }

  @Test("Pollaczek–Khinchine at ρ = 0.8", arguments: [(0.0, 2.0), (1, 4), (4, 10)])
  func pollaczek(_ variation: Double, _ wait: Double) {
    #expect(abs(mg1Wait(utilisation: 0.8, serviceMean: 1, squaredVariation: variation) - wait) < 1e-12)
  }

  @Test("no steady state: infinite, and every arrival waits")
  func overload() {
    #expect(mmcWait(servers: 2, arrivalRate: 2, serviceRate: 1) == .infinity)
    #expect(mg1Wait(utilisation: 1, serviceMean: 1, squaredVariation: 1) == .infinity)
    #expect(mm1Sojourn(quantile: 0.5, arrivalRate: 2, serviceRate: 1) == .infinity)
    #expect(erlangC(servers: 2, offered: 2) == 1)
    #expect(erlangC(servers: 500, offered: 400) < 1e-4)
  }

  @Test("Che at N = 10,000, s = 0.9, and the LFU bound (curriculum, day 8)", arguments: [
    (100, 0.261, 0.410), (500, 0.455, 0.586), (1_000, 0.5565, 0.671), (2_500, 0.712, 0.793), (5_000, 0.849, 0.893),
  ])
  func che(_ capacity: Int, _ hitRatio: Double, _ bound: Double) {
    #expect(abs(Che.hitRatio(n: 10_000, s: 0.9, capacity: capacity) - hitRatio) < 5e-4)
    #expect(abs(lfuBound(n: 10_000, s: 0.9, capacity: capacity) - bound) < 5e-4)
    let fifo = Che.fifoHitRatio(n: 10_000, s: 0.9, capacity: capacity)
    #expect(fifo < hitRatio && fifo > Double(capacity) / 10_000)
  }

  @Test("uniform popularity: every policy hits C/N, whatever the formula")
  func uniform() {
    #expect(abs(Che.hitRatio(n: 1_000, s: 0, capacity: 250) - 0.25) < 1e-9)
    #expect(abs(Che.fifoHitRatio(n: 1_000, s: 0, capacity: 250) - 0.25) < 1e-9)
    #expect(abs(lfuBound(n: 1_000, s: 0, capacity: 250) - 0.25) < 1e-12)
  }

  @Test("the characteristic time solves its equation; the ends are 0 and infinite")
  func characteristicTime() {
    #expect((1_750...1_850).contains(Che.characteristicTime(popularity: zipfPopularity(n: 10_000, s: 0.9), capacity: 1_000)))
    #expect((18_000...18_400).contains(Che.characteristicTime(popularity: zipfPopularity(n: 10_000, s: 0.9), capacity: 5_000)))
    #expect(Che.characteristicTime(popularity: [0.5, 0.5], capacity: 0) == 0)
    #expect(Che.characteristicTime(popularity: [0.5, 0.5], capacity: 2) == .infinity)
    #expect(Che.hitRatio(n: 10, s: 1, capacity: 10) == 1)
    #expect(Che.hitRatio(n: 10, s: 1, capacity: 0) == 0)
    #expect(Che.fifoHitRatio(n: 10, s: 1, capacity: 10) == 1)
    #expect(Che.hitRatio(n: 10, s: 1, capacity: 9) < 1)
  }

  @Test("stale share at a write a minute: 0.079, 0.368, 0.801 for 10, 60, 300 s", arguments: [
    (10.0, 0.079), (60, 0.368), (300, 0.801),
  ])
  func stale(_ ttl: Double, _ share: Double) {
    #expect(abs(ttlStaleShare(writeRate: 1.0 / 60, ttl: ttl) - share) < 6e-4)
  }

  @Test("nothing is stale without writes or without age; the mixture lies between its parts")
  func edges() {
    #expect(ttlStaleShare(writeRate: 0, ttl: 10) == 0)
    #expect(ttlStaleShare(writeRate: 1, ttl: 0) == 0)
    #expect(hitMixtureMean(hitRatio: 0.25, hit: 2, miss: 22) == 17)
  }
}
