// The sockets of one loop: who is connected, what of a request the kernel has not yet taken, what of a head has not yet
// come. One slab of slots; receiving goes through one buffer of the loop, so that an idle user costs a slot (under
// 256 bytes) and not a buffer. Decides nothing about requests: that is the loop's.
//
// Events are edge-triggered and set once for reading and writing together: no epoll_ctl per request (wrk makes two), and
// a drained socket is not looked at again by the next epoll_wait. The price: a read that fills the buffer, or that came
// with a hang-up, must be repeated.

import CKernelShims
import Glibc

struct Slot {
  enum Link: UInt8 { case closed, connecting, open }
  var descriptor: Int32 = -1
  /// Tells late events of an earlier socket from those of this one.
  var generation: UInt32 = 0
  var link = Link.closed
  /// A request is on its way (or waits for the connect).
  var busy = false
  /// Assigned, but not a byte sent.
  var isUnsent = false
  var waited = false
  /// This connection has answered at least once.
  var served = false
  var parser = ResponseParser()
  /// Nanoseconds on the run's clock.
  var intended: Int64 = 0
  var sent: Int64 = 0
  var connectBegan: Int64 = 0
  /// The kernel's receive stamp on the run's clock; 0: none.
  var stamp: Int64 = 0
  var received = 0
  var sink: Int32 = -1
  /// An incomplete head, and a request that the kernel has not taken; nil nearly always.
  var carry: UnsafeMutablePointer<UInt8>?
  var carryCount = 0
  var pending: UnsafeMutablePointer<UInt8>?
  var pendingStart = 0
  var pendingEnd = 0
}

final class Connections {
  static let receiveSize = 131_072
  static let batch = 64
  let count: Int
  let slots: UnsafeMutablePointer<Slot>
  let receive: UnsafeMutablePointer<UInt8>
  let epoll: Int32
  let events: UnsafeMutablePointer<epoll_event>
  private var address: nb_address
  private let stamps: Bool
  private let isTCP: Bool
  /// `setsockopt` calls of `nb_connect_start`.
  private let optionsPerConnect: Int
  @exclusivity(unchecked) var calls = SystemCalls()
  /// Of sockets that are closed; see `tcpTotals`.
  private var closedTCP = TCPTotals()

  init(count: Int, target: LoadTarget, stamps: Bool) throws(LoadError) {
    address = try target.address()
    self.count = count
    self.stamps = stamps
    isTCP = Int32(address.storage.ss_family) != AF_UNIX
    optionsPerConnect = (isTCP ? 1 : 0) + (isTCP && nb_is_loopback(&address) == 1 ? 1 : 0) + (stamps ? 1 : 0)
    slots = .allocate(capacity: count)
    slots.initialize(repeating: Slot(), count: count)
    receive = .allocate(capacity: Self.receiveSize)
    events = .allocate(capacity: Self.batch)
    epoll = nb_epoll_create()
    guard epoll >= 0 else {
      throw LoadError(id: "descriptors", cause: "no descriptor is left for epoll", remedy: ErrorKind.descriptors.remedy)
    }
  }

  deinit {
    for i in 0..<count { shut(i) }
    if epoll >= 0 { close(epoll) }
    slots.deallocate()
    receive.deallocate()
    events.deallocate()
  }

