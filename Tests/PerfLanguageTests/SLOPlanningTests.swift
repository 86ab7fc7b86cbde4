import ExperimentModel
import Testing

@testable import PerfLanguage

/// Objectives on a file of recorded releases: what is kept of it, and what is refused.
@Suite struct SLOPlanningTests {
  private static let heading = "release,outcome,minute,le_50ms,le_100ms,le_inf,failed"

  private func plan(_ file: String, good: String = "http_req_duration<100ms") -> (slo: SLOCell?, causes: [String]) {
    let text = """
      ```perf
      kind: slo
      id: mine
      file: data/releases.csv
      indicator: {ratioMetric: {good: '\(good)', total: http_reqs}}
      objectives: [{target: 0.99}]
      alerts:
        - {burn: 14.4, long: 1h, short: 5m, severity: page}
      ```
      """
    let (planned, found) = PerfLanguageTests.plan(text, PlanContext(data: { $0 == "data/releases.csv" ? file : nil }))
    guard case .slo(let slo)? = planned.plan.cells.first?.work else { return (nil, found.map(\.cause)) }
    return (slo, found.map(\.cause))
  }

  @Test func aHistogramIsReducedToGoodAndTotal() {
    let rows = "\(Self.heading)\nr1,good,0,90,95,100,0\nr1,good,5,80,99,100,10\nr2,bad,0,1,2,3,4\nr2,bad,5,1,2,3,4\n"
    let fast = plan(rows)
    #expect(fast.causes == [])
    guard case .recorded(let file, let releases)? = fast.slo?.source else {
      Issue.record("no releases")
      return
    }
    #expect(file == "data/releases.csv")
    #expect(
      releases == [
        RecordedRelease(name: "r1", isBad: false, step: Nanoseconds(seconds: 300), good: [95, 99], total: [100, 110]),
        RecordedRelease(name: "r2", isBad: true, step: Nanoseconds(seconds: 300), good: [2, 2], total: [7, 7]),
      ])
    #expect(fast.slo?.alerts.map(\.name) == ["page-1h"])
    #expect(fast.slo?.alerts.first?.short == Nanoseconds(seconds: 300))
    guard case .recorded(_, let answered)? = plan(rows, good: "http_req_failed==0").slo?.source else { return }
    #expect(answered[0].good == [100, 100])
  }

  @Test("what cannot be read is told once, with the file's name", arguments: [
    ("", "is not a file of recorded releases"), ("a,b\n1,2\n", "is not a file of recorded releases"),
    ("release,outcome,minute,le_50ms,le_100ms,le_inf,failed\nr1,good,0,9,8,7,0\n", "line 2"),
    ("release,outcome,minute,le_50ms,le_100ms,le_inf,failed\nr1,perhaps,0,1,2,3,0\n", "line 2"),
    ("release,outcome,minute,le_50ms,le_100ms,le_inf,failed\nr1,good,0,1,2,3,0\n", "no release with at least two steps"),
    ("release,outcome,minute,le_50ms,le_200ms,le_inf,failed\nr1,good,0,1,2,3,0\n", "up to 50ms, 200ms, not up to 100ms"),
  ])
  func refused(_ file: String, _ cause: String) {
    let found = plan(file)
    #expect(found.slo == nil && found.causes.count == 1 && found.causes[0].contains(cause), "\(found.causes)")
  }

  @Test func namesOfAlertsFollowTheirLongWindow() {
    func name(_ seconds: Double) -> String {
      BurnAlert(burn: 1, long: Nanoseconds(seconds: seconds), short: Nanoseconds(1), severity: .ticket).name
    }
    #expect([86_400 * 3, 3_600, 5_400, 90, 0.25].map(name) == ["ticket-3d", "ticket-1h", "ticket-90min", "ticket-90s", "ticket-250ms"])
  }

  private func objectives(_ rest: String) -> (slo: SLOCell?, causes: [String]) {
    let rows = "\(Self.heading)\nr1,good,0,90,95,100,0\nr1,good,5,80,99,100,10\n"
    let text = "```perf\nkind: slo\nid: mine\nfile: data/releases.csv\nindicator: {ratioMetric: {good: 'http_req_failed==0'}}\n\(rest)\n```\n"
    let (planned, found) = PerfLanguageTests.plan(text, PlanContext(data: { _ in rows }))
    guard case .slo(let slo)? = planned.plan.cells.first?.work else { return (nil, found.map(\.cause)) }
    return (slo, found.map(\.cause))
  }

  @Test("a plain objective keeps its place in the plan; slices are kept with it")
  func slices() {
    #expect(objectives("objectives: [{target: 0.99}]").slo?.objectives == nil)
    let sliced = objectives("objectives: [{target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 10m}]\nbudgetingMethod: Timeslices").slo
    #expect(sliced?.target == 0.99 && sliced?.objectives == [Objective(target: 0.99, slice: TimeSlice(target: 0.95, window: Nanoseconds(seconds: 600)))])
    let named = objectives("objectives: [{target: 0.99, displayName: 'Good Experience!'}]").slo
    #expect(named?.objectives?.first?.name == "good-experience")
  }

  @Test("objectives that do not fit together", arguments: [
    ("objectives: []", "one to eight"), ("objectives: [{target: 0.9}, {target: 0.99}]", "one objective, not by 2"),
    ("objectives: [{target: 0.9, timeSliceTarget: 0.9}]", "does nothing where requests are counted"),
    ("objectives: [{target: 0.9, timeSliceWindow: 5m}]\nbudgetingMethod: Timeslices", "needs `timeSliceTarget`"),
    ("objectives: [{target: 0.9, timeSliceTarget: 0, timeSliceWindow: 5m}]\nbudgetingMethod: Timeslices", "a target above 0"),
    ("objectives: [{target: 0.9, timeSliceTarget: 0.9, timeSliceWindow: 7m}]\nbudgetingMethod: Timeslices", "no multiple of the 300 s"),
    ("objectives: [{target: 0.9}]\nbudgetingMethod: RatioTimeslices", "one of `Occurrences`, `Timeslices`"),
    ("objectives: [{target: 0.9}]\napdex: 100ms", "`apdex` does nothing to a file"),
    ("objectives: [{target: 0.9}]\nalerts: [{burn: 2, long: 1h, severity: page}]", "needs `short`, or `after`"),
  ])
  func misfits(_ rest: String, _ cause: String) {
    let found = objectives(rest)
    #expect(found.causes.count == 1 && found.causes[0].contains(cause), "\(found.causes)")
  }
}
