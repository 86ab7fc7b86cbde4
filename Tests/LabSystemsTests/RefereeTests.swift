import Foundation
import Testing

@testable import LabSystems

// Counts, bytes and the referee's own stamps decide here; the test's clock never does.

/// A referee on a thread of its own, and what a script would do with it.
private final class RunningReferee: Sendable {
  let ready: RefereeReady

  init(_ options: RefereeOptions = RefereeOptions()) async throws {
    ready = try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<RefereeReady, any Error>) in
      Thread.detachNewThread {
        do {
          try RefereeServer.run(options, endDescriptors: []) { continuation.resume(returning: $0) }
        } catch {
          continuation.resume(throwing: error)
        }
      }
    }
  }

  deinit { _ = Socket(port: ready.controlPort)?.exchange("GET /_referee/stop HTTP/1.1\r\n\r\n") }

  func client() throws -> Socket {
    let port = try #require(ready.port)
    return try #require(Socket(port: port))
  }

  func control(_ name: String) throws -> [UInt8] {
    let socket = try #require(Socket(port: ready.controlPort))
    let answer = socket.exchange("GET /_referee/\(name) HTTP/1.1\r\n\r\n")
    let end = try #require(Self.headEnd(answer))
    #expect(String(decoding: answer[..<12], as: UTF8.self) == "HTTP/1.1 200")
    return Array(answer[end...])
  }

  func summary() throws -> ArrivalSummary {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(ArrivalSummary.self, from: Data(try control("summary")))
  }

  func column(_ name: String) throws -> [Int64] {
    let bytes = try control(name)
    return stride(from: 0, to: bytes.count, by: 8).map { at in
      (0..<8).reduce(Int64(0)) { $0 | Int64(bytes[at + $1]) << (8 * $1) }
    }
  }

  private static func headEnd(_ bytes: [UInt8]) -> Int? {
    (3..<bytes.count).first { bytes[$0 - 3...$0] == [13, 10, 13, 10] }.map { $0 + 1 }
  }
}

/// A blocking client socket.
private final class Socket {
  private let descriptor: Int32

  init?(port: Int) {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    if result != 0 { return nil }
  }

  init?(path: String) {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    if result != 0 { return nil }
  }

  deinit { close(descriptor) }

  func send(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count <= 0 { return }
      bytes = bytes.dropFirst(count)
    }
  }

  /// What comes next, [] at the end, nil after a reset.
  func receive() -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return count < 0 ? nil : Array(bytes[..<count])
  }

  func receive(_ count: Int) -> String {
    var bytes: [UInt8] = []
    while bytes.count < count, let more = receive(), !more.isEmpty { bytes += more }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// To the end of the connection.
  func rest() -> [UInt8] {
    var bytes: [UInt8] = []
    while let more = receive(), !more.isEmpty { bytes += more }
    return bytes
  }

  func exchange(_ text: String) -> [UInt8] {
    send(text)
    return rest()
  }

  func get() { send(Self.request) }
  func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }
  static let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
}

private let whole = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nab"

