import ExperimentModel
import Foundation
import Testing

@testable import LabSystems

/// Balancers against what their definitions and queueing theory say.
@Suite struct BalancerTests {
  private func candidates(_ weights: [Double], inFlight: [Int]? = nil) -> [Candidate] {
    weights.indices.map { Candidate(index: $0, weight: weights[$0], inFlight: inFlight?[$0] ?? 0) }
  }

  /// The next picks are these.
  private func expect(_ balancer: inout some Balancer, _ candidates: [Candidate], _ picks: [Int]) {
    let picked = picks.map { _ in balancer.pick(candidates, key: 0) }
    #expect(picked == picks)
  }

  @Test func roundRobinGoesOnPastOneThatLeft() {
    var balancer = RoundRobin()
    let all = candidates([1, 1, 1])
    expect(&balancer, all, [0, 1, 2, 0])
    // Number 1 leaves and comes back: the others keep their turns.
    let without = all.filter { $0.index != 1 }
    expect(&balancer, without, [2, 0, 2])
    expect(&balancer, all, [0, 1, 2])
  }

  @Test func smoothWeightsInterleave() {
    var balancer = SmoothWeightedRoundRobin()
    let all = candidates([5, 1, 1])
    // The sequence that nginx documents for {5, 1, 1}, twice.
    expect(&balancer, all, [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0])
    var fractions = SmoothWeightedRoundRobin()
    var counts = [0, 0, 0]
    for _ in 0..<6_000 { counts[fractions.pick(candidates([1, 0.5, 0.5]), key: 0)] += 1 }
    #expect(counts == [3_000, 1_500, 1_500])
  }

  @Test func leastConnectionsIsTheArgumentOfTheMinimum() {
    var balancer = LeastConnections(seed: 1)
    var random = SeededRandom(seed: 9)
    for _ in 0..<2_000 {
      let all = candidates((0..<5).map { _ in 1 + Double(random.next() % 3) }, inFlight: (0..<5).map { _ in Int(random.next() % 4) })
      let picked = all[balancer.pick(all, key: 0)]
      #expect(all.allSatisfy { Double(picked.inFlight + 1) / picked.weight <= Double($0.inFlight + 1) / $0.weight })
    }
    // Ties are shared: an idle edge does not send all to its first instance.
    var counts = [0, 0, 0, 0]
    for _ in 0..<4_000 { counts[balancer.pick(candidates([1, 1, 1, 1]), key: 0)] += 1 }
    #expect(counts.allSatisfy { abs($0 - 1_000) < 120 }, "\(counts)")
  }

  @Test func randomIsUniformAndTwoChoicesAvoidTheBusiest() {
    var random = RandomChoice(seed: 3)
    var two = TwoChoices(seed: 3)
    var counts = [0, 0, 0, 0]
    var busiest = 0
    for _ in 0..<8_000 {
      counts[random.pick(candidates([1, 1, 1, 1]), key: 0)] += 1
      if two.pick(candidates([1, 1, 1, 1], inFlight: [0, 1, 2, 9]), key: 0) == 3 { busiest += 1 }
    }
    #expect(counts.allSatisfy { abs($0 - 2_000) < 170 }, "\(counts)")
    #expect(busiest == 0, "of two different ones the busiest always loses")
    expect(&two, candidates([1]), [0])
  }

  @Test func whenOneLeavesOnlyItsKeysMove() {
    let hash = RendezvousHash()
    let all = candidates(Array(repeating: 1, count: 10))
    let without = all.filter { $0.index != 3 }
    var moved = 0
    var counts = Array(repeating: 0, count: 10)
    for i in 0..<20_000 {
      let key = mix64(fnv1a("key \(i)"))
      let before = hash.pick(all, key: key)
      counts[before] += 1
      if hash.pick(without, key: key) != before {
        moved += 1
        #expect(before == 3)
      }
    }
    #expect(moved == counts[3])
    #expect(counts.allSatisfy { abs($0 - 2_000) < 180 }, "\(counts)")
    var weighted = [0, 0]
    for i in 0..<20_000 { weighted[hash.pick(candidates([3, 1]), key: mix64(fnv1a("\(i)")))] += 1 }
    #expect(abs(weighted[0] - 15_000) < 300, "\(weighted)")
  }

