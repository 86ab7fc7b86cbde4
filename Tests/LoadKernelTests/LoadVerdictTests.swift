import ExperimentModel
import Testing

@testable import LoadKernel

/// A slice of 100 requests of 20 ms, of which `late` were sent 2 ms late.
private func slice(late: Int) -> LoadRecord {
  var record = LoadRecord()
  record.plannedRate = 100
  record.sent = 100
  record.completed = 100
  record.connections = 64
  for i in 0..<100 {
    record.sendLag.record(i < late ? 2_000_000 : 3_000)
    record.service.record(20_000_000)
  }
  record.judge()
  return record
}

@Suite struct LoadVerdictTests {
  @Test("more than one late send in a hundred makes a run DEGRADED, and the reason has the figure")
  func late() {
    #expect(slice(late: 0).verdict == .valid)
    let record = slice(late: 2)
    #expect(record.verdict == .degraded)
    #expect(record.reason?.hasPrefix("sends were late: p99 of the send lag is 2") == true)
  }

  @Test("slices are judged together: one hiccup among eight slices is not the generator's error, eight are")
  func merged() {
    var once = slice(late: 2)
    for _ in 1..<8 { once.merge(slice(late: 0)) }
    #expect(once.verdict == .valid && once.reason == nil)
    var always = slice(late: 2)
    for _ in 1..<8 { always.merge(slice(late: 2)) }
    #expect(always.verdict == .degraded)
  }

  @Test("5 ms late at a service time of 20 ms is INVALID")
  func invalid() {
    var record = slice(late: 0)
    for _ in 0..<5 { record.sendLag.record(5_000_000) }
    record.judge()
    #expect(record.verdict == .invalid)
  }

  @Test("of a hundred sends two that were very late are DEGRADED, of a thousand twenty are INVALID")
  func certain() {
    func record(_ count: Int, late: Int) -> LoadRecord {
      var record = slice(late: 0)
      record.sendLag = .init()
      for i in 0..<count { record.sendLag.record(i < late ? 5_000_000 : 3_000) }
      record.judge()
      return record
    }
    #expect(record(100, late: 2).verdict == .degraded)
    #expect(record(100, late: 4).verdict == .invalid)
    #expect(record(1_000, late: 11).verdict == .degraded)
    #expect(record(1_000, late: 20).verdict == .invalid)
    #expect(record(100_000, late: 1_100).verdict == .invalid)
  }

  @Test("waiting for a connection is said; a closed loop has no plan to miss")
  func waiting() {
    var record = slice(late: 0)
    record.sent = 110
    record.waited = 10
    record.judge()
    #expect(record.verdict == .degraded && record.reason == "10 of 110 requests waited for one of 64 connections")
    record.plannedRate = nil
    record.judge()
    #expect(record.verdict == .valid)
  }
}
