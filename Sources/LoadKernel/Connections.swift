// The open connections of one run: sockets, their buffers and their place in the current request.
// One slab of memory, indexed by slot; nothing is allocated per request.

import CKernelShims
import Glibc

struct Slot {
  var descriptor: Int32 = -1
  var parser = ResponseParser()
  var received = 0
  var outStart = 0
  var outEnd = 0
  var busy = false
  /// Nanoseconds on the monotonic clock.
  var intended: Int64 = 0
  var sent: Int64 = 0
  /// Closed models: when this user sends next; Int64.max when it has nothing to do.
  var due: Int64 = .max
}

final class Connections {
  static let receiveSize = 32_768
  let count: Int
  let slots: UnsafeMutablePointer<Slot>
  let receive: UnsafeMutablePointer<UInt8>
  let send: UnsafeMutablePointer<UInt8>
  let sendSize: Int
  let epoll: Int32
  let events: UnsafeMutablePointer<epoll_event>
  private let address: sockaddr_in

  init(count: Int, sendSize: Int, target: LoadTarget) throws(LoadError) {
    guard target.host == "127.0.0.1" || target.host == "localhost" else {
      throw LoadError(
        id: "target-not-loopback", cause: "the target \(target.host) is not this machine",
        remedy: "load goes to 127.0.0.1 only")
    }
    self.count = count
    self.sendSize = sendSize
    slots = .allocate(capacity: count)
    slots.initialize(repeating: Slot(), count: count)
    receive = .allocate(capacity: count * Self.receiveSize)
    send = .allocate(capacity: count * sendSize)
    events = .allocate(capacity: 256)
    epoll = nb_epoll_create()
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(truncatingIfNeeded: target.port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    self.address = address
  }

  deinit {
    for i in 0..<count where slots[i].descriptor >= 0 { close(slots[i].descriptor) }
    if epoll >= 0 { close(epoll) }
    slots.deallocate()
    receive.deallocate()
    send.deallocate()
    events.deallocate()
  }

  /// Opens one connection, blocking (loopback answers at once), then non-blocking and watched.
  /// - Returns: 0, or the errno.
  func open(_ slot: Int) -> Int32 {
    shut(slot)
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return errno }
    var address = address
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else {
      let code = errno
      close(descriptor)
      return code
    }
    var one: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    let due = slots[slot].due
    slots[slot] = Slot()
    slots[slot].due = due
    slots[slot].descriptor = descriptor
    _ = nb_epoll_set(epoll, EPOLL_CTL_ADD, descriptor, EPOLLIN.rawValue, UInt64(slot))
    return 0
  }

  func shut(_ slot: Int) {
    guard slots[slot].descriptor >= 0 else { return }
    close(slots[slot].descriptor)
    slots[slot].descriptor = -1
  }

  func watchWrites(_ slot: Int, _ on: Bool) {
    _ = nb_epoll_set(
      epoll, EPOLL_CTL_MOD, slots[slot].descriptor, on ? EPOLLIN.rawValue | EPOLLOUT.rawValue : EPOLLIN.rawValue,
      UInt64(slot))
  }
}
