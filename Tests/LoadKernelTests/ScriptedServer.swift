// A server on a thread of its own, for faults: one epoll loop over loopback or a Unix socket that does to each
// connection what the test says. Counts connections and requests.

import CKernelShims
import Foundation

@testable import LoadKernel

/// What the server does with a request, in order of its number on the whole server.
enum Behaviour: Sendable {
  case answer(String)
  /// Sends this and closes.
  case answerAndClose(String)
  /// Says nothing, ever.
  case silence
  /// Closes at once with a reset.
  case reset
  /// Closes at once in an orderly way.
  case close
  /// Sends the text in pieces of so many bytes, one a millisecond.
  case slowly(String, Int)
}

final class ScriptedServer: @unchecked Sendable {
  static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Cache: HIT\r\n\r\nok"
  let port: Int
  private let listener: Int32
  private let lock = NSLock()
  private var served = 0
  private var accepted = 0
  private var seen: [String] = []
  private var stopping = false
  private let done = DispatchSemaphore(value: 0)
  private let script: @Sendable (Int, String) -> Behaviour
  private let stall: (from: Int64, length: Int64)?
  private let accepts: Bool

  /// - Parameters:
  ///   - accepts: false leaves every connection in the listener's queue.
  ///   - script: the behaviour for the i-th request (from 0) and its text.
  init(
    unix path: String? = nil, backlog: Int32 = 4_096, accepts: Bool = true, stall: (from: Double, length: Double)? = nil,
    script: @escaping @Sendable (Int, String) -> Behaviour = { _, _ in .answer(ScriptedServer.ok) }
  ) {
    self.script = script
    self.accepts = accepts
    var address = nb_address()
    if let path {
      unlink(path)
      _ = nb_unix_address(path, &address)
    } else {
      _ = nb_resolve("127.0.0.1", 0, 1, &address, 1)
    }
    listener = socket(Int32(address.storage.ss_family), Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let listener = listener
    var length = address.length
    withUnsafeMutablePointer(to: &address.storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(listener, $0, length)
        _ = listen(listener, backlog)
        _ = getsockname(listener, $0, &length)
      }
    }
    var bytes = address.storage
    port = path != nil ? 0 : withUnsafePointer(to: &bytes) {
      $0.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { Int(in_port_t(bigEndian: $0.pointee.sin_port)) }
    }
    self.stall = stall.map { (from: nb_now() + Int64($0.from * 1e9), length: Int64($0.length * 1e9)) }
    let thread = Thread { [self] in loop(); done.signal() }
    thread.start()
  }

  var count: Int { lock.withLock { served } }
  var connections: Int { lock.withLock { accepted } }
  var requests: [String] { lock.withLock { seen } }

  func stop() {
    lock.withLock { stopping = true }
    done.wait()
  }

  private func loop() {
    let epoll = nb_epoll_create()
    if accepts { _ = nb_epoll_set(epoll, EPOLL_CTL_ADD, listener, EPOLLIN.rawValue, UInt64(listener)) }
    var events = [epoll_event](repeating: epoll_event(), count: 64)
    var open: Set<Int32> = []
    var slow: [(descriptor: Int32, rest: [UInt8], piece: Int)] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while !lock.withLock({ stopping }) {
      let n = nb_epoll_wait(epoll, &events, 64, slow.isEmpty ? 10_000_000 : 1_000_000)
      if let stall, nb_now() >= stall.from, nb_now() < stall.from + stall.length {
        usleep(UInt32((stall.from + stall.length - nb_now()) / 1_000))
      }
      for i in slow.indices.reversed() {
        let piece = Array(slow[i].rest.prefix(slow[i].piece))
        _ = send(slow[i].descriptor, piece, piece.count, Int32(MSG_NOSIGNAL))
        slow[i].rest.removeFirst(piece.count)
        if slow[i].rest.isEmpty { slow.remove(at: i) }
      }
      for event in events.prefix(Int(max(0, n))) {
        let descriptor = Int32(event.data.u64)
        if descriptor == listener {
          let socket = accept(listener, nil, nil)
          guard socket >= 0 else { continue }
          lock.withLock { accepted += 1 }
          open.insert(socket)
          _ = nb_epoll_set(epoll, EPOLL_CTL_ADD, socket, EPOLLIN.rawValue, UInt64(socket))
          continue
        }
        let read = recv(descriptor, &chunk, chunk.count, 0)
        if read <= 0 {
          shut(descriptor, &open, &slow)
          continue
        }
        let text = String(decoding: chunk[..<read], as: UTF8.self)
        let index = lock.withLock {
          served += 1
          if seen.count < 2_000 { seen.append(text) }
          return served - 1
        }
        switch script(index, text) {
        case .answer(let text): put(text, descriptor)
        case .answerAndClose(let text):
          put(text, descriptor)
          shut(descriptor, &open, &slow)
        case .silence: break
        case .close: shut(descriptor, &open, &slow)
        case .reset:
          var abort = linger(l_onoff: 1, l_linger: 0)
          setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &abort, socklen_t(MemoryLayout<linger>.size))
          shut(descriptor, &open, &slow)
        case .slowly(let text, let piece): slow.append((descriptor, Array(text.utf8), piece))
        }
      }
    }
    open.forEach { close($0) }
    close(listener)
    close(epoll)
  }

  private func put(_ text: String, _ descriptor: Int32) {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let n = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL)) }
      if n <= 0 { return }
      done += n
    }
  }

  private func shut(_ descriptor: Int32, _ open: inout Set<Int32>, _ slow: inout [(descriptor: Int32, rest: [UInt8], piece: Int)]) {
    close(descriptor)
    open.remove(descriptor)
    slow.removeAll { $0.descriptor == descriptor }
  }
}

extension LoadTarget {
  init(_ server: ScriptedServer) { self.init(host: "127.0.0.1", port: server.port) }
}
