import ExperimentModel
import Testing

@testable import LabSystems

@Suite struct WorkerQueueTests {
  @Test func servesInOrderOfArrivalUnderRandomTraffic() {
    var random = SeededRandom(seed: 11)
    var queue = WorkerQueue<Int>(workers: 3, queueLimit: 50, timeout: .max)
    var (sent, started, rejected): (Int, [Int], Set<Int>) = (0, [], [])
    for now in 0..<20_000 {
      if random.unit() < 0.55 {
        switch queue.arrive(sent, now: Int64(now)) {
        case .start: started.append(sent)
        case .wait: break
        case .reject: rejected.insert(sent)
        }
        sent += 1
      } else if queue.busy > 0 {
        queue.release(now: Int64(now))
        while let next = queue.take(now: Int64(now)) { started.append(next.request) }
      }
      #expect(queue.busy <= 3 && queue.depth <= 50)
    }
    #expect(!rejected.isEmpty)
    #expect(started == (0..<sent).filter { !rejected.contains($0) }.prefix(started.count).map { $0 })
  }

  @Test func stallHoldsRequestsBackAndKeepsTheirOrder() {
    var queue = WorkerQueue<Int>(workers: 2, queueLimit: 10, timeout: 1_000)
    queue.stall(until: 100)
    for i in 0..<4 { if case .start = queue.arrive(i, now: Int64(i)) { Issue.record("started in a stall") } }
    #expect(queue.take(now: 99) == nil)
    #expect(queue.take(now: 100)?.request == 0)
    #expect(queue.take(now: 100)?.request == 1)
    #expect(queue.take(now: 100) == nil)
    #expect(queue.takeExpired(now: 1_001) == nil)
    #expect(queue.takeExpired(now: 1_002)?.request == 2)
  }

  @Test func roleAnswersInOrderRejectsAndTimesOut() throws {
    let environment = VirtualEnvironment()
    let system = Sample.system(
      workers: 1, queueLimit: 3, timeout: 0.025, rows: 0,
      routes: [RouteSpec(method: "GET", path: "/slow", stages: [Sample.wait(10)])])
    let core = try LabCore(system, environment: environment)
    let client = Collector(environment)
    for tag in 0..<5 { client.send(core, "GET", "/slow", tag: tag) }
    environment.advance(by: 100_000_000)
    // 4 finds the queue full; 0, 1, 2 are served at 10, 20, 30 ms; 3 ran out of patience at 25 ms.
    #expect(client.seen.map(\.tag) == [4, 0, 1, 3, 2])
    #expect(client.seen.map(\.status) == [503, 200, 200, 504, 200])
    #expect(core.counter("origin.requests") == 5)
    #expect(core.counter("origin.rejected") == 1)
    #expect(core.counter("origin.timed_out") == 1)
    #expect(core.counter("origin.queue_peak") == 3)
    #expect(core.counter("origin.queue_wait_ns") == 10_000_000 + 20_000_000 + 25_000_000)
    #expect(core.counter("primary.waited_ns") == core.counter("primary.declared_ns"))
  }

  @Test func tenThousandQueuedRequestsCompleteOnAFlatStack() throws {
    let environment = VirtualEnvironment()
    let bytes = StageSpec(name: "bytes", work: .bytes(BytesSpec(size: 10, etag: false)))
    let system = Sample.system(
      workers: 1, rows: 0, routes: [RouteSpec(method: "GET", path: "/", stages: [bytes])])
    let core = try LabCore(system, environment: environment)
    let client = Collector(environment)
    core.roles[0].stall(1_000)
    for tag in 0..<10_000 { client.send(core, "GET", "/", tag: tag) }
    #expect(client.seen.isEmpty)
    environment.advance(by: 1_000)
    #expect(client.seen.map(\.tag) == Array(0..<10_000))
  }
}
