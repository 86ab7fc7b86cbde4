// A blocking socket that sends whatever bytes it is given, right or wrong.

import Glibc

final class RawClient {
  struct Answer {
    var status = 0
    var headers: [String: String] = [:]
    var body: [UInt8] = []
    var text: String { String(decoding: body, as: UTF8.self) }
  }

  private let file: Int32
  private var read: [UInt8] = []

  init(port: Int) {
    file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port).bigEndian)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    // So that a receiver that never answers fails a test instead of hanging it.
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    _ = withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) } }
  }

  deinit { close(file) }

  /// False when the peer has closed.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Bool {
    var sent = 0
    while sent < bytes.count {
      let n = bytes.withUnsafeBytes { Glibc.send(file, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL)) }
      if n <= 0 { return false }
      sent += n
    }
    return true
  }

  @discardableResult
  func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  func finishSending() { shutdown(file, Int32(SHUT_WR)) }

  /// True when the peer closes without a further byte.
  func isClosed() -> Bool { read.isEmpty && !more() }

  private func more() -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let n = recv(file, &chunk, chunk.count, 0)
    if n > 0 { read += chunk[..<n] }
    return n > 0
  }

  /// One answer with Content-Length; nil when the connection ends before.
  func answer() -> Answer? {
    let end = Array("\r\n\r\n".utf8)
    var head: Range<Int>?
    while head == nil {
      head = read.firstRange(of: end)
      if head == nil, !more() { return nil }
    }
    guard let head else { return nil }
    let lines = String(decoding: read[..<head.lowerBound], as: UTF8.self).split(separator: "\r\n").map(String.init)
    var answer = Answer()
    answer.status = Int(lines[0].split(separator: " ")[1]) ?? 0
    for line in lines.dropFirst() {
      let colon = line.firstIndex(of: ":") ?? line.endIndex
      answer.headers[line[..<colon].lowercased()] = String(line[colon...].dropFirst().drop { $0 == " " })
    }
    let length = Int(answer.headers["content-length"] ?? "0") ?? 0
    while read.count < head.upperBound + length { if !more() { return nil } }
    answer.body = Array(read[head.upperBound..<head.upperBound + length])
    read.removeFirst(head.upperBound + length)
    return answer
  }

  func post(_ path: String, _ body: [UInt8], type: String = "application/x-protobuf", _ headers: String...) -> Answer? {
    let head = "POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Type: \(type)\r\nContent-Length: \(body.count)\r\n\(headers.map { $0 + "\r\n" }.joined())\r\n"
    // In one piece: in two, Nagle's algorithm and a delayed acknowledgement take 40 ms.
    send(Array(head.utf8) + body)
    return answer()
  }
}
