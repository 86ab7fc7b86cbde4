// The same profile through both engines over plain HTTP/1.1: one set of rules must send the same requests and count the same.

#if canImport(NIOSSL) && canImport(NIOHTTP2)
  import ExperimentModel
  import Foundation
  import Testing

  @testable import LoadKernel

  private struct Shared: CustomTestStringConvertible {
    var name: String
    var profile: LoadProfile
    var maxRate: Double?
    var testDescription: String { name }
  }

  private func get(_ path: String, weight: Double = 1) -> RequestSpec {
    var request = RequestSpec(name: path, method: "GET", path: path)
    request.weight = weight
    return request
  }
  private func iterations(_ n: Int, users: Int, _ requests: [RequestSpec]) -> LoadProfile {
    LoadProfile(executor: .sharedIterations, vus: users, iterations: n, requests: requests, timeout: Nanoseconds(seconds: 0.15), seed: 3)
  }
  private func arrivals(_ rate: Double, _ requests: [RequestSpec]) -> LoadProfile {
    LoadProfile(
      executor: .constantArrivalRate, rate: rate, duration: Nanoseconds(seconds: 0.4), connections: 16, requests: requests,
      timeout: Nanoseconds(seconds: 5), seed: 4)
  }
  private func changed(_ profile: LoadProfile, _ change: (inout LoadProfile) -> Void) -> LoadProfile {
    var profile = profile
    change(&profile)
    return profile
  }

  private let bought: JourneySpec = {
    var login = RequestSpec(name: "login", method: "POST", path: "/login", body: "user={{USER}}")
    login.captures = [CaptureSpec(name: "ID", source: .json, expression: "$.id")]
    var use = get("/use/{{ID}}")
    use.checks = ["status==200", "body~ok"]
    return JourneySpec(name: "j", steps: [login, use])
  }()

  private let scenarios: [Shared] = [
    Shared(name: "iterations of weighted requests, one of them with keys", profile: iterations(400, users: 7, [
      get("/a", weight: 3), get("/status/404"),
      RequestSpec(name: "k", method: "GET", path: "/k/{id}", key: .uniform(n: 50)),
    ])),
    Shared(name: "iterations per user, with pauses of the user's own", profile: changed(iterations(9, users: 6, [get("/a")])) {
      $0.iterationsPerUser = true
      $0.think = .uniform(low: .zero, high: Nanoseconds(3_000_000))
    }),
    Shared(name: "a plan by Poisson", profile: arrivals(800, [get("/a"), get("/status/500")])),
    Shared(name: "sessions", profile: changed(arrivals(150, [get("/a")])) {
      $0.sessionLength = 4
      $0.think = .constant(Nanoseconds(1_000_000))
    }),
    Shared(name: "bursts above the connections", profile: changed(arrivals(1, [get("/a")])) {
      $0.burst = BurstSpec(size: 60, every: Nanoseconds(seconds: 0.1))
    }),
    Shared(name: "journeys with data, captures, checks and a step that fails", profile: changed(arrivals(300, [])) {
      $0.journeys = [bought, JourneySpec(name: "broken", steps: [get("/status/503"), get("/never")])]
      $0.data = DataTable(columns: ["USER"], rows: [["ann"], ["bob"], ["cleo"]])
    }),
    // In an open plan it is chance whose slot an arrival gets, and so which cookies it has.
    Shared(name: "journeys of users with cookies", profile: changed(iterations(5, users: 4, [])) {
      $0.iterationsPerUser = true
      $0.journeys = [bought]
      $0.data = DataTable(columns: ["USER"], rows: [["ann"], ["bob"], ["cleo"]], order: .perUser)
      $0.cookies = true
    }),
    Shared(name: "no answer in time", profile: iterations(12, users: 3, [get("/silent")])),
    Shared(name: "answers that are none, and connections that end", profile: iterations(90, users: 3, [get("/garbage"), get("/close"), get("/a")])),
    Shared(name: "a new connection for each request", profile: iterations(60, users: 3, [get("/last")])),
    Shared(name: "users under a cap", profile: iterations(80, users: 8, [get("/a")]), maxRate: 400),
  ]

  @Suite(.serialized) struct TwoEnginesTests {
    private static func behaviour(_ text: String) -> Behaviour {
      func answer(_ body: String, _ status: String = "200 OK", _ head: String = "") -> String {
        "HTTP/1.1 \(status)\r\n\(head)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
      }
      let path = text.split(separator: " ").dropFirst().first.map(String.init) ?? ""
      if path.hasPrefix("/status/") { return .answer(answer("no", "\(path.dropFirst(8)) X")) }
      return switch path {
      case "/silent": .silence
      case "/garbage": .answer("nonsense\r\n")
      case "/close": .close
      case "/last": .answerAndClose(answer("ok", "200 OK", "Connection: close\r\n"))
      case "/login": .answer(answer(#"{"id": 7}"#, "200 OK", "Set-Cookie: s=1\r\n"))
      default: .answer(answer("ok", "200 OK", "X-Cache: MISS\r\n"))
      }
    }

    /// Counts that must be the same, in words. Not how much of a plan had begun at its end, which a busy machine decides.
    private func counts(_ record: LoadRecord) -> [String] {
      [
        "sent \(record.sent)", "completed \(record.completed)", "failed \(record.failed)", "errors \(record.errors.sorted { $0.key < $1.key })",
        "statuses \(record.statuses.sorted { $0.key < $1.key })", "planned \(record.planned)",
        "unsent \(record.unsent)", "misses \(record.misses)", "in \(record.bytesIn)", "out \(record.bytesOut)",
        "rows \(record.raw?.rows.count ?? -1)",
      ] + record.named.map { "\($0.name) \($0.completed) \($0.failed)" }
    }

    private func target(_ port: Int) -> LoadTarget { LoadTarget(host: "127.0.0.1", port: port) }

    @Test("both engines send the same requests and count the same", arguments: scenarios)
    fileprivate func same(_ shared: Shared) throws {
      var options = LoadOptions()
      options.maxRate = shared.maxRate
      options.rawRows = 2_000
      let first = ScriptedServer { _, text in Self.behaviour(text) }
      let second = ScriptedServer { _, text in Self.behaviour(text) }
      defer { first.stop(); second.stop() }
      // The port is in the Host header, so its digits must not decide.
      var (a, b) = (target(first.port), target(second.port))
      (a.authority, b.authority) = ("server", "server")
      let epoll = try LoadEngine(profile: shared.profile, target: a).run(options)
      let nio = try NIOLoadEngine(profile: shared.profile, target: b).run(options)
      #expect(counts(epoll) == counts(nio), "\(epoll.examples) \(nio.examples)")
      #expect(first.requests.sorted() == second.requests.sorted())
      #expect(epoll.completed + epoll.failed == epoll.raw?.rows.count)
      if epoll.plannedRate != nil, shared.profile.sessionLength == nil, shared.profile.journeys == nil {
        #expect(epoll.raw?.rows.map(\.intended) == nio.raw?.rows.map(\.intended))
      }
    }

    @Test("both engines give up a target that is down in the same way")
    func down() throws {
      var options = LoadOptions()
      options.requiresConnection = false
      options.rawRows = 2_000
      for profile in [arrivals(500, [get("/a")]), iterations(6, users: 3, [get("/a")])] {
        let epoll = try LoadEngine(profile: profile, target: target(1)).run(options)
        let nio = try NIOLoadEngine(profile: profile, target: target(1)).run(options)
        #expect(counts(epoll) == counts(nio) && epoll.errors["refused"] == epoll.failed && epoll.failed > 0)
        #expect(epoll.verdict == .invalid && nio.verdict == .invalid)
      }
    }
  }
#endif
