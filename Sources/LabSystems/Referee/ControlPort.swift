// The second port of the referee: reset, stop, summary and the stamps, over the smallest HTTP that curl and Python
// accept (one request a connection). Apart from the first port, so that the loop looks at no path there.

import CRefereeShims
import Glibc

/// What a control request gets.
struct ControlAnswer {
  var status = "200 OK"
  var type = "application/json"
  var text: [UInt8] = []
  /// Sent after `text` straight from the log.
  var stamps = UnsafeBufferPointer<Int64>(start: nil, count: 0)
  var ends = false
}

final class ControlPort {
  private struct Client {
    var input: [UInt8] = []
    var output: [UInt8]?
    var stamps = UnsafeRawBufferPointer(start: nil, count: 0)
    var sent = 0
    var ends = false
  }

  private static let inputMax = 16 << 10

  let port: Int
  private let listener: Int32
  private let epoll: Int32
  private var clients: [Int32: Client] = [:]

  init(port: Int, epoll: Int32) throws(LabError) {
    listener = try opened(ref_listen_tcp(UInt16(port), 1, 0), "control port 127.0.0.1:\(port)")
    self.port = Int(ref_port(listener))
    self.epoll = epoll
    _ = try opened(ref_epoll_add(epoll, listener, EPOLLIN.rawValue, Tag.control | UInt64(listener)), "control port")
  }

  func closeAll() {
    for descriptor in clients.keys { ref_close(descriptor) }
    clients = [:]
    ref_close(listener)
  }

  /// One event of this port; true when the referee is to end.
  func handle(_ data: UInt64, answer: (String) -> ControlAnswer) -> Bool {
    let descriptor = Int32(data & 0xFFFF_FFFF)
    if descriptor == listener {
      let accepted = ref_accept(listener)
      if accepted >= 0 {
        clients[accepted] = Client()
        _ = ref_epoll_add(epoll, accepted, EPOLLIN.rawValue, Tag.control | UInt64(accepted))
      }
      return false
    }
    guard var client = clients[descriptor] else { return false }
    if client.output == nil {
      guard read(descriptor, &client) else { return close(descriptor, client) }
      if let path = Self.path(client.input) {
        take(answer(path), &client)
        _ = ref_epoll_change(epoll, descriptor, EPOLLOUT.rawValue, Tag.control | UInt64(descriptor))
      }
    }
    let goesOn = write(descriptor, &client)
    clients[descriptor] = client
    return goesOn ? false : close(descriptor, client)
  }

  private func close(_ descriptor: Int32, _ client: Client) -> Bool {
    clients[descriptor] = nil
    ref_close_cleanly(descriptor)
    return client.ends
  }

  /// False when the client is gone or sends too much.
  private func read(_ descriptor: Int32, _ client: inout Client) -> Bool {
    var (chunk, stamp) = ([UInt8](repeating: 0, count: 4_096), Int64(0))
    let count = ref_receive(descriptor, &chunk, chunk.count, &stamp)
    if count == -Int(EAGAIN) { return true }
    if count <= 0 || client.input.count + count > Self.inputMax { return false }
    client.input += chunk[..<count]
    return true
  }

  /// The path of a whole request head, without its query; "" for what is no request; nil when more is to come.
  static func path(_ input: [UInt8]) -> String? {
    switch input.withUnsafeBytes({ RequestParser.parse($0) }) {
    case .incomplete: nil
    case .invalid: ""
    case .head(let head): String(decoding: input[head.path], as: UTF8.self)
    }
  }

  private func take(_ answer: ControlAnswer, _ client: inout Client) {
    client.stamps = UnsafeRawBufferPointer(answer.stamps)
    client.ends = answer.ends
    let head =
      "HTTP/1.1 \(answer.status)\r\nConnection: close\r\nContent-Type: \(answer.type)\r\n"
      + "Content-Length: \(answer.text.count + client.stamps.count)\r\n\r\n"
    client.output = Array(head.utf8) + answer.text
  }

  /// As much as the client takes now; false when all is out or the client is gone.
  private func write(_ descriptor: Int32, _ client: inout Client) -> Bool {
    guard let output = client.output else { return true }
    let total = output.count + client.stamps.count
    while client.sent < total {
      let result = client.sent < output.count
        ? output.withUnsafeBytes { ref_send(descriptor, $0.baseAddress! + client.sent, output.count - client.sent) }
        : ref_send(descriptor, client.stamps.baseAddress! + (client.sent - output.count), total - client.sent)
      if result < 0 { return result == -Int(EAGAIN) }
      client.sent += result
    }
    return false
  }
}

extension RefereeLoop {
  /// `/_referee/reset`, `stop`, `summary`, and the columns as little-endian Int64: `arrivals` (kernel stamps), `user`,
  /// `sent`, `connections`.
  func answerControl(_ path: String) -> ControlAnswer {
    func stamps(_ column: ArrivalLog.Column) -> ControlAnswer {
      ControlAnswer(type: "application/octet-stream", stamps: log.column(column))
    }
    switch path {
    case "/_referee/reset":
      reset()
      return ControlAnswer(text: Array("{}\n".utf8))
    case "/_referee/stop": return ControlAnswer(text: Array("{}\n".utf8), ends: true)
    case "/_referee/summary": return ControlAnswer(text: Array(summary.json) + [10])
    case "/_referee/arrivals": return stamps(.kernel)
    case "/_referee/user": return stamps(.user)
    case "/_referee/sent": return stamps(.sent)
    case "/_referee/connections": return stamps(.connection)
    default:
      let known = "reset, stop, summary, arrivals, user, sent, connections, all below /_referee/\n"
      return ControlAnswer(status: "404 Not Found", type: "text/plain", text: Array(known.utf8))
    }
  }
}
