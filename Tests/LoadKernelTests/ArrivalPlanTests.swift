import ExperimentModel
import Glibc
import Testing

@testable import LoadKernel

@Suite struct ArrivalPlanTests {
  private let request = RequestSpec(name: "get", method: "GET", path: "/")

  private func times(_ profile: LoadProfile, seed: UInt64 = 1) -> [Double] {
    var plan = ArrivalPlan(profile, duration: nil, seed: seed)!
    var times: [Double] = []
    while let time = plan.next() { times.append(Double(time) / 1e9) }
    return times
  }

  @Test("Poisson gaps are exponential: Kolmogorov–Smirnov distance at most 0.02 over 20,000 arrivals at 5 k/s")
  func poisson() {
    let profile = LoadProfile(executor: .constantArrivalRate, rate: 5_000, duration: Nanoseconds(seconds: 4), requests: [request])
    let times = times(profile)
    let gaps = zip(times.dropFirst(), times).map { $0 - $1 }.sorted()
    #expect(abs(times.count - 20_000) < 600)
    let n = Double(gaps.count)
    let distance = gaps.enumerated().map { i, gap in
      let theory = -expm1(-gap * 5_000)
      return max(abs(Double(i + 1) / n - theory), abs(Double(i) / n - theory))
    }.max()!
    #expect(distance <= 0.02, "distance \(distance)")
  }

  @Test("uniform arrivals stand exactly one gap apart, whatever the target does")
  func uniform() {
    let profile = LoadProfile(executor: .constantArrivalRate, arrivals: .uniform, rate: 1_000, duration: Nanoseconds(seconds: 1), requests: [request])
    let times = times(profile)
    #expect(times.count == 1_000)
    #expect(times.enumerated().allSatisfy { abs($1 - (Double($0) + 0.5) / 1_000) < 2e-9 })
  }

  @Test("a ramp sends the integral of its rate, and half of a rising ramp falls after 1/√2 of its time")
  func ramp() {
    let profile = LoadProfile(
      executor: .rampingArrivalRate, arrivals: .uniform,
      stages: [RampStage(target: 1_000, duration: Nanoseconds(seconds: 2)), RampStage(target: 1_000, duration: Nanoseconds(seconds: 1)), RampStage(target: 0, duration: Nanoseconds(seconds: 2))],
      requests: [request])
    let times = times(profile)
    #expect(abs(times.count - 3_000) <= 1)
    #expect(abs(times[499] - 2 / 2.0.squareRoot()) < 0.002)
    #expect(zip(times.dropFirst(), times).allSatisfy { $0 >= $1 })
  }

  @Test("the same seed gives the same plan, another seed another")
  func seeds() {
    let profile = LoadProfile(executor: .constantArrivalRate, rate: 100, duration: Nanoseconds(seconds: 1), requests: [request])
    #expect(times(profile, seed: 7) == times(profile, seed: 7))
    #expect(times(profile, seed: 7) != times(profile, seed: 8))
  }
}
