import ExperimentModel
import Testing

@testable import LabSystems

private let ms: Int64 = 1_000_000

@Suite struct TokenBucketTests {
  @Test func admitsExactlyWhatTheBoundAllows() {
    // 10 a second, burst 20, asked a thousand times a second for 10 s: burst + rate × t, and not one more in any window.
    var bucket = TokenBucket()
    var admitted: [Int64] = []
    for i in 0..<10_000 where bucket.take(now: Int64(i) * ms, perToken: 100 * ms, burst: 20) { admitted.append(Int64(i) * ms) }
    #expect(admitted.count == 119)
    for (i, start) in admitted.enumerated() {
      for j in i..<admitted.count { #expect(Int64(j - i + 1) <= 20 + (admitted[j] - start) / (100 * ms)) }
    }
    #expect(bucket.tokens(now: 9_999 * ms, perToken: 100 * ms, burst: 20) == 0)
    #expect(bucket.wait(now: 9_999 * ms, perToken: 100 * ms, burst: 20) > 0)
    #expect(bucket.tokens(now: 13_000 * ms, perToken: 100 * ms, burst: 20) == 20)
  }

  @Test func eachKeyHasABucketAndIsToldAboutIt() throws {
    let limiter = try #require(RateLimiter(EdgeLimitSpec(rate: 2, burst: 3, header: "X-Client")))
    func ask(_ client: String, at now: Int64) -> RateLimiter.Decision {
      limiter.admit(ProxyRequest(method: "GET", target: "/", fields: HeaderFields([HeaderField("x-client", client)])), now: now)
    }
    let policy = HeaderField("RateLimit-Policy", "\"default\";q=3;w=2")
    #expect(ask("a", at: 0) == .admitted([policy, HeaderField("RateLimit", "\"default\";r=2;t=1")]))
    #expect(ask("a", at: 0) == .admitted([policy, HeaderField("RateLimit", "\"default\";r=1;t=1")]))
    #expect(ask("a", at: 0) == .admitted([policy, HeaderField("RateLimit", "\"default\";r=0;t=2")]))
    #expect(ask("a", at: 0) == .refused([policy, HeaderField("RateLimit", "\"default\";r=0;t=2"), HeaderField("Retry-After", "1")]))
    #expect(ask("b", at: 0) == .admitted([policy, HeaderField("RateLimit", "\"default\";r=2;t=1")]))
    #expect(ask("a", at: 500 * ms) == .admitted([policy, HeaderField("RateLimit", "\"default\";r=0;t=2")]))
    #expect(RateLimiter(EdgeLimitSpec(concurrency: 1)) == nil)
  }
}

@Suite struct RetryTests {
  @Test func theBudgetIsAShareAndAReserve() {
    var budget = RetryBudget(share: 0.1)
    var spent = 0
    for i in 1...5_000 {
      budget.requested()
      while budget.take() { spent += 1 }
      #expect(Double(spent) <= RetryBudget.reserve + 0.1 * Double(i) + 1e-6)
    }
    #expect(spent == 509 || spent == 510)
    // What a quiet hour saved is no more than the reserve.
    for _ in 0..<100_000 { budget.requested() }
    var burst = 0
    while budget.take() { burst += 1 }
    #expect(burst == 10)
    var free = RetryBudget(share: nil)
    let free100 = (0..<100).filter { _ in free.take() }.count
    var none = RetryBudget(share: 0)
    let none20 = (0..<20).filter { _ in none.take() }.count
    #expect(free100 == 100 && none20 == 10)
  }

