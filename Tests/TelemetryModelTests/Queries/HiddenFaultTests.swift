import ExperimentModel
import Testing

@testable import TelemetryModel

/// Metrics say that it is slow, logs say for whom, traces say where: three questions that name no service, no attribute and no
/// value find what was hidden.
@Suite struct HiddenFaultTests {
  @Test("three questions find the service, the attribute and its value", arguments: 1...20 as ClosedRange<UInt64>)
  func found(seed: UInt64) throws {
    let shop = HiddenFaultShop(seed: seed)
    #expect((0.015...0.05).contains(shop.faultShare))

    // 1, metrics: which route has the longest tail?
    let slowest = try #require(shop.capture.red(metric: "http.server.request.duration").max { $0.p99 < $1.p99 })
    let route = TelemetryCondition("http.route", .equal, .text(slowest.group[1]))
    let slow = TelemetryFilter([route, TelemetryCondition("duration", .greater, .quantile(0.95))])
    let fast = TelemetryFilter([route, TelemetryCondition("duration", .less, .quantile(0.5))])

    // 2, logs: what do its slow requests have in common?
    let lifts = shop.capture.lifts(.logs, where: slow)
    let who = try #require(lifts.rows.first)
    #expect(who.isFound && [who.attribute, who.value] == [shop.fault.attribute, shop.fault.value], "\(lifts.rows.prefix(3))")
    #expect(who.lift.value > 8 && lifts.rows.count { $0.isFound } <= 2)

    // 3, traces: where do they lose the time?
    let path = shop.capture.criticalPath(where: slow, versus: fast)
    let top = try #require(path.rows.first)
    #expect(top.service == shop.fault.service && top.share > 0.7, "\(path.rows.prefix(3))")
    #expect(abs(path.rows.reduce(0) { $0 + $1.share } - 1) < 1e-9)
    #expect(abs(path.rows.reduce(0) { $0 + $1.delta } - path.excess) < 1e-3)
  }

  @Test("without a fault nothing is found", arguments: 1...10 as ClosedRange<UInt64>)
  func nothing(seed: UInt64) {
    let shop = HiddenFaultShop(seed: seed, delay: 0)
    let slow = TelemetryFilter([
      TelemetryCondition("http.route", .equal, .text("/checkout")), TelemetryCondition("duration", .greater, .quantile(0.95)),
    ])
    for source in [LiftSource.traces, .logs] {
      let lifts = shop.capture.lifts(source, where: slow)
      #expect(lifts.rows.allSatisfy { !$0.isFound } && lifts.tried > 60 && lifts.chosen > 50)
    }
  }
}
