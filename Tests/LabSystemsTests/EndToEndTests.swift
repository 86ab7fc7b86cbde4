import ExperimentModel
import Foundation
import Testing

@testable import LabSystems

@Suite struct EndToEndTests {
  private func counters(_ client: LabClient) throws -> [String: Int] {
    try JSONDecoder().decode([String: Int].self, from: Data(client.request("GET", "/_nb/counters").body.utf8))
  }

  @Test func aShopOverARealSocket() throws {
    var system = Sample.shop(
      CacheSpec(key: "{id}", capacity: 10, invalidateOn: "PUT /product/{id}"), wait: 1)
    system.roles[0].routes.append(
      RouteSpec(
        method: "GET", path: "/static",
        stages: [StageSpec(name: "static", work: .bytes(BytesSpec(size: 2_000, etag: true)))]))
    let server = try LabServer(system, port: 0, pid: getpid())
    defer { server.stop() }
    let client = try LabClient(port: server.ready.port)

    let miss = try client.request("GET", "/product/7?from=mail")
    let hit = try client.request("GET", "/product/7")
    #expect(miss.status == 200 && hit.status == 200)
    #expect(miss.headers["X-Cache"] == "MISS" && hit.headers["X-Cache"] == "HIT")
    #expect(miss.body == hit.body && miss.headers["Content-Type"] == "application/json")
    let head = try client.request("HEAD", "/product/7")
    #expect(head.body.isEmpty && head.headers["Content-Length"] == "\(hit.body.utf8.count)")
    #expect(try client.request("PUT", "/product/7", body: "ignored").body == "{\"changed\":1}")
    #expect(try client.request("GET", "/product/7").body.contains("\"version\":2"))
    #expect(try client.request("GET", "/product/101").status == 404)
    #expect(try client.request("GET", "/nowhere").status == 404)
    let wrong = try client.request("DELETE", "/product/7")
    #expect(wrong.status == 405 && wrong.headers["Allow"] == "GET, PUT, HEAD")

    let page = try client.request("GET", "/static")
    let etag = try #require(page.headers["ETag"])
    #expect(page.body.utf8.count == 2_000)
    for (wanted, status) in [(etag, 304), ("\"other\", W/\(etag)", 304), ("*", 304), ("\"other\"", 200)] {
      #expect(try client.request("GET", "/static", headers: "If-None-Match: \(wanted)\r\n").status == status)
    }

    let before = try counters(client)
    #expect(before["product-cache.hits"] == 2)
    #expect(before["product-cache.loads"] == 3)
    #expect(before["product-cache.invalidations"] == 1)
    #expect(before["origin.requests"] == 11)
    #expect(before["primary.waited_ns"]! >= before["primary.declared_ns"]!)
    #expect(before["process.cpu_ns"]! > 0)

    #expect(try client.request("POST", "/_nb/reset").status == 200)
    let after = try counters(client)
    #expect(after["product-cache.hits"] == 0 && after["origin.requests"] == 0 && after["product-cache.entries"] == 1)
    #expect(try client.request("POST", "/_nb/clear").status == 200)
    #expect(try counters(client)["product-cache.entries"] == 0)
    #expect(try JSONDecoder().decode(SystemSpec.self, from: Data(client.request("GET", "/_nb/system").body.utf8)) == system)
  }

