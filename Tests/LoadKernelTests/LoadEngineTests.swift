import CKernelShims
import ExperimentModel
import Foundation
import Testing

@testable import LoadKernel

/// A server on a thread of its own, one epoll loop: answers every request, may hold all answers during
/// a stall, may do something unfriendly instead. Counts what it answered.
private final class TestServer: @unchecked Sendable {
  let port: Int
  private let listener: Int32
  private let lock = NSLock()
  private var served = 0
  private var stopping = false
  private let done = DispatchSemaphore(value: 0)
  private let answer: [UInt8]
  private let stall: (from: Int64, length: Int64)?
  private let closesAfter: Int

  init(answer: String = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Cache: HIT\r\n\r\nok", stall: (from: Double, length: Double)? = nil, closesAfter: Int = .max) {
    self.answer = Array(answer.utf8)
    self.closesAfter = closesAfter
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(listener, $0, length)
        _ = listen(listener, 512)
        _ = getsockname(listener, $0, &length)
      }
    }
    port = Int(in_port_t(bigEndian: address.sin_port))
    self.stall = stall.map { (from: nb_now() + Int64($0.from * 1e9), length: Int64($0.length * 1e9)) }
    let thread = Thread { [self] in loop(); done.signal() }
    thread.start()
  }

  var count: Int { lock.withLock { served } }

  func stop() {
    lock.withLock { stopping = true }
    done.wait()
  }

  private func loop() {
    let epoll = nb_epoll_create()
    _ = nb_epoll_set(epoll, EPOLL_CTL_ADD, listener, EPOLLIN.rawValue, UInt64(listener))
    var events = [epoll_event](repeating: epoll_event(), count: 64)
    var open: Set<Int32> = []
    var answered: [Int32: Int] = [:]
    var chunk = [UInt8](repeating: 0, count: 4_096)
    while !lock.withLock({ stopping }) {
      let n = nb_epoll_wait(epoll, &events, 64, 20_000_000)
      if let stall, nb_now() >= stall.from, nb_now() < stall.from + stall.length {
        usleep(UInt32((stall.from + stall.length - nb_now()) / 1_000))
      }
      for event in events.prefix(Int(max(0, n))) {
        let descriptor = Int32(event.data.u64)
        if descriptor == listener {
          let accepted = accept(listener, nil, nil)
          open.insert(accepted)
          _ = nb_epoll_set(epoll, EPOLL_CTL_ADD, accepted, EPOLLIN.rawValue, UInt64(accepted))
          continue
        }
        let read = recv(descriptor, &chunk, chunk.count, 0)
        if read <= 0 {
          close(descriptor)
          open.remove(descriptor)
          continue
        }
        // One request has one blank line; the load kernel never pipelines.
        lock.withLock { served += 1 }
        _ = send(descriptor, answer, answer.count, Int32(MSG_NOSIGNAL))
        answered[descriptor, default: 0] += 1
        if answered[descriptor]! >= closesAfter {
          answered[descriptor] = 0
          close(descriptor)
          open.remove(descriptor)
        }
      }
    }
    open.forEach { close($0) }
    close(listener)
    close(epoll)
  }
}

@Suite(.serialized) struct LoadEngineTests {
  private func run(_ profile: LoadProfile, _ server: TestServer) throws -> LoadRecord {
    try LoadEngine(profile: profile, target: LoadTarget(host: "127.0.0.1", port: server.port)).run()
  }
  private let request = RequestSpec(name: "get", method: "GET", path: "/item/{id}", key: .uniform(n: 9))

  @Test("shared iterations send exactly their number, and every answer is counted once")
  func counts() throws {
    let server = TestServer()
    defer { server.stop() }
    let record = try run(LoadProfile(executor: .sharedIterations, vus: 8, iterations: 1_000, requests: [request]), server)
    #expect(record.sent == 1_000 && record.completed == 1_000 && record.failed == 0)
    #expect(server.count == 1_000)
    #expect(record.hits == 1_000 && record.response.count == 1_000)
    #expect(record.windows.reduce(0) { $0 + $1.completed } == 1_000)
  }

  @Test("an open plan is sent in full, none dropped, none added")
  func open() throws {
    let server = TestServer()
    defer { server.stop() }
    let profile = LoadProfile(executor: .constantArrivalRate, arrivals: .uniform, rate: 1_000, duration: Nanoseconds(seconds: 0.5), requests: [request])
    let record = try run(profile, server)
    #expect(record.sent == 500 && record.completed == 500 && server.count == 500)
  }

  @Test("a stall is in the response time of everyone who should have been served, not only of the one who was")
  func coordinatedOmission() throws {
    let server = TestServer(stall: (from: 0.5, length: 0.4))
    defer { server.stop() }
    var profile = LoadProfile(executor: .constantArrivalRate, arrivals: .uniform, rate: 500, duration: Nanoseconds(seconds: 2), requests: [request])
    profile.connections = 4
    let record = try run(profile, server)
    // 200 of 1,000 arrivals fall into the stall; their delays are spread evenly over 0…400 ms, so the
    // 90th percentile of all lies near 200 ms. With four connections the service time hides most of it.
    let p90 = Double(record.response.quantile(0.9)) / 1e6
    #expect((150...260).contains(p90), "p90 \(p90) ms")
    #expect(record.service.quantile(0.9) < record.response.quantile(0.9) / 4)
    #expect(record.sent == 1_000 && record.completed == 1_000)
  }

  @Test("failures are counted by kind and the run goes on", arguments: [
    ("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "status"), ("nonsense that is not http\r\n\r\n", "malformed"),
  ])
  func failures(_ answer: String, _ kind: String) throws {
    let server = TestServer(answer: answer)
    defer { server.stop() }
    let record = try run(LoadProfile(executor: .sharedIterations, vus: 2, iterations: 50, requests: [request]), server)
    #expect(record.failed == 50 && record.errors[kind] == 50 && record.completed == 0)
    #expect(record.verdict == .invalid)
  }

  @Test("a server that closes after each answer costs connections, not requests")
  func closing() throws {
    let server = TestServer(answer: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", closesAfter: 1)
    defer { server.stop() }
    let record = try run(LoadProfile(executor: .sharedIterations, vus: 4, iterations: 200, requests: [request]), server)
    #expect(record.completed == 200 && record.failed == 0)
  }

  @Test("nobody listening is one error with a remedy; another host is refused before a byte is sent")
  func noTarget() {
    let profile = LoadProfile(executor: .sharedIterations, vus: 1, iterations: 1, requests: [request])
    let refused = #expect(throws: LoadError.self) {
      _ = try LoadEngine(profile: profile, target: LoadTarget(host: "127.0.0.1", port: 1)).run()
    }
    #expect(refused?.id == "connect-failed" && refused?.remedy != nil)
    let foreign = #expect(throws: LoadError.self) {
      _ = try LoadEngine(profile: profile, target: LoadTarget(host: "192.0.2.1", port: 80)).run()
    }
    #expect(foreign?.id == "target-not-loopback")
  }
}