  @Test func pausesDoubleUpToTheCapAndJitterFillsThem() {
    var random = SeededRandom(seed: 1)
    let exponential = RetrySpec(max: 9, backoff: .exponential, base: Nanoseconds(10 * ms), cap: Nanoseconds(100 * ms))
    let doubled = (Array(1...6) + [60]).map { exponential.pause($0, using: &random) / ms }
    #expect(doubled == [10, 20, 40, 80, 100, 100, 100])
    var jitter = exponential
    jitter.backoff = .fullJitter
    let pauses = (0..<2_000).map { _ in jitter.pause(3, using: &random) }
    #expect(pauses.allSatisfy { (0...40 * ms).contains($0) })
    #expect(abs(Double(pauses.reduce(0, +)) / 2_000 - 20e6) < 1e6)
    let none = RetrySpec(max: 1).pause(1, using: &random)
    #expect(none == 0)
  }
}

@Suite struct CircuitBreakerTests {
  @Test func opensTriesAndCloses() {
    var breaker = CircuitBreaker(BreakerSpec(failures: 3, cooldown: Nanoseconds(100)))
    func attempt(_ failed: Bool, at now: Int64) {
      #expect(breaker.admits(now: now))
      breaker.begins(now: now)
      breaker.ends(failed: failed, now: now)
    }
    for failed in [true, true, false, true, true] { attempt(failed, at: 0) }
    #expect(breaker.admits(now: 0), "a success in between starts the count again")
    attempt(true, at: 0)
    #expect(!breaker.admits(now: 0) && !breaker.admits(now: 99) && breaker.opens == 1)
    // Half open: one attempt and no second.
    #expect(breaker.admits(now: 100))
    breaker.begins(now: 100)
    #expect(!breaker.admits(now: 100))
    breaker.ends(failed: true, now: 110)
    #expect(!breaker.admits(now: 209) && breaker.admits(now: 210) && breaker.opens == 2)
    // A trial that was called off is not a trial.
    breaker.begins(now: 210)
    breaker.calledOff(now: 211)
    #expect(breaker.admits(now: 211))
    attempt(false, at: 212)
    #expect(breaker.admits(now: 212))
    for _ in 0..<2 { attempt(true, at: 213) }
    #expect(breaker.admits(now: 213), "closed means closed: old failures do not count")
  }

  @Test func opensByShareOnlyOverAWholeWindow() {
    var breaker = CircuitBreaker(BreakerSpec(failures: 100, share: 0.5, window: 10, cooldown: Nanoseconds(100)))
    for i in 0..<9 { breaker.ends(failed: i % 2 == 0, now: 0) }
    #expect(breaker.admits(now: 0), "five of nine: the window is not full")
    breaker.ends(failed: false, now: 0)
    #expect(!breaker.admits(now: 0), "five of ten")
    // What was still under way says nothing about after the cool-down.
    breaker.ends(failed: false, now: 50)
    #expect(!breaker.admits(now: 99) && breaker.admits(now: 100))
  }
}

@Suite struct HealthStateTests {
  @Test func fallsAndRisesByChecksInARow() {
    let spec = HealthSpec(interval: Nanoseconds(1), fall: 3, rise: 2)
    var state = HealthState()
    for passed in [false, false, true, false, false] { state.checked(passed, spec) }
    #expect(state.isUp)
    let hasFallen = state.checked(false, spec)
    #expect(hasFallen && !state.isUp && state.falls == 1)
    for passed in [true, false, true] { state.checked(passed, spec) }
    #expect(!state.isUp)
    let hasRisen = state.checked(true, spec)
    #expect(hasRisen && state.isUp)
    state.refused(spec)
    #expect(!state.isUp, "nobody listens: no further check is needed")
    state.checked(true, spec)
    state.refused(spec)
    state.checked(true, spec)
    #expect(!state.isUp, "a refusal in between starts the rise again")
    var blind = HealthState()
    blind.refused(HealthSpec(interval: Nanoseconds(1), fall: 3, rise: 2, passive: false))
    #expect(blind.isUp)
  }
}

@Suite struct RecentTimesTests {
  @Test func quantilesOfTheLatest() throws {
    var times = RecentTimes(quantile: 0.95)
    for i in 1...19 { times.add(Int64(i)) }
    #expect(times.value == nil)
    for i in 20...600 { times.add(Int64(i % 100)) }
    #expect((94...96).contains(try #require(times.value)))
    // The old ones are forgotten.
    for _ in 0..<600 { times.add(7) }
    #expect(times.value == 7)
  }
}

@Suite struct StandingDelayTests {
  @Test func aBurstPassesAndAStandingQueueDoesNot() {
    var delay = StandingDelay(ShedSpec(queueDelay: Nanoseconds(50 * ms)))
    // Slow answers with a fast one in every 100 ms: a burst.
    for i in 0..<20 {
      delay.ended(after: i % 4 == 3 ? 10 * ms : 90 * ms, now: Int64(i) * 25 * ms)
      let isAdmitted = delay.admits(oldest: nil, now: Int64(i) * 25 * ms)
      #expect(isAdmitted)
    }
    // From 1 s on nothing is fast.
    for i in 0..<4 { delay.ended(after: 90 * ms, now: (1_000 + Int64(i) * 25) * ms) }
    let before = delay.admits(oldest: nil, now: 1_099 * ms)
    #expect(before)
    // One an interval is let through to see.
    let admitted = (0..<300).filter { delay.admits(oldest: nil, now: (1_100 + Int64($0)) * ms) }
    #expect(admitted == [0, 100, 200] && delay.isStanding(1_400 * ms))
    delay.ended(after: 49 * ms, now: 1_400 * ms)
    let after = delay.admits(oldest: nil, now: 1_400 * ms)
    #expect(after && !delay.isStanding(1_400 * ms))
  }

