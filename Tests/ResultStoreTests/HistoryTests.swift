import ExperimentModel
import Foundation
import GRDB  // tidy: allow the test writes a store as its first version did
import Testing

@testable import ResultStore

private func result(_ value: Double, id: String = "onoff", inputs: String = "0123456789", quick: Bool = false) -> CellResult {
  var result = CellResult(id: id, kind: "load", inputs: inputs, quick: quick, evidence: .real)
  result.arms = [
    ArmResult(name: "off", metrics: ["mean": MetricValue(Estimate(2 * value), .nanoseconds)]),
    ArmResult(name: "on", metrics: ["mean": MetricValue(Estimate(value, low: value - 1, high: value + 1), .nanoseconds)]),
  ]
  result.comparisons = [
    ComparisonResult(
      candidate: "on", metric: "mean", ratio: ["mean": Estimate(2, low: 1.9, high: 2.1)],
      delta: ["mean": MetricValue(Estimate(value), .nanoseconds)], verdict: .faster)
  ]
  return result
}

private func stamp(_ day: Int, cpu: String = "A", nb: String = "0.1.0") -> RunStamp {
  RunStamp(finished: "2026-11-\(day)T12:00:00Z", commit: "c\(day)", environment: ["cpu": cpu, "cores": "2", "nb": nb])
}

private func withFolder(_ body: (String) throws -> Void) throws {
  let folder = NSTemporaryDirectory() + "nb-history-\(UInt64.random(in: 0 ... .max))"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try body(folder + "/results.sqlite")
}

@Suite struct HistoryTests {
  @Test("one series for each address, in the order of measuring, also where the clock was set back between")
  func series() throws {
    try withFolder { path in
      let store = try ResultStore(path: path)
      for day in [12, 10, 11] { try store.save(result(Double(day)), lesson: "day08", stamp: stamp(day)) }
      let all = try store.history()
      #expect(all.map(\.address) == [
        "day08/onoff.delta.on.mean", "day08/onoff.off.mean", "day08/onoff.on.mean", "day08/onoff.ratio.on.mean",
      ])
      let on = try #require(try store.history(HistoryFilter(lesson: "day08", block: "onoff", arm: "on", metric: "mean")).first)
      #expect(on.points.map(\.value.value) == [12, 10, 11])
      #expect(on.points.map(\.commit) == ["c12", "c10", "c11"])
      #expect(on.points[1].value == Estimate(10, low: 9, high: 11) && on.unit == .nanoseconds)
      #expect(try store.history(HistoryFilter(lesson: "day09")).isEmpty)
      #expect(try store.history(HistoryFilter(metric: "mean' OR 1=1 --")).isEmpty)
    }
  }

  @Test("what differs in question, machine or length of run is another series; nb's version is not a machine")
  func comparable() throws {
    try withFolder { path in
      let store = try ResultStore(path: path)
      try store.save(result(10), lesson: "d", stamp: stamp(10))
      try store.save(result(11), lesson: "d", stamp: stamp(11, nb: "0.2.0"))
      try store.save(result(12, inputs: "other"), lesson: "d", stamp: stamp(12))
      try store.save(result(13), lesson: "d", stamp: stamp(13, cpu: "B"))
      try store.save(result(14, quick: true), lesson: "d", stamp: stamp(14))
      let found = try store.history(HistoryFilter(arm: "on"))
      #expect(found.map { $0.points.map(\.value.value) } == [[10, 11], [12], [13], [14]])
      #expect(Set(found.map { "\($0.inputs) \($0.environment) \($0.quick)" }).count == 4)
    }
  }

  @Test("failed and INVALID runs have no values, DEGRADED ones say so")
  func validity() throws {
    try withFolder { path in
      let store = try ResultStore(path: path)
      var failed = result(10), invalid = result(11), degraded = result(12)
      failed.failure = "no lab"
      invalid.validity = .invalid
      degraded.validity = .degraded
      for (i, one) in [failed, invalid, degraded].enumerated() { try store.save(one, lesson: "d", stamp: stamp(10 + i)) }
      let found = try store.history(HistoryFilter(arm: "on"))
      #expect(found.map { $0.points.map(\.validity) } == [[.degraded]])
    }
  }

  @Test("a store of the first version is filled in, and rows that it writes afterwards are found")
  func migration() throws {
    try withFolder { path in
      let insert = "INSERT INTO result (lesson, cell, inputs, quick, finished, stamp, value) VALUES (?, ?, ?, ?, ?, ?, ?)"
      func arguments(_ day: Int, _ value: Data? = nil) throws -> StatementArguments {
        let result = result(Double(day))
        return [
          "day08", result.id, result.inputs, result.quick, stamp(day).finished, try JSONEncoder().encode(stamp(day)),
          try value ?? JSONEncoder().encode(result),
        ]
      }
      do {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("results") { db in
          try db.execute(
            sql: """
              CREATE TABLE result (id INTEGER PRIMARY KEY, lesson TEXT NOT NULL, cell TEXT NOT NULL, inputs TEXT NOT NULL,
                quick INTEGER NOT NULL, finished TEXT NOT NULL, stamp BLOB NOT NULL, value BLOB NOT NULL);
              CREATE INDEX result_by_cell ON result (lesson, cell, id);
              """)
        }
        let queue = try DatabaseQueue(path: path)
        try migrator.migrate(queue)
        try queue.write { db in
          try db.execute(sql: insert, arguments: arguments(10))
          try db.execute(sql: insert, arguments: arguments(11, Data("{}".utf8)))
        }
      }
      #expect(try ResultStore(path: path).history(HistoryFilter(arm: "on")).map { $0.points.map(\.value.value) } == [[10]])
      do {
        let queue = try DatabaseQueue(path: path)
        try queue.write { db in try db.execute(sql: insert, arguments: arguments(12)) }
      }
      let store = try ResultStore(path: path)
      #expect(try store.history(HistoryFilter(arm: "on")).map { $0.points.map(\.value.value) } == [[10, 12]])
      #expect(try store.latest(lesson: "day08")["onoff"] == result(12))
    }
  }

  @Test("a fingerprint follows the environment and nothing else")
  func fingerprint() {
    #expect(stamp(1).fingerprint == stamp(2, nb: "9").fingerprint)
    #expect(stamp(1).fingerprint != stamp(1, cpu: "B").fingerprint)
    #expect(stamp(1).fingerprint.utf8.count == 8)
  }

  @Test("every value of a result is found under its address, and nothing shares one")
  func addresses() {
    var swept = CellResult(id: "hit-curve", kind: "load", inputs: "0", quick: false, evidence: .real)
    swept.arms = [100.0, 500].map { capacity in
      ArmResult(
        name: "\(Int(capacity))", params: ["capacity": capacity, "n": 7], metrics: ["hit_ratio": MetricValue(Estimate(capacity), .share)])
    } + [ArmResult(name: "", metrics: ["che_error": MetricValue(Estimate(3), .points)])]
    var sized = CellResult(id: "algo", kind: "bench", inputs: "0", quick: false, evidence: .real)
    for (i, name) in ["slow", "slow", "fast", "fast"].enumerated() {
      sized.arms.append(
        ArmResult(name: name, params: ["n": Double(100 * (i % 2 + 1))], metrics: ["time": MetricValue(Estimate(Double(i)), .nanoseconds)]))
    }
    for n in [100.0, 200] {
      sized.comparisons.append(
        ComparisonResult(candidate: "fast", at: ["n": n], metric: "time", ratio: ["time": Estimate(n)], delta: [:], verdict: .faster))
    }
    var cost = CellResult(id: "money", kind: "cost", inputs: "0", quick: false, evidence: .computed)
    cost.arms = [ArmResult(name: "F1", metrics: ["base": MetricValue(Estimate(5), .usdPerDay), "low": MetricValue(Estimate(.nan), .usdPerDay)])]
    for one in [result(10), swept, sized, cost] {
      let listed = one.measuredValues
      for (address, value) in listed { #expect(one.value(at: address) == value, "\(address.text)") }
      #expect(Set(listed.map(\.address.text)).count == listed.count)
    }
    #expect(swept.measuredValues.map(\.address.text) == [
      "hit-curve.che_error", "hit-curve.hit_ratio@capacity=100", "hit-curve.hit_ratio@capacity=500",
    ])
    #expect(sized.measuredValues.map(\.address.text).contains("algo.fast.time@n=200"))
    #expect(sized.measuredValues.count == 6)
    #expect(cost.measuredValues.map(\.address.text) == ["money.base"])
  }
}