@Suite struct RefereeTests {
  @Test func countsAndStampsInOrder() async throws {
    let referee = try await RunningReferee()
    let clients = [try referee.client(), try referee.client()]
    for round in 0..<50 {
      clients[round % 2].get()
      #expect(clients[round % 2].receive(whole.utf8.count) == whole)
    }
    let (kernel, user, sent) = (try referee.column("arrivals"), try referee.column("user"), try referee.column("sent"))
    #expect(kernel.count == 50 && user.count == 50 && sent.count == 50)
    for i in kernel.indices {
      #expect(kernel[i] <= user[i] && user[i] <= sent[i])
      if i > 0 { #expect(sent[i - 1] < kernel[i], "the next request was sent after the answer") }
    }
    #expect(Set(try referee.column("connections")) == [0, 1])
    let summary = try referee.summary()
    #expect(summary.count == 50 && summary.counts.answered == 50 && summary.counts.connections == 2)
    #expect(summary.counts.unstamped == 0 && summary.clock.doubtful == 0)
    #expect(summary.firstNs == kernel[0] && summary.lastNs == kernel[49] && summary.interArrival?.count == 49)
  }

  @Test func resetForgetsAndGoesOn() async throws {
    let referee = try await RunningReferee()
    let client = try referee.client()
    client.get()
    _ = client.receive(whole.utf8.count)
    _ = try referee.control("reset")
    #expect(try referee.summary().count == 0)
    client.get()
    _ = client.receive(whole.utf8.count)
    #expect(try referee.column("arrivals").count == 1)
  }

  @Test func answersAPipelineInOrderAndBodiesAreSkipped() async throws {
    var options = RefereeOptions()
    options.service = .uniform(0...2_000_000)
    options.misbehaviour.statusEvery = 2
    let referee = try await RunningReferee(options)
    let client = try referee.client()
    let post = "POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nGET /"
    client.send(post + Socket.request + post + "HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n" + Socket.request)
    let text = String(decoding: client.rest(), as: UTF8.self)
    let statuses = text.components(separatedBy: "HTTP/1.1 ").dropFirst().map { $0.prefix(3) }
    #expect(statuses == ["200", "500", "200", "500"])
    #expect(text.hasSuffix("\r\n\r\n"), "a HEAD request gets no body")
    #expect(try referee.summary().counts.sharedStamps == 3)
  }

  @Test func aRequestInPiecesIsOne() async throws {
    let referee = try await RunningReferee()
    let client = try referee.client()
    for byte in Socket.request { client.send(String(byte)) }
    #expect(client.receive(whole.utf8.count) == whole)
    #expect(try referee.summary().count == 1)
  }

  @Test func whatIsNoRequestIsCountedAndClosed() async throws {
    let referee = try await RunningReferee()
    let client = try referee.client()
    #expect(client.exchange("no request\r\n\r\n").isEmpty)
    let summary = try referee.summary()
    #expect(summary.counts.malformed == 1 && summary.count == 0)
  }

  @Test func keepsTheFirstAndCountsTheRest() async throws {
    var options = RefereeOptions()
    options.kept = 3
    let referee = try await RunningReferee(options)
    let client = try referee.client()
    for _ in 0..<5 {
      client.get()
      _ = client.receive(whole.utf8.count)
    }
    let summary = try referee.summary()
    #expect(summary.count == 5 && summary.kept == 3 && summary.overflow == 2 && summary.counts.answered == 5)
    #expect(try referee.column("arrivals").count == 3)
  }

  @Test func noServiceIsShorterThanAsked() async throws {
    var options = RefereeOptions()
    options.service = .fixed(1_000_000)
    let referee = try await RunningReferee(options)
    let clients = try (0..<4).map { _ in try referee.client() }
    for client in clients { client.get() }
    for client in clients { #expect(client.receive(whole.utf8.count) == whole) }
    let (kernel, sent) = (try referee.column("arrivals"), try referee.column("sent"))
    for i in kernel.indices { #expect(sent[i] - kernel[i] >= 1_000_000) }
    #expect(try referee.summary().replyLateness.count == 4)
  }

  @Test func oneServerServesOneAfterTheOther() async throws {
    var options = RefereeOptions()
    try options.setCapacity(1_000)
    #expect(options.servers == 1 && options.service == .fixed(1_000_000))
    let referee = try await RunningReferee(options)
    let clients = try (0..<5).map { _ in try referee.client() }
    for client in clients { client.get() }
    for client in clients { #expect(client.receive(whole.utf8.count) == whole) }
    let (kernel, sent) = (try referee.column("arrivals"), try referee.column("sent").sorted())
    for i in 1..<5 { #expect(sent[i] >= kernel[0] + Int64(i + 1) * 1_000_000) }
  }

  @Test func noAnswerInAStallAndEveryArrivalStamped() async throws {
    var options = RefereeOptions()
    options.stalls = [RefereeOptions.Stall(offset: 0, length: 60_000_000)]
    let referee = try await RunningReferee(options)
    let clients = try (0..<8).map { _ in try referee.client() }
    for client in clients { client.get() }
    for client in clients { #expect(client.receive(whole.utf8.count) == whole) }
    let (kernel, sent) = (try referee.column("arrivals"), try referee.column("sent"))
    let first = kernel[0]
    #expect(kernel.count == 8)
    for time in sent { #expect(time >= first + 60_000_000) }
    #expect(try referee.summary().counts.answered == 8)
  }

  @Test func refuses() async throws {
    var options = RefereeOptions()
    options.refuses = true
    let referee = try await RunningReferee(options)
    let port = try #require(referee.ready.port)
    #expect(Socket(port: port) == nil)
    #expect(try referee.summary().count == 0)
  }

  @Test func resetsEveryNth() async throws {
    let referee = try await misbehaving { $0.resetEvery = 2 }
    let client = try referee.client()
    client.get()
    #expect(client.receive(whole.utf8.count) == whole)
    client.get()
    #expect(client.receive() == nil, "a reset is no end")
    let summary = try referee.summary()
    #expect(summary.counts.resets == 1 && summary.count == 2 && summary.counts.answered == 1)
    #expect(try referee.column("sent")[1] == 0)
  }

  @Test func sendsHalfAResponse() async throws {
    let referee = try await misbehaving { $0.halfEvery = 1 }
    let bytes = try referee.client().exchange(Socket.request)
    #expect(bytes == Array(whole.utf8.prefix(whole.utf8.count / 2)))
    #expect(try referee.summary().counts.halves == 1)
  }

  @Test func closesAfterAResponse() async throws {
    let referee = try await misbehaving { $0.closeEvery = 1 }
    #expect(String(decoding: try referee.client().exchange(Socket.request), as: UTF8.self) == whole)
    #expect(try referee.summary().counts.closes == 1)
  }

  @Test func answersWithAStatus() async throws {
    let referee = try await misbehaving { try? $0.setStatus("2:503") }
    let client = try referee.client()
    client.get()
    #expect(client.receive(whole.utf8.count) == whole)
    client.get()
    #expect(client.receive(whole.utf8.count).hasPrefix("HTTP/1.1 503 "))
    #expect(try referee.summary().counts.statuses == 1)
  }

  @Test func answersWithGarbage() async throws {
    let referee = try await misbehaving { $0.garbageEvery = 1 }
    let client = try referee.client()
    client.get()
    let bytes = try #require(client.receive())
    #expect(!bytes.isEmpty && !bytes.starts(with: Array("HTTP".utf8)))
    #expect(try referee.summary().counts.garbage == 1)
  }

  @Test func readsSlowly() async throws {
    var options = RefereeOptions()
    options.slowRead = 10
    let referee = try await RunningReferee(options)
    let client = try referee.client()
    client.get()
    #expect(client.receive(whole.utf8.count) == whole)
    // 28 bytes in reads of at most ten.
    #expect(try referee.summary().counts.reads >= 3)
  }

  @Test func sendsBodiesWholeEvenToASlowReader() async throws {
    var options = RefereeOptions()
    options.bodyLength = 8 << 20
    let referee = try await RunningReferee(options)
    let client = try referee.client()
    client.send(Socket.request + "GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
    _ = try referee.summary()
    let bytes = client.rest()
    let heads = "HTTP/1.1 200 OK\r\nConnection: \r\nContent-Type: text/plain\r\nContent-Length: 8388608\r\n\r\n".utf8.count
    #expect(bytes.count == 2 * heads + "keep-alive".utf8.count + "close".utf8.count + 2 * (8 << 20))
    #expect(bytes[bytes.count - 1] == UInt8(ascii: "a") + UInt8(((8 << 20) - 1) % 26))
  }

  @Test func sendsChunks() async throws {
    var options = RefereeOptions()
    (options.bodyLength, options.chunked) = (40, true)
    let referee = try await RunningReferee(options)
    let text = String(decoding: try referee.client().exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"), as: UTF8.self)
    let body = try #require(text.components(separatedBy: "\r\n\r\n").dropFirst().first)
    #expect(body.hasPrefix("14\r\nabcdefghijklmnopqrst\r\n14\r\nuvwxyzabcdefghijklmn\r\n0"))
  }

  @Test func servesAtAPathWithoutKernelStamps() async throws {
    var options = RefereeOptions()
    let path = "/tmp/referee-\(getpid()).socket"
    options.unixPath = path
    let referee = try await RunningReferee(options)
    let client = try #require(Socket(path: path))
    client.get()
    #expect(client.receive(whole.utf8.count) == whole)
    let summary = try referee.summary()
    #expect(referee.ready.port == nil && summary.count == 1 && summary.counts.unstamped == 1)
  }

  @Test func aTakenPortIsNamed() async throws {
    let referee = try await RunningReferee()
    var options = RefereeOptions()
    options.port = try #require(referee.ready.port)
    let taken = options
    #expect(throws: LabError.self) { try RefereeServer.run(taken, endDescriptors: []) { _ in } }
  }

  @Test func aClientThatOnlyStopsSendingGetsItsAnswer() async throws {
    var options = RefereeOptions()
    options.service = .fixed(20_000_000)
    let referee = try await RunningReferee(options)
    let client = try referee.client()
    client.get()
    client.endSending()
    #expect(String(decoding: client.rest(), as: UTF8.self) == whole)
  }

  @Test func endsWhenToldAndLeavesItsFiles() throws {
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    var byte: UInt8 = 1
    #expect(write(ends[1], &byte, 1) == 1)
    var options = RefereeOptions()
    let path = "/tmp/referee-\(getpid()).stamps"
    options.out = path
    try RefereeServer.run(options, endDescriptors: [ends[0]]) { #expect($0.port != nil) }
    #expect(try Data(contentsOf: URL(fileURLWithPath: path)).isEmpty)
    #expect(try Data(contentsOf: URL(fileURLWithPath: path + ".json")).starts(with: Data("{".utf8)))
    for file in [path, path + ".json"] { unlink(file) }
    options.out = "/nowhere/at/all"
    let nowhere = options
    #expect(throws: LabError.self) { try RefereeServer.run(nowhere, endDescriptors: [ends[0]]) { _ in } }
  }

  private func misbehaving(_ change: (inout Misbehaviour) -> Void) async throws -> RunningReferee {
    var options = RefereeOptions()
    change(&options.misbehaviour)
    return try await RunningReferee(options)
  }
}

@Suite struct RefereePlanTests {
  private func plan(_ change: (inout RefereeOptions) -> Void) -> ServicePlan {
    var options = RefereeOptions()
    change(&options)
    return ServicePlan(options)
  }

  @Test func infinitelyManyServersOnlyDelay() {
    var plan = plan { $0.service = .fixed(100) }
    #expect([0, 1, 2, 50].map { plan.due(arrival: $0) } == [100, 101, 102, 150])
  }

  @Test func serversQueue() {
    var one = plan { ($0.service, $0.servers) = (.fixed(100), 1) }
    #expect([0, 10, 250].map { one.due(arrival: $0) } == [100, 200, 350])
    var two = plan { ($0.service, $0.servers) = (.fixed(100), 2) }
    #expect([0, 10, 20, 30].map { two.due(arrival: $0) } == [100, 110, 200, 210])
  }

  @Test func serversStandStillInStalls() {
    var plan = plan {
      ($0.service, $0.servers) = (.fixed(100), 1)
      $0.stalls = [.init(offset: 150, length: 1_000)]
    }
    // 1,000 + [150, 1150): the second is half served when the stall begins, the third starts after it.
    #expect([1_000, 1_010, 1_020].map { plan.due(arrival: $0) } == [1_100, 2_200, 2_300])
    #expect(plan.stallEnd(at: 1_149) == nil && plan.stallEnd(at: 1_150) == 2_150 && plan.stallEnd(at: 2_150) == nil)
  }

  @Test func withoutServiceAStallEndsAllAtOnce() {
    var plan = plan { $0.stalls = [.init(offset: 10, length: 100), .init(offset: 50, length: 100)] }
    #expect([0, 9, 10, 60, 159, 160, 161].map { plan.due(arrival: $0) } == [0, 9, 150, 150, 159, 160, 161])
    plan.reset()
    #expect(plan.due(arrival: 500) == 500 && plan.due(arrival: 511) == 650)
  }

  @Test func drawnServiceHasItsMeanAndItsSeed() {
    for service in [ServiceTime.exponential(mean: 1e5), .uniform(50_000...150_000)] {
      var (a, b) = (SeededRandom(seed: 3), SeededRandom(seed: 3))
      let values = (0..<40_000).map { _ in service.draw(&a) }
      #expect(values.prefix(100) == (0..<100).map { _ in service.draw(&b) }[...])
      let mean = values.reduce(0) { $0 + Double($1) } / Double(values.count)
      #expect(abs(mean - 1e5) < 2e3)
    }
  }

  @Test func queueGivesBackInOrderOfTimeThenTicket() {
    var queue = DueQueue()
    var random = SeededRandom(seed: 5)
    for ticket in 0..<2_000 {
      queue.insert(
        Due(
          time: Int64(random.next() % 100), ticket: ticket, slot: 0, generation: 0, kind: .answer, fate: .normal,
          isHead: false, closes: false))
    }
    var last: Due?
    while queue.nextTime != .max {
      let next = queue.removeFirst()
      if let last { #expect(Due.earlier(last, next)) }
      last = next
    }
    #expect(queue.count == 0)
  }

  @Test func theWorseOfTwoFaultsHappens() {
    var faults = Misbehaviour()
    (faults.resetEvery, faults.statusEvery, faults.closeEvery) = (6, 2, 3)
    #expect((1...6).map { faults.fate(of: $0) } == [.normal, .status, .close, .status, .normal, .reset])
  }

  @Test(arguments: [("0", 0), ("100us", 100_000), ("1.5ms", 1_500_000), ("5s", 5_000_000_000), ("7ns", 7), ("1min", 60_000_000_000)])
  func durations(_ text: String, _ ns: Int64) { #expect(RefereeOptions.nanoseconds(text) == ns) }

  @Test(arguments: ["", "1", "-1s", "s", "xus", "1h", "nans", "1e9s"])
  func notDurations(_ text: String) { #expect(RefereeOptions.nanoseconds(text) == nil) }

  @Test func textsBecomeValuesOrSayWhy() throws {
    #expect(try ServiceTime("0") == .none)
    #expect(try ServiceTime("100us") == .fixed(100_000))
    #expect(try ServiceTime("uniform:50us-150us") == .uniform(50_000...150_000))
    #expect(try ServiceTime("exp:1ms") == .exponential(mean: 1e6))
    #expect(try ServiceTime("exp").withMean(5) == .exponential(mean: 5))
    for text in ["", "fast", "uniform:2us-1us", "exp:", "exp:x", "normal:1us"] {
      #expect(throws: LabError.self, "\(text)") { try ServiceTime(text) }
    }
    let stalls = try RefereeOptions.stalls("5s:1s,2s:1ms")
    #expect(stalls == [.init(offset: 2_000_000_000, length: 1_000_000), .init(offset: 5_000_000_000, length: 1_000_000_000)])
    #expect(throws: LabError.self) { try RefereeOptions.stalls("5s") }
    var options = RefereeOptions()
    options.servers = 5_000
    #expect(throws: LabError.self) { try options.validated() }
  }
}

@Suite struct ArrivalSummaryTests {
  private func reading(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  @Test func stampsComeOutOnTheMonotonicClock() {
    var clock = KernelClock()
    let before = reading(CLOCK_MONOTONIC)
    let stamp = reading(CLOCK_REALTIME)
    let user = reading(CLOCK_MONOTONIC)
    let time = clock.monotonic(stamp, user: user)
    #expect(time >= before - clock.uncertainty && time <= user)
    #expect(clock.monotonic(0, user: user) == user && clock.doubtful == 0)
    // A stamp from the future, as after a stepped clock, is not believed.
    #expect(clock.monotonic(stamp + 3_600_000_000_000, user: user) == user && clock.doubtful == 1)
  }

  @Test func distanceOfKnownArrivals() throws {
    // Gaps at the middles of equal slices of the law: the distance is half a slice.
    let n = 1_000
    let exponential = (0..<n).map { Int64(-1e9 * log(1 - (Double($0) + 0.5) / Double(n))) }
    #expect(abs(try #require(ArrivalSummary.distanceFromExponential(exponential)) - 0.0005) < 0.0005)
    // Equal gaps: 1 − F(mean) below, F(mean) above.
    let uniform = [Int64](repeating: 1_000, count: n)
    #expect(abs(try #require(ArrivalSummary.distanceFromExponential(uniform)) - (1 - exp(-1))) < 1e-9)
    #expect(ArrivalSummary.distanceFromExponential([5]) == nil)
  }

  @Test func gapsAreBetweenNeighboursInTime() { #expect(ArrivalSummary.gaps([30, 10, 60]) == [20, 30]) }

  @Test func quantilesByNearestRank() throws {
    let quantiles = try #require(StampQuantiles((1...1_000).map(Int64.init).reversed()))
    #expect(quantiles.p50 == 500 && quantiles.p99 == 990 && quantiles.p999 == 999 && quantiles.max == 1_000 && quantiles.mean == 500.5)
    #expect(StampQuantiles([]) == nil)
  }

  @Test func latenessIsBounded() throws {
    var lateness = Lateness()
    #expect(lateness.bound(0.5) == nil)
    for delay in [Int64](repeating: 700, count: 99) + [50_000] { lateness.add(delay) }
    #expect(lateness.bound(0.5) == 1_024 && lateness.bound(1) == 50_000 && lateness.max == 50_000)
    lateness.add(0)
    lateness.add(-1)
    #expect(lateness.count == 102)
  }

  @Test func ticketsFromBeforeAResetWriteNothing() throws {
    let log = try ArrivalLog(capacity: 2)
    let old = log.add(kernel: 1, user: 2, connection: 0)
    log.reset()
    let new = log.add(kernel: 3, user: 4, connection: 1)
    log.setSent(old, 9)
    #expect(log.column(.sent)[0] == 0)
    log.setSent(new, 5)
    #expect(log.column(.sent)[0] == 5 && log.column(.kernel)[0] == 3 && log.count == 1)
  }
}