  @Test func boundedHashNeverGoesOverItsBound() {
    let (hash, plain) = (BoundedLoadHash(bound: 1.25), RendezvousHash())
    var random = SeededRandom(seed: 5)
    var inFlight = Array(repeating: 0, count: 8)
    var open: [Int] = []
    var diverted = 0
    for _ in 0..<20_000 {
      // Arrivals and departures in turns around 60 under way; one key in three is the same: a hot one.
      if open.count > 60 || (!open.isEmpty && random.unit() < 0.4) {
        inFlight[open.remove(at: Int(random.unit() * Double(open.count)))] -= 1
        continue
      }
      let key = random.unit() < 0.33 ? 42 : random.next()
      let all = candidates(Array(repeating: 1, count: 8), inFlight: inFlight)
      let picked = hash.pick(all, key: key)
      if picked != plain.pick(all, key: key) { diverted += 1 }
      inFlight[picked] += 1
      open.append(picked)
      #expect(Double(inFlight[picked]) <= (1.25 * Double(open.count) / 8).rounded(.up))
    }
    #expect(diverted > 500, "the hot key alone is more than its instance's share")
  }

  // MARK: Queueing

  /// Poisson arrivals at FIFO servers with exponential service, seeded; milliseconds. Lindley's recursion for each server.
  private func responses(_ policy: BalancePolicy, weights: [Double]? = nil, services: [Double], rate: Double, count: Int) -> [Double] {
    var balancer = makeBalancer(EdgeSpec(upstream: "origin", balance: policy), seed: 11)
    var random = SeededRandom(seed: 2_026, stream: "test")
    var departures: [[Double]] = services.map { _ in [] }
    var first = services.map { _ in 0 }
    var now = 0.0
    return (0..<count).map { _ in
      now += -log(1 - random.unit()) / rate
      let work = -log(1 - random.unit())
      let candidates = services.indices.map { i in
        while first[i] < departures[i].count, departures[i][first[i]] <= now { first[i] += 1 }
        return Candidate(index: i, weight: weights?[i] ?? 1, inFlight: departures[i].count - first[i])
      }
      let picked = balancer.pick(candidates, key: 0)
      let end = max(now, departures[picked].last ?? 0) + work * services[picked]
      departures[picked].append(end)
      return end - now
    }
  }

  @Test func equalInstancesOrderAsTheorySays() {
    func mean(_ policy: BalancePolicy) -> Double {
      let all = responses(policy, services: Array(repeating: 10, count: 8), rate: 0.64, count: 40_000).dropFirst(4_000)
      return all.reduce(0, +) / Double(all.count)
    }
    let (random, turns, two, shortest) = (mean(.random), mean(.roundRobin), mean(.twoChoices), mean(.leastConnections))
    // S / (1 − ρ) for M/M/1; S Σ ρ^(2^i − 2) for two choices, for ever more instances; the others by simulation.
    #expect(abs(random - 50) < 5, "\(random)")
    #expect(abs(turns - 29) < 4, "\(turns)")
    #expect(abs(two - 20.5) < 2.5, "\(two)")
    #expect(abs(shortest - 15) < 1.5, "\(shortest)")
    #expect(random > turns && turns > two && two > shortest)
  }

  @Test func oneSlowInstanceRuinsTurnsAndNothingElse() {
    func p99(_ policy: BalancePolicy, _ weights: [Double]? = nil, count: Int) -> Double {
      let all = responses(policy, weights: weights, services: [10, 10, 10, 30], rate: 0.2, count: count).sorted()
      return all[count * 99 / 100]
    }
    // The slow one gets 50 a second and can do 33: its queue grows as long as the run lasts.
    let (short, long) = (p99(.roundRobin, count: 4_000), p99(.roundRobin, count: 8_000))
    #expect(long > 1.7 * short && long > 5_000, "\(short) \(long)")
    for (policy, weights) in [(BalancePolicy.weightedRoundRobin, [3, 3, 3, 1.0]), (.twoChoices, nil), (.leastConnections, nil)] {
      let (short, long) = (p99(policy, weights, count: 4_000), p99(policy, weights, count: 8_000))
      #expect(long < 250 && short < 250, "\(policy) \(short) \(long)")
    }
  }
}
