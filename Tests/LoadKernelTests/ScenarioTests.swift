// Scenarios against a scripted server: what is on the wire, and what is read from it.

import ExperimentModel
import Testing

@testable import LoadKernel

@Suite(.serialized) struct ScenarioTests {
  private func run(_ profile: LoadProfile, script: @escaping @Sendable (Int, String) -> Behaviour) throws -> (LoadRecord, [String]) {
    let server = ScriptedServer(script: script)
    defer { server.stop() }
    let record = try LoadEngine(profile: profile, target: LoadTarget(server)).run()
    return (record, server.requests)
  }

  private static func body(_ text: String, _ head: String = "") -> Behaviour {
    .answer("HTTP/1.1 200 OK\r\n\(head)Content-Length: \(text.utf8.count)\r\n\r\n\(text)")
  }

  @Test("a journey captures by JSON path, header and regex, and uses the values in path, header and body")
  func journey() throws {
    var login = RequestSpec(name: "login", method: "POST", path: "/login", body: "user={{USER}}")
    login.captures = [
      CaptureSpec(name: "TOKEN", source: .json, expression: "$.data.tokens[1]"),
      CaptureSpec(name: "TRACE", source: .header, expression: "x-trace"),
      CaptureSpec(name: "N", source: .regex, expression: "\"n\": ?([0-9]+)"),
    ]
    login.checks = ["status==200", "header:X-Trace==t-7", "body~tokens"]
    let use = RequestSpec(
      name: "use", method: "POST", path: "/items/{{N}}", headers: ["Authorization": "Bearer {{TOKEN}}"], body: "trace={{TRACE}}&n={{N}}")
    var profile = LoadProfile(executor: .sharedIterations, vus: 1, iterations: 3, requests: [])
    profile.journeys = [JourneySpec(name: "buy", steps: [login, use])]
    profile.data = DataTable(columns: ["USER"], rows: [["ann"], ["bob"]])
    let (record, seen) = try run(profile) { _, text in
      text.hasPrefix("POST /login")
        ? Self.body(#"{"x":[{"tokens":0}],"data":{"tokens":["a","b\u00e9\"c"],"n": 42}}"#, "X-Trace: t-7\r\n") : Self.body("ok")
    }
    #expect(record.completed == 6 && record.failed == 0, "\(record.examples)")
    #expect(seen.count == 6)
    #expect(seen[0].hasSuffix("Content-Length: 8\r\n\r\nuser=ann") && seen[2].hasSuffix("user=bob") && seen[4].hasSuffix("user=ann"))
    #expect(seen[1].hasPrefix("POST /items/42 HTTP/1.1\r\n"))
    #expect(seen[1].contains("Authorization: Bearer bé\"c\r\n"))
    #expect(seen[1].hasSuffix("Content-Length: 14\r\n\r\ntrace=t-7&n=42"))
    #expect(record.named.map(\.name) == ["buy / login", "buy / use"])
    #expect(record.named.allSatisfy { $0.completed == 3 && $0.response.count == 3 })
  }

  @Test("a failed step ends the iteration: later steps are not sent with values that are not there")
  func failedStep() throws {
    var first = RequestSpec(name: "a", method: "GET", path: "/a")
    first.captures = [CaptureSpec(name: "ID", source: .json, expression: "$.id")]
    var profile = LoadProfile(executor: .sharedIterations, vus: 1, iterations: 4, requests: [])
    profile.journeys = [JourneySpec(name: "j", steps: [first, RequestSpec(name: "b", method: "GET", path: "/b/{{ID}}")])]
    let (record, seen) = try run(profile) { index, _ in index % 2 == 0 ? Self.body("{}") : Self.body(#"{"id":1}"#) }
    #expect(seen.filter { $0.hasPrefix("GET /b") }.allSatisfy { $0.hasPrefix("GET /b/1 ") })
    #expect(record.errors["check"] ?? 0 > 0 && record.examples["check"]?.contains("`ID`") == true)
  }

  @Test("weights are met, names have their own tables, checks may allow a 404")
  func weights() throws {
    var missing = RequestSpec(name: "missing", weight: 1, method: "GET", path: "/missing")
    missing.checks = ["status==404"]
    missing.tags = ["kind": "negative"]
    let profile = LoadProfile(
      executor: .sharedIterations, vus: 4, iterations: 2_000,
      requests: [RequestSpec(name: "home", weight: 3, method: "GET", path: "/"), missing])
    let (record, _) = try run(profile) { _, text in
      text.hasPrefix("GET /missing") ? .answer("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n") : Self.body("ok")
    }
    #expect(record.completed == 2_000 && record.failed == 0)
    let share = Double(record.named[1].completed) / 2_000
    #expect(abs(share - 0.25) < 0.04, "\(share)")
    #expect(record.named[1].tags == ["kind": "negative"] && record.statuses[404] == record.named[1].completed)
  }

  @Test("a user keeps cookies, replaces and removes them")
  func cookies() throws {
    var profile = LoadProfile(
      executor: .sharedIterations, vus: 1, iterations: 4, requests: [RequestSpec(name: "g", method: "GET", path: "/")])
    profile.cookies = true
    let (_, seen) = try run(profile) { index, _ in
      switch index {
      case 0: Self.body("ok", "Set-Cookie: sid=1; Path=/\r\nSet-Cookie: lang=de\r\n")
      case 1: Self.body("ok", "set-cookie: sid=22; HttpOnly\r\n")
      case 2: Self.body("ok", "Set-Cookie: lang=x; Max-Age=0\r\n")
      default: Self.body("ok")
      }
    }
    let sent = seen.map { text in text.split(separator: "\r\n").first { $0.hasPrefix("Cookie: ") }.map(String.init) }
    #expect(sent == [nil, "Cookie: sid=1; lang=de", "Cookie: lang=de; sid=22", "Cookie: sid=22"])
  }

  @Test("bytes of a file are a body as they are; a HEAD answer has none")
  func bodies() throws {
    var put = RequestSpec(name: "put", method: "PUT", path: "/f")
    put.bodyBytes = Array("{{not a variable}}".utf8)
    let profile = LoadProfile(
      executor: .sharedIterations, vus: 1, iterations: 6, requests: [put, RequestSpec(name: "h", method: "HEAD", path: "/h")])
    let (record, seen) = try run(profile) { _, text in
      text.hasPrefix("HEAD") ? .answer("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n") : Self.body("ok")
    }
    #expect(record.completed == 6)
    #expect(seen.filter { $0.hasPrefix("PUT") }.allSatisfy { $0.hasSuffix("Content-Length: 18\r\n\r\n{{not a variable}}") })
  }

  @Test("per-user rows stay with their user, random rows come from the table")
  func rows() throws {
    for order in DataTable.Order.allCases {
      var profile = LoadProfile(
        executor: .sharedIterations, vus: 2, iterations: 20, requests: [RequestSpec(name: "g", method: "GET", path: "/{{A}}-{{B}}")])
      profile.data = DataTable(columns: ["A", "B"], rows: [["a", "1"], ["b", "2"], ["c", "3"]], order: order)
      let (_, seen) = try run(profile) { _, _ in Self.body("ok") }
      let paths = seen.map { String($0.dropFirst(5).prefix(3)) }
      #expect(Set(paths).isSubset(of: ["a-1", "b-2", "c-3"]))
      switch order {
      case .sequential: #expect(paths.filter { $0 == "a-1" }.count == 7)
      case .perUser: #expect(!paths.contains("c-3"))
      case .random: #expect(Set(paths).count > 1)
      }
    }
  }

  @Test("what cannot be compiled is refused before the run, with what is legal", arguments: [
    ("unknown-variable", "/{{NOBODY}}", nil as String?), ("bad-check", "/", "time<3"), ("bad-check", "/", "header:X"),
  ])
  func refused(_ id: String, _ path: String, _ check: String?) {
    var request = RequestSpec(name: "g", method: "GET", path: path)
    request.checks = check.map { [$0] }
    let profile = LoadProfile(executor: .sharedIterations, vus: 1, iterations: 1, requests: [request])
    let error = #expect(throws: LoadError.self) { _ = try LoadEngine(profile: profile, target: LoadTarget(host: "127.0.0.1", port: 1)) }
    #expect(error?.id == id && error?.remedy != nil)
  }

  @Test("JSON paths", arguments: [
    ("$.a", #"{"a":1}"#, "1"), ("$.a.b[1].c", #"{"z":{"a":9},"a":{"b":[0,{"c":"x y"}]}}"#, "x y"),
    ("$[2]", "[1, [2,3], {\"k\":[4]} ]", #"{"k":[4]}"#),
    ("$['a b']", #"{"a b" : true}"#, "true"), ("$.a", #"{"b":1}"#, nil), ("$[9]", "[1]", nil), ("$.a", "{\"a\":", nil), ("$.a", "", nil),
    ("$.a", #"{"s":"\"a\":5","a":null}"#, "null"),
  ])
  func paths(_ path: String, _ json: String, _ expected: String?) throws {
    let compiled = try #require(JSONPath(path))
    let bytes = Array(json.utf8)
    let found = bytes.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.flatMap { base in
        compiled.find(base, buffer.count).map { String(decoding: buffer[$0.start..<$0.start + $0.count], as: UTF8.self) }
      }
    }
    #expect(found == expected)
  }

  @Test("paths over 20,000 mutated texts stay inside their bytes")
  func mutatedPaths() throws {
    let path = try #require(JSONPath("$.a.b[1].c"))
    let text = Array(#"{"z":{"a":[9,"\\"]},"a":{"b":[0,{"c":"x y"}]}}"#.utf8)
    var state: UInt64 = 7
    func random() -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    for _ in 0..<20_000 {
      var bytes = text
      for _ in 0..<(1 + random() % 4) { bytes[random() % bytes.count] = UInt8(random() % 128) }
      bytes.removeLast(random() % 20)
      bytes.withUnsafeBufferPointer { buffer in
        if let found = path.find(buffer.baseAddress!, buffer.count) {
          #expect(found.start >= 0 && found.count >= 0 && found.start + found.count <= buffer.count)
        }
      }
    }
  }
}