  /// Begins to connect a closed slot.
  ///
  /// - Returns: 0 when it is on its way or open already, or the errno.
  func open(_ slot: Int, now: Int64) -> Int32 {
    shut(slot)
    var connected: Int32 = 0
    let descriptor = nb_connect_start(&address, stamps ? 1 : 0, &connected)
    calls.socket += 1
    // Without a descriptor there was nothing to connect; a refused connect was closed again.
    let isOut = [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(-descriptor)
    if !isOut {
      calls.connect += 1
      calls.setsockopt += optionsPerConnect
      if descriptor < 0 { calls.close += 1 }
    }
    guard descriptor >= 0 else { return -descriptor }
    calls.epollCtl += 1
    slots[slot].descriptor = descriptor
    slots[slot].link = connected == 1 ? .open : .connecting
    slots[slot].connectBegan = now
    slots[slot].parser = ResponseParser()
    slots[slot].served = false
    if nb_epoll_set(epoll, EPOLL_CTL_ADD, descriptor, Self.interest, data(slot)) != 0 {
      let code = errno
      shut(slot)
      return code
    }
    return 0
  }

  private static let interest = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
  private func data(_ slot: Int) -> UInt64 { UInt64(slots[slot].generation) << 32 | UInt64(slot) }

  /// Asks for another event while there is something to read: for a slot that stops before it is drained.
  func rearm(_ slot: Int) {
    calls.epollCtl += 1
    _ = nb_epoll_set(epoll, EPOLL_CTL_MOD, slots[slot].descriptor, Self.interest, data(slot))
  }

  func shut(_ slot: Int) {
    drop(&slots[slot].carry)
    drop(&slots[slot].pending)
    slots[slot].carryCount = 0
    slots[slot].pendingStart = 0
    slots[slot].pendingEnd = 0
    slots[slot].link = .closed
    guard slots[slot].descriptor >= 0 else { return }
    if isTCP {
      closedTCP.add(socket: slots[slot].descriptor)
      calls.getsockopt += 1
    }
    calls.close += 1
    close(slots[slot].descriptor)
    slots[slot].descriptor = -1
    slots[slot].generation &+= 1
  }

  /// Of all sockets so far, closed and open.
  var tcpTotals: TCPTotals? {
    guard isTCP else { return nil }
    var totals = closedTCP
    for slot in 0..<count where slots[slot].descriptor >= 0 { totals.add(socket: slots[slot].descriptor) }
    return totals
  }

  func wait(_ ns: Int64, limit: Int = batch) -> Int32 {
    calls.epollWait += 1
    return nb_epoll_wait(epoll, events, Int32(limit), ns)
  }

  /// Takes the pending error of a connect; 0: it is connected.
  func connectError(_ slot: Int) -> Int32 {
    calls.getsockopt += 1
    return nb_socket_error(slots[slot].descriptor)
  }

  private func drop(_ bytes: inout UnsafeMutablePointer<UInt8>?) {
    bytes?.deallocate()
    bytes = nil
  }

  /// Sends; what the kernel does not take is kept for `flush`.
  ///
  /// - Returns: 0 or the errno.
  func send(_ slot: Int, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    var done = 0
    while done < count {
      calls.sendto += 1
      let n = Glibc.send(slots[slot].descriptor, bytes + done, count - done, Int32(MSG_NOSIGNAL))
      if n > 0 {
        done += n
      } else if errno == EAGAIN {
        let rest = UnsafeMutablePointer<UInt8>.allocate(capacity: count - done)
        rest.update(from: bytes + done, count: count - done)
        slots[slot].pending = rest
        slots[slot].pendingStart = 0
        slots[slot].pendingEnd = count - done
        return 0
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }

  /// Goes on with what `send` left.
  func flush(_ slot: Int) -> Int32 {
    guard let pending = slots[slot].pending else { return 0 }
    while slots[slot].pendingStart < slots[slot].pendingEnd {
      let start = slots[slot].pendingStart
      calls.sendto += 1
      let n = Glibc.send(slots[slot].descriptor, pending + start, slots[slot].pendingEnd - start, Int32(MSG_NOSIGNAL))
      if n > 0 {
        slots[slot].pendingStart += n
      } else if errno == EAGAIN {
        return 0
      } else if errno != EINTR {
        return errno
      }
    }
    drop(&slots[slot].pending)
    return 0
  }

  /// Reads into `receive` behind what was carried over. `room` is what could have come: less means drained.
  ///
  /// - Returns: bytes read, 0 at the end of the stream, −errno.
  func read(_ slot: Int, room: inout Int, stamp: inout Int64) -> Int {
    let carried = slots[slot].carryCount
    if carried > 0, let carry = slots[slot].carry { receive.update(from: carry, count: carried) }
    room = Self.receiveSize - carried
    while true {
      calls.receive += 1
      let n = stamps
        ? nb_receive_stamped(slots[slot].descriptor, receive + carried, room, &stamp)
        : recv(slots[slot].descriptor, receive + carried, room, 0)
      if n >= 0 { return n }
      if errno != EINTR { return -Int(errno) }
    }
  }

  /// Keeps the unparsed end of `receive` for the next read; false when a head is larger than allowed.
  func carry(_ slot: Int, from start: Int, count: Int) -> Bool {
    guard count > 0 else {
      if slots[slot].carry != nil { drop(&slots[slot].carry) }
      slots[slot].carryCount = 0
      return true
    }
    guard count < ResponseParser.headMax else { return false }
    if slots[slot].carry == nil { slots[slot].carry = .allocate(capacity: ResponseParser.headMax) }
    slots[slot].carry?.update(from: receive + start, count: count)
    slots[slot].carryCount = count
    return true
  }
}
