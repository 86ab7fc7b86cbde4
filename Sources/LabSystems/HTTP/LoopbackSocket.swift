import Foundation
import NIOCore

/// A blocking connection to a server on 127.0.0.1, without Nagle's delay. Used by one thread at a time.
final class LoopbackSocket {
  private let descriptor: Int32

  /// Why nothing came of it, in the system's words.
  struct Failure: Error, CustomStringConvertible { var description: String }

  /// - Parameter patience: seconds that a single read or write may take.
  init(port: Int, patience: Int) throws(Failure) {
    guard let connected = Self.connected(port: port) else {
      throw Failure(description: "nobody answers at 127.0.0.1:\(port): \(String(cString: strerror(errno)))")
    }
    descriptor = connected
    var limit = timeval(tv_sec: patience, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  /// A blocking descriptor that is connected to 127.0.0.1, without Nagle's delay; nil: `errno` says why.
  static func connected(port: Int) -> Int32? {
    #if canImport(Glibc)
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    #else
      let descriptor = socket(AF_INET, SOCK_STREAM, 0)
    #endif
    guard descriptor >= 0 else { return nil }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard code == 0 else {
      let reason = errno
      close(descriptor)
      errno = reason
      return nil
    }
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    return descriptor
  }

  deinit { close(descriptor) }

  func send(_ buffer: ByteBuffer) throws(Failure) {
    var rest = buffer
    while rest.readableBytes > 0 {
      let count = rest.withUnsafeReadableBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw Failure(description: "the connection broke: \(String(cString: strerror(errno)))") }
      rest.moveReaderIndex(forwardBy: count)
    }
  }

  /// Appends what is there, at least one byte.
  func receive(into buffer: inout ByteBuffer) throws(Failure) {
    while true {
      var got = 0
      buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 16 << 10) { space in
        got = read(descriptor, space.baseAddress, space.count)
        return max(0, got)
      }
      if got > 0 { return }
      if got < 0 && errno == EINTR { continue }
      throw Failure(description: got == 0 ? "the server closed the connection" : "the connection broke: \(String(cString: strerror(errno)))")
    }
  }
}
