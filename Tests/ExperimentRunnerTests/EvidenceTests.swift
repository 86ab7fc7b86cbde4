import ExperimentModel
import Testing

@testable import ExperimentRunner

/// A letter and a prediction from what a request really passes.
@Suite struct EvidenceTests {
  private func arm(_ path: String, rate: Double = 100, workers: Int = 4, executor: Executor = .constantArrivalRate) -> LoadArm {
    func wait(_ distribution: WaitDistribution) -> StageSpec {
      StageSpec(name: "wait", work: .wait(WaitSpec(distribution: distribution, standsFor: "test")))
    }
    func route(_ path: String, _ stages: [StageSpec]) -> RouteSpec { RouteSpec(method: "GET", path: path, stages: stages) }
    let call = StageSpec(name: "call", work: .call(CallSpec(role: "origin", path: "/mixed", k: 10, mode: .parallel)))
    let bytes = StageSpec(name: "bytes", work: .bytes(BytesSpec(size: 10, etag: false)))
    let mixture = WaitDistribution.mixture(
      mean: Nanoseconds(8_000_000), slowShare: 0.02, slowMin: Nanoseconds(200_000_000), slowMean: Nanoseconds(20_000_000))
    let role = RoleSpec(
      name: "origin", workers: workers, queueLimit: 1_000, timeout: Nanoseconds(seconds: 10),
      routes: [
        route("/plain/{id}", [bytes]), route("/exp", [wait(.exponential(mean: Nanoseconds(20_000_000)))]), route("/mixed", [wait(mixture)]),
        route("/page", [call, bytes]), route("/two", [wait(mixture), wait(mixture)]),
      ])
    return LoadArm(
      name: "a", system: SystemSpec(id: "s", seed: 1, roles: [role], data: []),
      profile: LoadProfile(executor: executor, rate: rate, duration: Nanoseconds(seconds: 1), requests: [RequestSpec(name: "r", method: "GET", path: path)]))
  }

  @Test("a wait counts when a request reaches it", arguments: [("/plain/{id}", Evidence.real), ("/exp", .declaredWait), ("/page", .declaredWait)])
  func letter(_ path: String, _ expected: Evidence) {
    #expect(Runner.evidence(of: .load(LoadCell(arms: [arm(path)], design: .single))) == expected)
  }

  @Test func oneExponentialWaitIsAnErlangQueue() throws {
    let values = Theories.responseTimes(arm("/exp"))
    #expect(abs(try #require(values["mean"]) / 1e6 - 21.74) < 0.01)
    #expect(abs(try #require(values["p99"]) / 1e6 - 95.1) < 0.3)
    #expect(Theories.responseTimes(arm("/exp", rate: 200)).isEmpty, "no steady state at full load")
    #expect(Theories.responseTimes(arm("/exp", executor: .constantVUs)).isEmpty, "a closed loop is another queue")
  }

  @Test func aPageIsItsSlowestCall() throws {
    #expect(abs(try #require(Theories.responseTimes(arm("/page", rate: 12, workers: 64))["p90"]) / 1e6 - 213) < 2)
    #expect(abs(try #require(Theories.responseTimes(arm("/mixed", rate: 80, workers: 64))["mean"]) / 1e6 - 12.24) < 0.01)
    #expect(Theories.responseTimes(arm("/page", rate: 12, workers: 4)).isEmpty, "scarce workers queue")
    #expect(Theories.responseTimes(arm("/two", rate: 12, workers: 64)).isEmpty, "a sum of waits is not one")
  }

  @Test func aFaultARampAndAnOverloadDependOnTheirLength() {
    #expect(!Theories.dependsOnDuration(arm("/exp", rate: 199)))
    #expect(Theories.dependsOnDuration(arm("/exp", rate: 200)), "the queue only grows")
    var ramp = arm("/exp")
    ramp.profile.stages = [RampStage(target: 100, duration: Nanoseconds(seconds: 1))]
    var fault = arm("/exp")
    fault.faults = [FaultSpec(at: .zero, duration: Nanoseconds(seconds: 1), target: "origin", toxic: .kill)]
    var expiry = arm("/exp")
    expiry.faults = [FaultSpec(at: .zero, duration: .zero, target: "cache", toxic: .expire)]
    #expect(Theories.dependsOnDuration(ramp) && Theories.dependsOnDuration(fault) && !Theories.dependsOnDuration(expiry))
  }

  private func cost(_ formula: String, _ inputs: [String: CostInput]) throws -> [String: Double] {
    let options = RunOptions(quick: false, launcher: LabLauncher(executable: "none", serveArguments: []), subjectArguments: [], fenceCache: "/tmp")
    let cell = Cell(id: "money", work: .cost(CostCell(formula: formula, inputs: inputs, sources: [])), inputs: "0123456789")
    let result = try #require(try Runner(options, cancelled: { false }, report: { _ in }).run([cell], known: [:]) { $0 }.first)
    return try #require(result.arms.first).metrics.mapValues(\.estimate.value)
  }

  @Test func aBadSessionIsOneBadRequest() throws {
    let money = try cost(
      "F4",
      [
        "sessions_per_day": .quantity(Quantity(120_000, .count)), "bad_requests": .quantity(Quantity(0.02, .share)),
        "requests_per_session": .quantity(Quantity(100, .count)), "churn_per_bad_session": .bracket(low: 0, base: 0.0001, high: 0.001),
        "lifetime_value": .quantity(Quantity(210, .usd)),
      ])
    // 1 − 0.98^100 = 0.8674.
    #expect(abs(try #require(money["bad_sessions"]) - 0.8674) < 1e-4)
    #expect(money["low"] == 0)
    #expect(abs(try #require(money["base"]) - 120_000 * 0.8674 * 0.0001 * 210) < 1)
  }

  @Test func anIncidentIsLostOrdersAndPeopleOnCall() throws {
    func hours(_ n: Double) -> CostInput { .quantity(Quantity(n * 3_600e9, .nanoseconds)) }
    let money = try cost(
      "F8",
      [
        "sessions_per_day": .quantity(Quantity(24_000, .count)), "conversion": .quantity(Quantity(0.01, .share)),
        "order_value": .quantity(Quantity(100, .usd)), "detect": hours(1), "mitigate": hours(2), "recover": hours(2),
        "orders_lost": .bracket(low: 0, base: 0.5, high: 1), "oncall_hour": .quantity(Quantity(140, .usd)),
      ])
    // 1,000 USD an hour; four hours of loss, five on call.
    #expect(money == ["incident_low": 700, "incident_base": 2_700, "incident_high": 4_700])
  }
}
