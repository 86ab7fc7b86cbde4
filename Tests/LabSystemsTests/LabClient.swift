import Foundation
import Testing

/// A blocking client of one connection, as small as it can be.
final class LabClient {
  struct Reply: Equatable { var status: Int; var headers: [String: String]; var body: String }
  struct Refused: Error {}
  /// The lab closed or reset the connection, or said nothing for ten seconds.
  struct Closed: Error {}
  private let fd: Int32
  private var pending: [UInt8] = []

  init(port: Int) throws {
    #if canImport(Glibc)
      fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    #else
      fd = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard code == 0 else { throw Refused() }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(fd) }

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(write(fd, bytes, bytes.count) == bytes.count)
  }

  func request(_ method: String, _ path: String, headers: String = "", body: String = "") throws -> Reply {
    send("\(method) \(path) HTTP/1.1\r\nHost: lab\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    return try receive(hasBody: method != "HEAD")
  }

  func receive(hasBody: Bool = true) throws -> Reply {
    var head: [UInt8]?
    while true {
      if head == nil, let end = pending.firstRange(of: Array("\r\n\r\n".utf8)) {
        head = Array(pending[..<end.lowerBound])
        pending.removeSubrange(..<end.upperBound)
      }
      if let head {
        let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
          let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
          headers[parts[0]] = parts[1]
        }
        let length = hasBody ? Int(headers["Content-Length"] ?? "0")! : 0
        if pending.count >= length {
          let body = String(decoding: pending[..<length], as: UTF8.self)
          pending.removeSubrange(..<length)
          return Reply(status: Int(lines[0].split(separator: " ")[1])!, headers: headers, body: body)
        }
      }
      var scratch = [UInt8](repeating: 0, count: 65_536)
      let count = read(fd, &scratch, scratch.count)
      guard count > 0 else { throw Closed() }
      pending += scratch[..<count]
    }
  }

  var isClosedByPeer: Bool {
    var byte: UInt8 = 0
    return read(fd, &byte, 1) == 0
  }

  /// A reset, not an end of the stream.
  var endsWithReset: Bool {
    var byte: UInt8 = 0
    return read(fd, &byte, 1) < 0 && errno == ECONNRESET
  }

  /// What came after `text` was sent, read by read with its time in nanoseconds, until the other end closed or reset; or until `most` bytes.
  func reads(after text: String, most: Int = .max) -> (sizes: [Int], times: [Int64], isReset: Bool) {
    var (sizes, times): ([Int], [Int64]) = ([], [])
    func now() -> Int64 {
      var time = timespec()
      clock_gettime(CLOCK_MONOTONIC, &time)
      return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
    let start = now()
    send(text)
    var scratch = [UInt8](repeating: 0, count: 1 << 20)
    while sizes.reduce(0, +) < most {
      let count = read(fd, &scratch, scratch.count)
      guard count > 0 else { return (sizes, times + [now() - start], count < 0 && errno == ECONNRESET) }
      sizes.append(count)
      times.append(now() - start)
    }
    return (sizes, times, false)
  }

  func counters() throws -> [String: Int] {
    try JSONDecoder().decode([String: Int].self, from: Data(request("GET", "/_nb/counters").body.utf8))
  }
}
