import ExperimentModel
import Foundation
import NIOCore

// Is it up, and is it ours? Asked in the component's own protocol: a listening socket is not yet a server that answers,
// and a port that was free a moment ago may be somebody else's by now.

/// What a component says about itself.
enum RealProbe {
  /// Name and version.
  /// - Parameters:
  ///   - pid: of the process that we started.
  ///   - user: the account that we made, for PostgreSQL.
  /// - Throws: why it does not answer, or not yet.
  static func label(_ component: RealComponent, port: Int, pid: Int32, user: String?) throws -> String {
    switch component {
    case .postgres:
      // Nobody else's server has this user.
      let version = try PostgresConnection(port: port, user: user ?? "").version
      return "PostgreSQL \(version.split(separator: " ").first ?? "")"
    case .redis:
      let said = try ask(port, RedisCommand.encode(["INFO", "server"].map { ByteBuffer(string: $0) })) { $0.hasSuffix("\r\n") && $0.contains("redis_version:") }
      let fields = said.split(whereSeparator: \.isNewline).map { $0.split(separator: ":", maxSplits: 1).map(String.init) }
      func field(_ name: String) -> String? { fields.first { $0.count == 2 && $0[0] == name }?[1] }
      guard field("process_id") == "\(pid)" else { throw NotOurs() }
      if let version = field("valkey_version") { return "Valkey \(version)" }
      return "Redis \(field("redis_version") ?? "")"
    case .memcached:
      let said = try ask(port, ByteBuffer(string: "stats\r\n")) { $0.hasSuffix("END\r\n") }
      let fields = said.split(whereSeparator: \.isNewline).map { $0.split(separator: " ").map(String.init) }
      func field(_ name: String) -> String? { fields.first { $0.count == 3 && $0[1] == name }?[2] }
      guard field("pid") == "\(pid)" else { throw NotOurs() }
      return "memcached \(field("version") ?? "")"
    // Started by each lab, with a sign of its own (RealProxy).
    case .nginx, .haproxy: throw NotOurs()
    }
  }

  struct NotOurs: Error, CustomStringConvertible { var description: String { "another process answers on its port" } }

  private static func ask(_ port: Int, _ question: ByteBuffer, until isWhole: (String) -> Bool) throws -> String {
    let socket = try LoopbackSocket(port: port, patience: 5)
    try socket.send(question)
    var answer = ByteBuffer()
    repeat { try socket.receive(into: &answer) } while !isWhole(String(buffer: answer)) && answer.readableBytes < 1 << 16
    return String(buffer: answer)
  }
}
