import ExperimentModel
import Foundation
import StrictYAML
import Testing
import TextModel

@testable import LabSystems
@testable import PerfLanguage

@Suite("Random systems")
struct RandomSystemTests {
  private enum Outcome: Hashable { case refused, accepted, served, notServed(String) }

  /// A lab is started for one accepted system in thirty, for all of them (a quarter of an hour) with `NB_ALL_SYSTEMS=1`.
  private static let servedEach = ProcessInfo.processInfo.environment["NB_ALL_SYSTEMS"] == nil ? 30 : 1

  @Test("10,000 random systems with overrides are served, or refused with place, cause and remedy", arguments: 0..<4)
  func accepted(part: Int) throws {
    var count: [Outcome: Int] = [:]
    for seed in 1...2_500 {
      let outcome = try tryOne(UInt64(part * 2_500 + seed))
      count[outcome, default: 0] += 1
    }
    // Each way is met often enough to mean something, and whatever the language lets pass can be served.
    #expect(count[.served, default: 0] > 9 && count[.refused, default: 0] > 300, "\(count)")
    #expect(count.keys.count <= 3, "only the lab found out: \(count)")
  }

  private func tryOne(_ seed: UInt64) throws -> Outcome {
    var random = Draw(seed: seed)
    let drawn = RandomSystem(&random)
    let place: Comment = "seed \(seed): \(drawn.text) \(drawn.overrides)"
    let source = SourceText(path: "drawn.yml", text: drawn.text)
    var diagnostics = Diagnostics()
    let node = try #require(YAMLNode(parsing: source, diagnostics: &diagnostics), place)
    let findings = Findings()
    var draft = SystemReader(findings: findings).read(node, id: "drawn", base: nil)
    draft.apply(typed: drawn.overrides, findings)
    let spec = SystemResolver(statements: [:], findings: findings).resolve(draft, seed: seed)
    for one in findings.diagnostics.ordered where one.severity == .error {
      #expect(!one.cause.isEmpty && one.remedy?.isEmpty == false, place)
    }
    guard !findings.diagnostics.hasErrors else { return .refused }
    let system = try #require(spec, place)
    // As the lab gets it.
    let read = try JSONDecoder().decode(SystemSpec.self, from: JSONEncoder().encode(system))
    #expect(read == system, place)
    guard seed % UInt64(Self.servedEach) == 0 else { return .accepted }
    let server: LabServer
    do { server = try LabServer(read, port: 0, pid: getpid()) } catch let error as LabError {
      #expect(!error.cause.isEmpty && !error.remedy.isEmpty, place)
      // Whether a statement is SQL only the database can say.
      return error.cause.hasPrefix("SQLite does not accept") ? .refused : .notServed(error.cause)
    }
    defer { server.stop() }
    let client = try Client(port: server.ready.controlPort ?? server.ready.port)
    for route in read.roles.flatMap(\.routes).prefix(4) where ["GET", "POST", "PUT"].contains(route.method) {
      let status = try client.status(of: route.method, route.path.replacing("{id}", with: "7"))
      #expect(status.map { (200..<600).contains($0) } ?? true, place)
    }
    return .served
  }
}

/// Sends a request and reads what comes within a second: answers may be slow here (timeouts are drawn too), but never malformed.
private final class Client {
  private let port: Int
  init(port: Int) throws { self.port = port }

  /// - Returns: the status; nil: no answer within a second.
  func status(of method: String, _ path: String) throws -> Int? {
    #if canImport(Glibc)
      let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      let fd = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    defer { close(fd) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    try #require(code == 0)
    var limit = timeval(tv_sec: 1, tv_usec: 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let request = Array("\(method) \(path) HTTP/1.1\r\nHost: lab\r\nContent-Length: 0\r\n\r\n".utf8)
    #expect(write(fd, request, request.count) == request.count)
    var answer = [UInt8](repeating: 0, count: 4_096)
    let count = read(fd, &answer, answer.count)
    guard count > 12 else { return nil }
    let words = String(decoding: answer[..<count], as: UTF8.self).split(separator: " ", maxSplits: 2)
    #expect(words.first == "HTTP/1.1")
    return Int(words[1])
  }
}
