import ExperimentModel
import NIOCore
import Testing

@testable import LabSystems

@Suite struct TraceTests {
  @Test("service times stand in the order in which workers took the requests, without the time in the queue; −1 is not yet answered")
  func order() throws {
    let environment = VirtualEnvironment()
    let routes = [("/slow", 30), ("/quick", 10)].map { RouteSpec(method: "GET", path: $0.0, stages: [Sample.wait(Int64($0.1), name: "w\($0.1)")]) }
    let core = try LabCore(Sample.system(workers: 2, rows: 0, routes: routes), environment: environment)
    let collector = Collector(environment)
    collector.send(core, "GET", "/quick", tag: 0)
    #expect(core.control(method: "POST", path: "/_nb/trace", body: ByteBuffer(string: "{\"on\":true}")).status == 200)
    // The first runs already: only one worker is free, and it begins the trace.
    for (tag, path) in ["/slow", "/quick", "/slow"].enumerated() { collector.send(core, "GET", path, tag: tag + 1) }
    environment.advance(by: 25_000_000)
    #expect(core.roles[0].trace == [-1, 10_000_000, -1])
    environment.advance(by: 100_000_000)
    #expect(core.roles[0].trace == [30_000_000, 10_000_000, 30_000_000] && collector.seen.count == 4)
    let told = core.control(method: "GET", path: "/_nb/trace", body: ByteBuffer())
    #expect(told.json == "{\"origin\":[30000000,10000000,30000000]}")
    _ = core.control(method: "POST", path: "/_nb/trace", body: ByteBuffer(string: "{\"on\":false}"))
    #expect(core.roles[0].trace == nil)
    #expect(core.control(method: "POST", path: "/_nb/trace", body: ByteBuffer(string: "on")).status == 400)
  }
}
