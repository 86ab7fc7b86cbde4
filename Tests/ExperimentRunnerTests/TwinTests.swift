import ExperimentModel
import Statistics
import Testing

@testable import ExperimentRunner
@testable import LoadKernel

@Suite struct TwinTests {
  private func arm(_ change: (inout LoadArm) -> Void = { _ in }) -> LoadArm {
    let stage = StageSpec(name: "s", work: .wait(WaitSpec(distribution: .constant(mean: Nanoseconds(1)), standsFor: "x")))
    let role = RoleSpec(name: "origin", kind: "origin", workers: 2, queueLimit: 100, timeout: Nanoseconds(seconds: 1), routes: [RouteSpec(method: "GET", path: "/", stages: [stage])])
    var arm = LoadArm(
      name: "a", system: SystemSpec(id: "s", seed: 0, roles: [role], data: []),
      profile: LoadProfile(executor: .constantArrivalRate, rate: 1, duration: Nanoseconds(seconds: 1), requests: [RequestSpec(name: "g", method: "GET", path: "/")]))
    change(&arm)
    return arm
  }

  @Test("a twin needs an open plan, single requests of one role, and no faults")
  func eligible() {
    #expect(TraceTwin.role(arm())?.workers == 2)
    #expect(TraceTwin.role(arm { $0.profile.executor = .constantVUs }) == nil)
    #expect(TraceTwin.role(arm { $0.profile.journeys = [] }) == nil)
    #expect(TraceTwin.role(arm { $0.profile.requests[0].path = "/nowhere" }) == nil)
    #expect(TraceTwin.role(arm { $0.faults = [FaultSpec(at: .zero, duration: .zero, target: "origin", toxic: .stall)] }) == nil)
  }

  @Test("two workers, four arrivals: who waits for whom; one request too few, or one that failed, and there is no twin")
  func known() throws {
    var record = LoadRecord()
    record.arrivals = [0, 0, 1_000, 2_000]
    // Busy until 10,000 and 3,000; the third begins at 3,000 and ends at 5,000, the fourth begins then.
    let twin = try #require(TraceTwin.times(record, services: [10_000, 3_000, 2_000, 1_000], workers: 2))
    #expect(twin.ideal == [10_000, 3_000, 4_000, 4_000])
    #expect(TraceTwin.times(record, services: [10_000, 3_000, 2_000], workers: 2) == nil)
    #expect(TraceTwin.times(record, services: [10_000, 3_000, 2_000, -1], workers: 2) == nil)
    record.failed = 1
    #expect(TraceTwin.times(record, services: [10_000, 3_000, 2_000, 1_000], workers: 2) == nil)
  }

  @Test("the closed twin has as many users as were in flight, and the open run's time")
  func users() {
    let load = LoadCell(arms: [arm()], design: .single)
    let cell = Cell(id: "a", work: .load(load), inputs: "")
    let runner = Runner(
      RunOptions(quick: false, launcher: LabLauncher(executable: "", serveArguments: []), subjectArguments: [], fenceCache: ""), cancelled: { false }, report: { _ in })
    var record = LoadRecord()
    record.inFlightMean = 5.6
    let slice = Slice(record: record, counters: [:], samples: [], sampleTimes: [])
    let open = arm {
      $0.profile.executor = .rampingArrivalRate
      $0.profile.stages = [RampStage(target: 4, duration: Nanoseconds(seconds: 2)), RampStage(target: 8, duration: Nanoseconds(seconds: 3))]
    }
    let closed = LoadExecution(cell: cell, load: load, runner: runner).closedTwin(of: open, [slice]).profile
    #expect(closed.executor == .constantVUs && closed.vus == 6 && closed.duration == Nanoseconds(seconds: 5) && closed.stages.isEmpty && closed.rate == nil)
  }
}