  @Test func faultsAndSwitches() throws {
    let system = Sample.shop(CacheSpec(key: "{id}", capacity: 10), wait: 1)
    let server = try LabServer(system, port: 0, pid: getpid())
    defer { server.stop() }
    let client = try LabClient(port: server.ready.port)
    let control = try LabClient(port: server.ready.port)
    _ = try client.request("GET", "/product/1")
    #expect(try control.request("POST", "/_nb/fault", body: #"{"target":"product-cache","toxic":"expire"}"#).status == 200)
    #expect(try client.request("GET", "/product/1").headers["X-Cache"] == "MISS")
    #expect(try counters(control)["product-cache.expired"] == 1)

    #expect(
      try control.request("POST", "/_nb/fault", body: #"{"target":"origin","toxic":"stall","duration":50000000}"#).status == 200)
    client.send("GET /product/1 HTTP/1.1\r\n\r\n")
    #expect(try client.receive().status == 200)
    let waited = try counters(control)["origin.queue_wait_ns"]!
    #expect(waited > 0 && waited <= 10_000_000_000)

    #expect(try control.request("POST", "/_nb/stage", body: #"{"stage":"primary","off":true}"#).status == 200)
    let calls = try counters(control)["primary.calls"]
    #expect(try client.request("GET", "/product/2").status == 200)
    #expect(try counters(control)["primary.calls"] == calls)

    for (path, body) in [
      ("fault", #"{"target":"nothing","toxic":"expire"}"#), ("fault", "{}"), ("stage", #"{"stage":"x","off":true}"#),
      ("fault", #"{"target":"origin","toxic":"latency"}"#), ("fault", #"{"target":"origin","toxic":"latncy"}"#),
    ] {
      let reply = try control.request("POST", "/_nb/\(path)", body: body)
      #expect(reply.status == 400 && reply.body.contains("remedy"))
    }
    #expect(try control.request("GET", "/_nb/else").status == 404)
  }

  @Test func pipelinedAndCutRequestsAreAnsweredInOrder() throws {
    let server = try LabServer(Sample.shop(CacheSpec(key: "{id}", capacity: 10), wait: 1), port: 0, pid: 1)
    defer { server.stop() }
    let client = try LabClient(port: server.ready.port)
    let requests = (1...5).map { "GET /product/\($0) HTTP/1.1\r\nHost: lab\r\n\r\n" }.joined()
    for byte in requests { client.send(String(byte)) }
    client.send(requests)
    let bodies = try (0..<10).map { _ in try client.receive().body }
    for (i, body) in bodies.enumerated() { #expect(body.hasPrefix("{\"id\":\(i % 5 + 1),")) }
    client.send("PUT /product/1 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    #expect(try client.receive().status == 100)
    client.send("ab")
    #expect(try client.receive().status == 200)
    client.send("GET /product/1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    #expect(try client.receive().status == 411)
    #expect(client.isClosedByPeer)
  }

  @Test func largeBodiesArriveWhole() throws {
    let system = Sample.system(
      rows: 0,
      routes: [
        RouteSpec(
          method: "GET", path: "/big",
          stages: [StageSpec(name: "big", work: .bytes(BytesSpec(size: 3_000_000, etag: false)))])
      ])
    let server = try LabServer(system, port: 0, pid: 1)
    defer { server.stop() }
    let client = try LabClient(port: server.ready.port)
    client.send(String(repeating: "GET /big HTTP/1.1\r\n\r\n", count: 3))
    let bodies = try (0..<3).map { _ in try client.receive().body }
    #expect(bodies[0].utf8.count == 3_000_000 && Set(bodies).count == 1)
  }

  /// More than the kernel takes at once from a client that does not read yet: the end of the connection waits for the rest.
  @Test(arguments: [nil, #"{"target":"origin","toxic":"latency","latency":1000000}"#, #"{"target":"origin","toxic":"limit_data","bytes":20000000}"#])
  func theLastAnswerOfAConnectionArrivesWhole(fault: String?) throws {
    let size = 24_000_000
    let spaces = BytesSpec(size: size, etag: false, document: BytesSpec.Document(type: .text, text: "x"))
    let big = StageSpec(name: "big", work: .bytes(spaces))
    let server = try LabServer(Sample.system(rows: 0, routes: [RouteSpec(method: "GET", path: "/big", stages: [big])]), port: 0, pid: 1)
    defer { server.stop() }
    if let fault { #expect(try LabClient(port: server.ready.port).request("POST", "/_nb/fault", body: fault).status == 200) }
    let client = try LabClient(port: server.ready.port)
    client.send("GET /big HTTP/1.1\r\nConnection: close\r\n\r\n")
    usleep(100_000)
    let seen = client.reads(after: "").sizes.reduce(0, +)
    if fault?.contains("limit_data") == true { #expect(seen == 20_000_000) } else { #expect(seen > size) }
  }

  @Test func secondLevelOverItsSocket() throws {
    let spec = CacheSpec(key: "{id}", capacity: 1, l2: "lab", invalidateOn: "PUT /product/{id}")
    let server = try LabServer(Sample.shop(spec), port: 0, pid: 1)
    defer { server.stop() }
    #expect(server.ready.l2Port != nil)
    let client = try LabClient(port: server.ready.port)
    for id in [1, 2, 1, 1] { #expect(try client.request("GET", "/product/\(id)").status == 200) }
    var seen = try counters(client)
    #expect(seen["product-cache.loads"] == 2)
    #expect(seen["product-cache.hits"] == 2)
    #expect(seen["product-cache.l2_hits"] == 1)
    // The write is answered only after both levels have dropped the key.
    #expect(try client.request("PUT", "/product/1").status == 200)
    #expect(try client.request("GET", "/product/1").body.contains("\"version\":2"))
    #expect(try client.request("POST", "/_nb/clear").status == 200)
    #expect(try client.request("GET", "/product/2").headers["X-Cache"] == "MISS")
    seen = try counters(client)
    #expect(seen["product-cache.loads"] == 4)
    #expect(seen["product-cache.stale_hits"] == 0)
    #expect(seen["product-cache.l2_errors"] == 0)
  }

  @Test func aSilentSecondLevelIsAMissAndNotAHang() throws {
    // A listener that never accepts: the kernel completes the handshake, nobody answers.
    #if canImport(Glibc)
      let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let fd = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    defer { close(fd) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        #expect(bind(fd, $0, length) == 0 && listen(fd, 8) == 0 && getsockname(fd, $0, &length) == 0)
      }
    }
    let l2 = "127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
    let server = try LabServer(Sample.shop(CacheSpec(key: "{id}", capacity: 1, l2: l2)), port: 0, pid: 1)
    defer { server.stop() }
    let client = try LabClient(port: server.ready.port)
    for id in 1...3 { #expect(try client.request("GET", "/product/\(id)").status == 200) }
    let seen = try counters(client)
    #expect(seen["product-cache.loads"] == 3)
    #expect(seen["product-cache.l2_errors"]! >= 3)
  }

  @Test func scansOnThreadsAndPointWritesTogether() throws {
    let system = Sample.system(
      rows: 2_000,
      routes: [
        RouteSpec(method: "PUT", path: "/all", stages: [Sample.sql("UPDATE product SET price = price + 1", pool: 2)]),
        RouteSpec(method: "PUT", path: "/product/{id}", stages: [Sample.sql(Sample.update, pool: 2)]),
        RouteSpec(method: "GET", path: "/sum", stages: [Sample.sql("SELECT sum(version) AS s FROM product", pool: 2)]),
      ])
    let server = try LabServer(system, port: 0, pid: 1)
    defer { server.stop() }
    let slow = try (0..<4).map { _ in try LabClient(port: server.ready.port) }
    let fast = try LabClient(port: server.ready.port)
    for _ in 0..<10 {
      for client in slow { client.send("PUT /all HTTP/1.1\r\n\r\n") }
      #expect(try fast.request("PUT", "/product/1").status == 200)
      for client in slow { #expect(try client.receive().body == "{\"changed\":2000}") }
    }
    #expect(try fast.request("GET", "/sum").body == "[{\"s\":2010}]")
    #expect(try counters(fast)["db.errors"] == 0)
  }

  @Test func aTakenPortIsToldWithItsRemedy() throws {
    let system = Sample.shop(CacheSpec(key: "{id}", capacity: 1))
    let server = try LabServer(system, port: 0, pid: 1)
    defer { server.stop() }
    let port = server.ready.port
    #expect {
      let second = try LabServer(system, port: port, pid: 1)
      second.stop()
    } throws: { error in
      let error = error as? LabError
      return error?.place == "127.0.0.1:\(port)" && error?.cause.contains("in use") == true
        && error?.remedy.contains("port 0") == true
    }
  }

  @Test func onlyLoopbackIsContacted() {
    for address in ["10.0.0.1:11211", "example.com:11211", "127.0.0.1", "127.0.0.1:1"] {
      #expect(throws: LabError.self) {
        try LabServer(Sample.shop(CacheSpec(key: "{id}", capacity: 1, l2: address)), port: 0, pid: 1).stop()
      }
    }
  }
}
