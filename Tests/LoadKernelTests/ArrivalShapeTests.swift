// Stairs, spikes, bursts, replays, shared plans: exact counts and times, as pure functions of profile and seed.

import ExperimentModel
import Testing

@testable import LoadKernel

@Suite struct ArrivalShapeTests {
  private let request = RequestSpec(name: "get", method: "GET", path: "/")

  private func times(_ profile: LoadProfile, seed: UInt64 = 1) -> [Int64] {
    var plan = ArrivalPlan(profile, duration: nil, seed: seed)!
    var times: [Int64] = []
    while let time = plan.next() { times.append(time) }
    return times
  }
  private func ramp(_ stages: [RampStage], _ arrivals: Arrivals = .uniform) -> LoadProfile {
    LoadProfile(executor: .rampingArrivalRate, arrivals: arrivals, stages: stages, requests: [request])
  }

  @Test("stairs hold each level from its first moment")
  func stairs() {
    let stages = RampStage.stairs(first: 100, last: 300, steps: 3, hold: Nanoseconds(seconds: 1))
    let times = times(ramp(stages))
    #expect(times.count == 600)
    for (second, count) in [100, 200, 300].enumerated() {
      #expect(times.filter { $0 / 1_000_000_000 == Int64(second) }.count == count)
    }
  }

  @Test("a spike has its peak's requests inside it and the base's around it")
  func spike() {
    let second = Nanoseconds(seconds: 1)
    let profile = ramp(RampStage.spike(base: 50, peak: 1_000, before: second, length: Nanoseconds(seconds: 0.5), after: second))
    let times = times(profile)
    #expect(times.count == 600)
    #expect(times.filter { (1_000_000_000..<1_500_000_000).contains($0) }.count == 500)
    #expect(ArrivalPlan(profile, duration: nil, seed: 1)!.peakRate == 1_000)
  }

  @Test("bursts arrive together")
  func bursts() {
    var profile = LoadProfile(executor: .constantArrivalRate, duration: Nanoseconds(seconds: 1), requests: [request])
    profile.burst = BurstSpec(size: 20, every: Nanoseconds(seconds: 0.25))
    let times = times(profile)
    #expect(times.count == 80 && Set(times) == [0, 250_000_000, 500_000_000, 750_000_000])
    #expect(ArrivalPlan(profile, duration: nil, seed: 1)!.expected == 80)
  }

  @Test("a replay is what was recorded, to the nanosecond")
  func replay() {
    var profile = LoadProfile(executor: .constantArrivalRate, requests: [request])
    profile.replay = [0, 5, 1_000_000, 1_000_000, 9_999_999].map { Nanoseconds(Int64($0)) }
    #expect(times(profile) == [0, 5, 1_000_000, 1_000_000, 9_999_999])
  }

  @Test("loops that share a plan take each arrival exactly once", arguments: [1, 2, 3, 7])
  func shared(_ loops: Int) {
    let profile = LoadProfile(executor: .constantArrivalRate, rate: 2_000, duration: Nanoseconds(seconds: 1), requests: [request])
    var all: [Int64] = []
    for loop in 0..<loops {
      var plan = ArrivalPlan(profile, duration: nil, seed: 3)!
      var next = plan.next(skipping: loop)
      while let time = next {
        all.append(time)
        next = plan.next(skipping: loops - 1)
      }
    }
    #expect(all.sorted() == times(profile, seed: 3))
  }

  @Test("a Poisson ramp has the ramp's expectation, and counts in halves of its integral alike")
  func poissonRamp() {
    let profile = ramp([RampStage(target: 10_000, duration: Nanoseconds(seconds: 4))], .poisson)
    let times = times(profile)
    #expect(abs(times.count - 20_000) < 600)
    let half = Int64(4e9 / 2.0.squareRoot())
    #expect(abs(times.filter { $0 < half }.count - 10_000) < 450)
  }

  @Test("a profile with none of the new fields encodes as before they were there")
  func digest() throws {
    let profile = LoadProfile(executor: .constantVUs, stages: [RampStage(target: 1, duration: .zero)], requests: [request])
    let json = String(decoding: try JSONCoding.encode(profile), as: UTF8.self)
    let names = [
      "jump", "journeys", "data", "cookies", "think\"", "sessionLength", "burst", "replay", "iterationsPerUser", "Timeout", "checks",
      "captures", "tags", "bodyBytes",
    ]
    for name in names {
      #expect(!json.contains(name), "\(name) in \(json)")
    }
  }
}
