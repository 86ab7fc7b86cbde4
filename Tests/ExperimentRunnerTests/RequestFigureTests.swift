import ExperimentModel
import LoadKernel
import Testing

@testable import ExperimentRunner

@Suite struct RequestFigureTests {
  private func measured() -> ArmMeasurement {
    var record = LoadRecord()
    record.elapsed = Nanoseconds(seconds: 2)
    for (name, time, failed) in [("look", 1_000_000, 0), ("buy / pay", 9_000_000, 25)] as [(String, Int64, Int)] {
      var one = NamedRecord(name: name)
      one.completed = 100 - failed
      one.failed = failed
      for _ in 0..<one.completed { one.response.record(time) }
      if failed > 0 { (one.checked, one.passed) = (100, 75) }
      record.named.append(one)
    }
    let arm = LoadArm(
      name: "walk", system: SystemSpec(id: "s", seed: 0, roles: [], data: []),
      profile: LoadProfile(executor: .constantVUs, requests: [RequestSpec(name: "look", method: "GET", path: "/")]))
    return ArmMeasurement(arm, [Slice(record: record, counters: [:], samples: [], sampleTimes: [])])
  }

  @Test("each request has its own count, rate, errors, times and checks")
  func figures() throws {
    let requests = try #require(measured().requests)
    #expect(requests.map(\.name) == ["look", "buy / pay"])
    let (look, pay) = (requests[0].metrics, requests[1].metrics)
    #expect(look["http_reqs"]?.estimate.value == 100 && look["rate"]?.estimate.value == 50 && look["http_req_failed"]?.estimate.value == 0)
    #expect(pay["http_req_failed"]?.estimate.value == 0.25 && pay["checks"]?.estimate.value == 0.75 && look["checks"] == nil)
    #expect(abs((pay["p95"]?.estimate.value ?? 0) / 9e6 - 1) < 0.01 && abs((look["p99"]?.estimate.value ?? 0) / 1e6 - 1) < 0.01)
  }

  @Test("an address finds a request's value, and each listed value has an address that finds it again")
  func addresses() {
    var result = CellResult(id: "walk", kind: "load", inputs: "", quick: false, evidence: .real)
    result.arms = [ArmResult(name: "walk", metrics: ["p95": MetricValue(Estimate(1), .nanoseconds)])]
    result.arms[0].requests = measured().requests
    let address = Address(block: "walk", arm: [], metric: "http_reqs", request: "buy / pay")
    #expect(result.value(at: address)?.estimate.value == 100 && address.text == "walk.request.buy.pay.http_reqs")
    #expect(Address(block: "walk", arm: ["on"], metric: "p95", request: "GET /x").text == "walk.on.p95{name:GET /x}")
    #expect(result.value(at: Address(block: "walk", arm: [], metric: "p95", request: "nobody")) == nil)
    let listed = result.measuredValues
    #expect(listed.count == 1 + 11 + 12, "\(listed.map(\.address.text))")
    for (address, value) in listed { #expect(result.value(at: address) == value, "\(address.text)") }
  }
}