  @Test func whatIsNotAnsweredAtAllCountsWithItsAge() {
    var delay = StandingDelay(ShedSpec(queueDelay: Nanoseconds(50 * ms)))
    let admitted = [(49, 0), (60, 0), (140, 80), (155, 95), (160, 100)].map { delay.admits(oldest: $0 * ms, now: $1 * ms) }
    #expect(admitted == [true, true, true, true, false], "the fourth is the first probe")
  }
}

@Suite struct ShapedLinkTests {
  private func times(_ spec: LinkSpec, _ sizes: [Int]) -> [Int64] {
    let environment = VirtualEnvironment()
    let link = ShapedLink(spec, seed: 1, environment: environment)
    let start = environment.now
    var ends = [Int64](repeating: -1, count: sizes.count)
    var sent = [Int](repeating: 0, count: sizes.count)
    for (i, size) in sizes.enumerated() {
      link.send(size, over: ShapedLink.Flow(), piece: { sent[i] += $0 }, done: { ends[i] = environment.now - start })
    }
    environment.advance(by: 60_000 * ms)
    #expect(sent == sizes)
    return ends
  }

  @Test func delayAndRateAreWhatTheySay() {
    #expect(times(LinkSpec(delay: Nanoseconds(80 * ms)), [1_000_000]) == [40 * ms])
    // 200 000 bytes a second, as 1.6 Mbit/s: half a second for 100 kB, whatever the pieces.
    let one = times(LinkSpec(delay: Nanoseconds(150 * ms), rate: 200_000), [100_000])
    #expect(abs(one[0] - 575 * ms) < ms)
    // Two at once share it, and end together.
    let two = times(LinkSpec(rate: 200_000), [100_000, 100_000])
    #expect(two.allSatisfy { abs($0 - 1_000 * ms) < 20 * ms }, "\(two)")
    let unequal = times(LinkSpec(rate: 200_000), [100_000, 10_000])
    #expect(abs(unequal[1] - 110 * ms) < 20 * ms && abs(unequal[0] - 550 * ms) < 20 * ms, "\(unequal)")
  }

  /// min(rate, window / round trip), the bandwidth-delay product in the middle.
  @Test(arguments: [(16, 0.2), (64, 0.8), (256, 3.2), (500, 6.25), (2_000, 6.25)])
  func windowBoundsTheThroughput(_ kilobytes: Int, _ expected: Double) {
    let spec = LinkSpec(delay: Nanoseconds(80 * ms), rate: 6_250_000, window: kilobytes * 1_000)
    let time = times(spec, [10_000_000])[0] - 40 * ms
    #expect(abs(10.0 / (Double(time) / 1e9) / expected - 1) < 0.06, "\(10.0 / (Double(time) / 1e9)) MB/s")
  }

  @Test func jitterStaysAroundTheDelayAndADroppedFlowEnds() {
    let environment = VirtualEnvironment()
    let link = ShapedLink(LinkSpec(delay: Nanoseconds(100 * ms), jitter: Nanoseconds(20 * ms), rate: 1_000_000), seed: 1, environment: environment)
    let halves = (0..<1_000).map { _ in link.halfTrip() }
    #expect(halves.allSatisfy { (40 * ms...60 * ms).contains($0) } && Set(halves).count > 900)
    let flow = ShapedLink.Flow()
    var sent = 0
    link.send(1_000_000, over: flow, piece: { sent += $0 }, done: { Issue.record("a dropped flow is never done") })
    environment.advance(by: 160 * ms)
    link.drop(flow)
    environment.advance(by: 10_000 * ms)
    #expect(sent > 0 && sent < 200_000)
  }
}
