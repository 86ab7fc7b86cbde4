// A lab system as a child process: started with its resolved spec on stdin, ready when it prints
// its port, ended when this value is stopped or this process dies (the lab watches its stdin).
// Never in this process: its CPU is accounted apart from the generator's.

import ExperimentModel
import Foundation
import Glibc
import MeasureKernel
import TelemetryModel

/// What went wrong with a cell; becomes a warning inside its region, and the other cells go on.
public struct CellFailure: Error, Sendable {
  public var cause: String
  public var remedy: String?
  public init(_ cause: String, remedy: String? = nil) {
    self.cause = cause
    self.remedy = remedy
  }
}

/// How to start nb itself as a lab child.
public struct LabLauncher: Sendable {
  public var executable: String
  public var serveArguments: [String]
  public init(executable: String, serveArguments: [String]) {
    self.executable = executable
    self.serveArguments = serveArguments
  }
}

final class LabProcess {
  let port: Int
  /// Of the control plane, which speaks plain HTTP/1.1 whatever the entry does.
  let controlPort: Int
  private let child: ChildProcess
  private let client: ControlClient

  /// Starts the lab and waits until it listens.
  convenience init(_ system: SystemSpec, launcher: LabLauncher) throws {
    try self.init(try Self.begin(system, launcher))
  }

  /// Starts all of them and then waits: each fills its tables beside the others.
  static func start(_ systems: [SystemSpec], launcher: LabLauncher) throws -> [LabProcess] {
    let children = try systems.map { try begin($0, launcher) }
    return try children.map(LabProcess.init)
  }

  private static func begin(_ system: SystemSpec, _ launcher: LabLauncher) throws -> ChildProcess {
    do {
      let child = try ChildProcess(name: "the lab", argv: [launcher.executable] + launcher.serveArguments)
      try child.send(line: String(decoding: try JSONEncoder().encode(system), as: UTF8.self))
      return child
    } catch { throw failure(error) }
  }

  /// Waits until the lab of this child listens.
  private init(_ child: ChildProcess) throws {
    self.child = child
    do {
      let line = try child.line(timeout: 20)
      let ready = try JSONDecoder().decode(Ready.self, from: Data(line.utf8))
      port = ready.port
      controlPort = ready.controlPort ?? ready.port
    } catch { throw Self.failure(error) }
    client = try ControlClient(port: controlPort)
  }

  private static func failure(_ error: any Error) -> CellFailure {
    let reason = (error as? MeasureError)?.cause ?? "the lab did not say its port"
    return CellFailure("the lab did not come up: \(reason)", remedy: "its own message is on stderr")
  }

  private struct Ready: Decodable { var port: Int; var controlPort: Int? }

  func stop() { child.stop() }
  var isAlive: Bool { child.isAlive }
  var pid: pid_t { child.pid }

  func counters() throws -> [String: Double] {
    let body = try client.request("GET", "/_nb/counters")
    guard let counters = try? JSONDecoder().decode([String: Double].self, from: Data(body)) else {
      throw CellFailure("the lab's counters could not be read")
    }
    return counters
  }

  func resetCounters() throws { _ = try client.request("POST", "/_nb/reset") }
  /// Begins to record service times anew.
  func startTrace() throws { _ = try client.request("POST", "/_nb/trace", body: "{\"on\":true}") }

  /// A role's service times in nanoseconds, in the order in which its workers took the requests.
  func trace(of role: String) throws -> [Int64] {
    let body = try client.request("GET", "/_nb/trace")
    return (try? JSONDecoder().decode([String: [Int64]].self, from: Data(body)))?[role] ?? []
  }

  /// What was recorded and not fetched; many requests of OTLP, because one is bounded.
  func telemetry() throws -> RecordedTelemetry {
    var all = RecordedTelemetry()
    let decoder = OTLPDecoder()
    func each(_ signal: TelemetrySignal, _ body: ([UInt8]) throws -> Void) throws {
      while true {
        let bytes = try client.request("GET", "/_nb/telemetry/\(signal.rawValue)", accept: OTLPFormat.protobuf.contentType)
        guard !bytes.isEmpty else { return }
        do { try body(bytes) } catch let error as OTLPError { throw CellFailure("the lab's \(signal.rawValue) could not be read: \(error)") }
        // What is a number now is one again at once.
        if signal == .metrics { return }
      }
    }
    // First: their time ends when they are read.
    try each(.metrics) { all.metrics.resources += try decoder.metrics($0, as: .protobuf).batch.resources }
    try each(.traces) {
      all.traces.resources += try decoder.traces($0, as: .protobuf).batch.resources
      all.traceBytes += $0.count
    }
    try each(.logs) { all.logs.resources += try decoder.logs($0, as: .protobuf).batch.resources }
    return all
  }

  func clearCaches() throws { _ = try client.request("POST", "/_nb/clear") }

  func inject(_ fault: FaultSpec) throws {
    _ = try client.request("POST", "/_nb/fault", body: faultBody(fault))
  }

  /// Ends every fault that is still active.
  func clearFaults() throws { _ = try client.request("DELETE", "/_nb/fault") }
}

/// One kept-alive control connection to a lab; blocking, loopback only.
final class ControlClient {
  private var descriptor: Int32 = -1
  private let port: Int

  init(port: Int) throws {
    self.port = port
    try connect()
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  private func connect() throws {
    if descriptor >= 0 { close(descriptor) }
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      throw CellFailure(errno == ECONNREFUSED ? "the lab on port \(port) died: nobody listens there" : "the lab on port \(port) does not answer")
    }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  /// The body of a 2xx answer.
  func request(_ method: String, _ path: String, body: String = "", accept: String? = nil) throws -> [UInt8] {
    do {
      return try exchange(method, path, body, accept)
    } catch is CellFailure {
      // The lab may have closed an idle connection: once more on a new one, then it is down.
      try connect()
      return try exchange(method, path, body, accept)
    }
  }

  private func exchange(_ method: String, _ path: String, _ body: String, _ accept: String?) throws -> [UInt8] {
    let wanted = accept.map { "Accept: \($0)\r\n" } ?? ""
    let text =
      "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\(wanted)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    var out = Array(text.utf8)[...]
    while !out.isEmpty {
      let n = out.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard n > 0 else { throw CellFailure("the lab on port \(port) died during the run") }
      out = out.dropFirst(n)
    }
    var received: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      if let answer = try Self.parse(received) { return answer }
      let n = recv(descriptor, &chunk, chunk.count, 0)
      guard n > 0 else { throw CellFailure("the lab on port \(port) died during the run") }
      received += chunk[..<n]
    }
  }

  /// nil while incomplete. The lab always sends Content-Length on its control plane.
  private static func parse(_ bytes: [UInt8]) throws -> [UInt8]? {
    let head = String(decoding: bytes.prefix(16_384), as: UTF8.self)
    guard let end = head.range(of: "\r\n\r\n") else { return nil }
    let lines = head[..<end.lowerBound].components(separatedBy: "\r\n")
    let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    var length = 0
    for line in lines.dropFirst() where line.lowercased().hasPrefix("content-length:") {
      length = Int(line.dropFirst(15).trimmingCharacters(in: .whitespaces)) ?? 0
    }
    let start = head[..<end.upperBound].utf8.count
    guard bytes.count >= start + length else { return nil }
    let body = Array(bytes[start..<start + length])
    guard (200..<300).contains(status) else {
      throw CellFailure("the lab refused a control request: \(status) \(String(decoding: body, as: UTF8.self))")
    }
    return body
  }
}