@Suite struct HistoryCSVTests {
  @Test("dates, values, commits; names, comments and empty lines are skipped")
  func reads() {
    let (points, mistakes) = readHistoryCSV("\u{FEFF}date,ms,commit\r\n# nightly\n2026-01-01,12.5,4f2a\n\n2026-01-02T02:00:00Z, 1e1 \n2026-01-02T03:00:00Z,\"11\",\"a \"\"b\"\", c\"\n")
    #expect(mistakes.isEmpty)
    #expect(points.map(\.value.value) == [12.5, 10, 11])
    #expect(points.map(\.commit) == ["4f2a", nil, "a \"b\", c"])
    #expect(points.map(\.finished) == ["2026-01-01", "2026-01-02T02:00:00Z", "2026-01-02T03:00:00Z"])
  }

  @Test("all mistakes at once, each with its line")
  func mistakes() {
    let text = "2026-01-05,1\n2026-01-06\n06.01.2026,2\n2026-01-07,fast\n2026-01-04,3\n2026-01-08,\"4\n2026-01-09,1,2,3\n2026-01-10,inf\n"
    let (points, mistakes) = readHistoryCSV(text)
    #expect(points.count == 1)
    #expect(mistakes.map(\.line) == [2, 3, 4, 5, 6, 7, 8])
    #expect(mistakes.allSatisfy { !$0.cause.isEmpty && !$0.remedy.isEmpty })
  }

  @Test("what is written reads as a table with one line for each value")
  func writes() {
    let series = SavedSeries(
      address: "d/a.\"b\",c", unit: .nanoseconds, inputs: "i", environment: "e", quick: true,
      points: [
        SavedValue(finished: "2026-01-01", commit: nil, value: Estimate(1.5, low: 1, high: 2)),
        SavedValue(finished: "2026-01-02", commit: "4f", value: Estimate(2), validity: .degraded),
      ])
    #expect(
      historyCSV([series]) == """
        address,unit,inputs,environment,quick,finished,commit,validity,value,low,high
        "d/a.""b"",c",ns,i,e,true,2026-01-01,,VALID,1.5,1.0,2.0
        "d/a.""b"",c",ns,i,e,true,2026-01-02,4f,DEGRADED,2.0,,

        """)
  }
}
