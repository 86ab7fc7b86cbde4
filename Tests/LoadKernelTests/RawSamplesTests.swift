// Single requests against what is known of them otherwise: the plan, the histograms, the counts.

import ExperimentModel
import Statistics
import Testing

@testable import LoadKernel

@Suite(.serialized) struct RawSamplesTests {
  private let get = RequestSpec(name: "get", method: "GET", path: "/")

  private func run(_ profile: LoadProfile, _ options: LoadOptions, script: @escaping @Sendable (Int, String) -> Behaviour) throws -> LoadRecord {
    let server = ScriptedServer(script: script)
    defer { server.stop() }
    return try LoadEngine(profile: profile, target: LoadTarget(server)).run(options)
  }

  /// The value of rank ⌈q n⌉, as the histogram's.
  private func quantile(_ values: [Int64], _ q: Double) -> Int64 {
    let sorted = values.sorted()
    return sorted[max(0, min(sorted.count, Int((q * Double(sorted.count)).rounded(.up))) - 1)]
  }

  @Test("rows have the plan's times in the plan's order, and the histograms' quantiles", arguments: [1, 2])
  func planAndQuantiles(_ threads: Int) throws {
    let profile = LoadProfile(executor: .constantArrivalRate, rate: 2_000, duration: Nanoseconds(seconds: 0.5), requests: [get], seed: 11)
    var options = LoadOptions()
    options.rawRows = 10_000
    options.threads = threads
    let record = try run(profile, options) { index, _ in index % 10 == 0 ? .slowly(ScriptedServer.ok, 40) : .answer(ScriptedServer.ok) }
    let raw = try #require(record.raw)
    var plan = try #require(ArrivalPlan(profile, duration: nil, seed: 11))
    var times: [Int64] = []
    while let time = plan.next() { times.append(time) }
    #expect(raw.rows.map(\.intended) == times && raw.truncated == 0 && record.completed == times.count)
    #expect(raw.rows.allSatisfy { $0.sent >= $0.intended && $0.received >= $0.sent && $0.status == 200 && $0.error == 0 })
    #expect(raw.rows.allSatisfy { raw.names[Int($0.name)] == "get" && (0..<64).contains($0.connection) })
    #expect(raw.rows.reduce(0) { $0 + $1.bytes } == record.bytesIn)
    for (values, histogram) in [
      (raw.rows.map { $0.received - $0.intended }, record.response), (raw.rows.map { $0.received - $0.sent }, record.service),
    ] {
      #expect(histogram.count == values.count && histogram.max == values.max() && histogram.min == values.min())
      for q in [0.01, 0.5, 0.9, 0.99, 0.999] {
        let exact = Double(quantile(values, q))
        #expect(abs(Double(histogram.quantile(q)) - exact) <= exact * Histogram.relativeError + 1, "p\(q * 100) of \(exact) ns")
      }
    }
  }

  @Test("every failure has its row, with its kind; what was never sent says so")
  func failures() throws {
    var options = LoadOptions()
    options.rawRows = 1_000
    let profile = LoadProfile(executor: .sharedIterations, vus: 3, iterations: 60, requests: [get])
    let record = try run(profile, options) { index, _ in
      switch index % 4 {
      case 0: .answer("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
      case 1: .answer("nonsense\r\n")
      case 2: .close
      default: .answer(ScriptedServer.ok)
      }
    }
    let raw = try #require(record.raw)
    let byKind = Dictionary(grouping: raw.rows.filter { $0.error > 0 }) { raw.errors[Int($0.error) - 1] }.mapValues(\.count)
    #expect(byKind == record.errors && raw.rows.count == 60 && byKind.count == 3)
    #expect(raw.rows.filter { $0.status == 503 }.count == record.statuses[503])
    options.requiresConnection = false
    let open = LoadProfile(executor: .constantArrivalRate, arrivals: .uniform, rate: 1_000, duration: Nanoseconds(seconds: 0.1), connections: 2, requests: [get])
    let down = try LoadEngine(profile: open, target: LoadTarget(host: "127.0.0.1", port: 1)).run(options)
    let rows = try #require(down.raw).rows
    #expect(rows.count == 100 && rows.allSatisfy { $0.sent == -1 && $0.error > 0 && $0.status == 0 })
    #expect(rows.map(\.intended) == (0..<100).map { Int64($0) * 1_000_000 + 500_000 })
  }

  @Test("beyond its room a row is counted, not kept; without the option there are none")
  func truncated() throws {
    let profile = LoadProfile(executor: .sharedIterations, vus: 4, iterations: 50, requests: [get])
    for threads in [1, 2] {
      var options = LoadOptions()
      options.threads = threads
      options.rawRows = 11
      let raw = try #require(try run(profile, options) { _, _ in .answer(ScriptedServer.ok) }.raw)
      #expect(raw.rows.count == 11 && raw.truncated == 39)
    }
    #expect(try run(profile, LoadOptions()) { _, _ in .answer(ScriptedServer.ok) }.raw == nil)
  }
}
