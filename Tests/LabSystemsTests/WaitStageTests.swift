import ExperimentModel
import Foundation
import Testing

@testable import LabSystems

@Suite struct WaitDistributionTests {
  private let mean = Nanoseconds(20_000_000)

  private func draws(_ distribution: WaitDistribution, _ count: Int = 200_000) -> [Double] {
    var random = SeededRandom(seed: 21)
    return (0..<count).map { _ in Double(distribution.draw(&random)) / 20e6 }.sorted()
  }

  private func average(_ numbers: [Double]) -> Double { numbers.reduce(0, +) / Double(numbers.count) }

  @Test func lognormalHasItsMeanMedianAndTail() {
    for sigma in [0.5, 1.0] {
      let found = draws(.lognormal(mean: mean, sigma: sigma))
      let median: Double = exp(-sigma * sigma / 2)
      let p99: Double = median * exp(2.3263 * sigma)
      #expect(abs(average(found) - 1) < 0.02)
      #expect(abs(found[100_000] / median - 1) < 0.02, "the median is below the mean by e^(σ²/2)")
      #expect(abs(found[198_000] / p99 - 1) < 0.04, "p99")
    }
  }

  @Test func paretoHasItsLeastMeanAndTail() {
    for alpha in [1.5, 3.0] {
      let found = draws(.pareto(mean: mean, alpha: alpha))
      let least = (alpha - 1) / alpha
      let p99: Double = least * pow(100, 1 / alpha)
      #expect(found[0] >= least * 0.999_999 && found[0] < least * 1.001)
      #expect(abs(found[198_000] / p99 - 1) < 0.05, "p99 is 100^(1/α) times the least")
      // With α = 1.5 the mean of any sample wanders: its variance is infinite.
      #expect(abs(average(found) - 1) < (alpha > 2 ? 0.02 : 0.15))
    }
    // However heavy the tail: an hour at most.
    #expect(draws(.pareto(mean: Nanoseconds(3_000_000_000_000), alpha: 1.05)).last! <= 3_600e9 / 20e6)
  }
}

/// Workers that are free while a remote party is waited for.
@Suite struct AsyncWaitTests {
  private func system(workers: Int, queueLimit: Int = 100, isAsync: Bool, then: [StageSpec] = []) -> SystemSpec {
    let wait = WaitSpec(distribution: .constant(mean: Nanoseconds(10_000_000)), standsFor: "test", isAsync: isAsync)
    return Sample.system(
      workers: workers, queueLimit: queueLimit, rows: 0,
      routes: [
        RouteSpec(method: "GET", path: "/w", stages: [StageSpec(name: "remote", work: .wait(wait))] + then),
        RouteSpec(method: "GET", path: "/hold", stages: [Sample.wait(25, name: "hold")]),
      ])
  }

  @Test func oneWorkerWaitsForAllAtOnce() throws {
    for isAsync in [false, true] {
      let environment = VirtualEnvironment()
      let core = try LabCore(system(workers: 1, isAsync: isAsync), environment: environment)
      let client = Collector(environment)
      for tag in 0..<5 { client.send(core, "GET", "/w", tag: tag) }
      environment.advance(by: 1_000_000_000)
      let ends: [Int64] = client.seen.map { ($0.at - 1_000_000_000) / 1_000_000 }
      #expect(ends == (isAsync ? [10, 10, 10, 10, 10] : [10, 20, 30, 40, 50]) && client.seen.map(\.tag) == [0, 1, 2, 3, 4])
      #expect(core.counter("remote.declared_ns") == 50_000_000 && core.counter("remote.waited_ns") == 50_000_000)
      #expect(core.counter("origin.queue_wait_ns") == (isAsync ? 0 : 100_000_000))
    }
  }

  @Test func whoComesBackNeedsAWorkerAgainAndGoesFirst() throws {
    let environment = VirtualEnvironment()
    let core = try LabCore(system(workers: 1, isAsync: true, then: [Sample.wait(5)]), environment: environment)
    let client = Collector(environment)
    client.send(core, "GET", "/w", tag: 0)
    client.send(core, "GET", "/hold", tag: 1)
    client.send(core, "GET", "/hold", tag: 2)
    environment.advance(by: 1_000_000_000)
    // 0 waits away from 0 to 10 ms, and for the worker until 25; its 5 ms come before those of 2, who waited longer.
    #expect(client.seen.map(\.tag) == [1, 0, 2])
    let ends: [Int64] = client.seen.map { ($0.at - 1_000_000_000) / 1_000_000 }
    #expect(ends == [25, 30, 55])
    #expect(core.counter("origin.queue_wait_ns") == 15_000_000 + 30_000_000)
    #expect(core.counter("origin.inside_ns") == 110_000_000)
  }

  @Test func aKilledProcessForgetsItsParkedRequests() throws {
    let environment = VirtualEnvironment()
    let core = try LabCore(system(workers: 1, isAsync: true, then: [Sample.wait(5)]), environment: environment)
    let client = Collector(environment)
    for tag in 0..<3 { client.send(core, "GET", "/w", tag: tag) }
    environment.advance(by: 11_000_000)
    core.kill(core.roles[0], 1_000_000)
    environment.advance(by: 2_000_000)
    client.send(core, "GET", "/w", tag: 3)
    environment.advance(by: 1_000_000_000)
    #expect(client.seen.map(\.tag) == [3] && client.seen[0].at == 1_028_000_000)
  }

  /// Parked requests are inside: the queue's bound is for those who wait to be let in.
  @Test func theQueueCountsOnlyWhoWaitsForAWorker() throws {
    let environment = VirtualEnvironment()
    let core = try LabCore(system(workers: 1, queueLimit: 0, isAsync: true), environment: environment)
    let client = Collector(environment)
    for tag in 0..<50 { client.send(core, "GET", "/w", tag: tag) }
    environment.advance(by: 1_000_000_000)
    #expect(client.seen.count == 50 && client.seen.allSatisfy { $0.status == 200 } && core.counter("origin.rejected") == 0)
  }
}
