import ExperimentModel
import Statistics
import Testing

@testable import SimulationKernel

@Suite struct FIFOQueueTests {
  @Test("Lindley by hand: each waits for what is left of those before it")
  func lindley() {
    #expect(fifoResponses(arrivals: [0, 2, 3, 20], services: [5, 4, 1, 7], servers: 1) == [5, 7, 7, 7])
  }

  @Test("Kiefer and Wolfowitz by hand: the first free server takes the next in line, never one behind it")
  func kieferWolfowitz() {
    #expect(fifoResponses(arrivals: [0, 0, 1, 2], services: [10, 3, 2, 1], servers: 2) == [10, 3, 4, 4])
    #expect(fifoResponses(arrivals: [0, 0, 0], services: [4, 4, 4], servers: 3) == [4, 4, 4])
  }

  @Test("a million arrivals of M/M/c have the mean of the closed form", arguments: [(1, 0.8), (4, 0.9)])
  func closedForm(_ servers: Int, _ utilisation: Double) {
    var random = SeededRandom(seed: 7, stream: UInt64(servers))
    let rate = utilisation * Double(servers)
    var now = 0.0
    var arrivals: [Int64] = []
    var services: [Int64] = []
    for _ in 0..<1_000_000 {
      now += random.exponential() / rate
      arrivals.append(Int64(now * 1e6))
      services.append(Int64(random.exponential() * 1e6))
    }
    let mean = fifoResponses(arrivals: arrivals, services: services, servers: servers).reduce(0.0) { $0 + Double($1) } / 1e12
    let expected = 1 + mmcWait(servers: servers, arrivalRate: rate, serviceRate: 1)
    #expect(abs(mean / expected - 1) < 0.03, "\(mean) for \(expected)")
  }
}
