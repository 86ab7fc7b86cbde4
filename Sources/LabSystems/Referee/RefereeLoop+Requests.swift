// The reading half of RefereeLoop: bytes become stamped rows of the log and times at which to answer.

import CRefereeShims
import Glibc

extension RefereeLoop {
  /// With --slow-read, the time between two reads of one connection.
  private static let readPeriod: Int64 = 10_000_000

  func clientEvent(slot: Int, generation: UInt32, _ events: UInt32) {
    // The connection was closed by an earlier event of the same batch.
    guard connections[slot].generation == generation, connections[slot].descriptor >= 0 else { return }
    if events & EPOLLOUT.rawValue != 0 { flush(slot) }
    guard connections[slot].generation == generation, connections[slot].descriptor >= 0 else { return }
    if connections[slot].ends {
      // Nothing is read any more, and now nobody would read the answers either.
      if events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { drop(slot) }
    } else if events & ~EPOLLOUT.rawValue != 0 {
      readable(slot)
    }
  }

  func readable(_ slot: Int) {
    let left = connections[slot].partial.count
    if left > 0 { buffer.copyBytes(from: connections[slot].partial) }
    let room = options.slowRead > 0 ? min(options.slowRead, Self.readMax - left) : Self.readMax - left
    var stamp: Int64 = 0
    let count = ref_receive(connections[slot].descriptor, buffer.baseAddress! + left, room, &stamp)
    let user = ref_now()
    lastNow = user
    if count <= 0 { return readNothing(slot, -Int32(count)) }
    counts.reads += 1
    if stamp == 0 { counts.unstamped += 1 }
    let kernel = clock.monotonic(stamp, user: user)
    if left > 0 { connections[slot].partial.removeAll(keepingCapacity: true) }
    parse(slot, UnsafeRawBufferPointer(rebasing: buffer[..<(left + count)]), kernel: kernel, user: user)
    if options.slowRead > 0 && connections[slot].descriptor >= 0 { pause(slot, until: user + Self.readPeriod) }
  }

  /// All requests in what was read share its stamp: the kernel keeps that of the last byte.
  private func parse(_ slot: Int, _ bytes: UnsafeRawBufferPointer, kernel: Int64, user: Int64) {
    let generation = connections[slot].generation
    var (start, requests) = (0, 0)
    while start < bytes.count {
      if connections[slot].bodyLeft > 0 {
        let skipped = min(connections[slot].bodyLeft, bytes.count - start)
        connections[slot].bodyLeft -= skipped
        start += skipped
      } else {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
        switch RequestParser.parse(rest) {
        case .head(let head):
          connections[slot].isHead = head.method.count == 4 && rest[0] == UInt8(ascii: "H")
          connections[slot].closes = !head.keepAlive
          connections[slot].bodyLeft = head.contentLength
          start += head.length
        case .incomplete:
          connections[slot].partial = Array(rest)
          return
        case .invalid:
          counts.malformed += 1
          return drop(slot)
        }
      }
      if connections[slot].bodyLeft == 0 {
        requests += 1
        if requests > 1 { counts.sharedStamps += 1 }
        take(slot, kernel: kernel, user: user)
        if connections[slot].generation != generation || connections[slot].descriptor < 0 || connections[slot].ends { return }
      }
    }
  }

  /// A whole request is here.
  private func take(_ slot: Int, kernel: Int64, user: Int64) {
    let ticket = log.add(kernel: kernel, user: user, connection: connections[slot].number)
    let due = max(plan.due(arrival: kernel), connections[slot].lastDue)
    let item = Due(
      time: due, ticket: ticket, slot: Int32(truncatingIfNeeded: slot), generation: connections[slot].generation, kind: .answer,
      fate: misbehaves ? options.misbehaviour.fate(of: log.count) : .normal, isHead: connections[slot].isHead,
      closes: connections[slot].closes)
    if due <= user && connections[slot].inFlight == 0 {
      let now = ref_now()
      // Read only after it was due: late all the same.
      if due > kernel { lateness.add(now - due) }
      answer(item, at: now)
    } else {
      connections[slot].lastDue = due
      connections[slot].inFlight += 1
      queue.insert(item)
    }
    // What the client sends after its `Connection: close` is not read.
    if item.closes && connections[slot].generation == item.generation && connections[slot].descriptor >= 0 { end(slot) }
  }

  private func readNothing(_ slot: Int, _ error: Int32) {
    switch error {
    case EAGAIN, EINTR:
      if connections[slot].isPaused {
        connections[slot].isPaused = false
        listen(slot)
      }
    case 0 where connections[slot].inFlight > 0 || !connections[slot].pending.isEmpty:
      // The client has sent all it wants to; it may still read.
      counts.ended += 1
      end(slot)
    default:
      counts.ended += 1
      drop(slot)
    }
  }

  private func pause(_ slot: Int, until time: Int64) {
    connections[slot].isPaused = true
    listen(slot)
    queue.insert(
      Due(
        time: time, ticket: 0, slot: Int32(truncatingIfNeeded: slot), generation: connections[slot].generation, kind: .read,
        fate: .normal, isHead: false, closes: false))
  }

  /// Tells epoll what this connection waits for.
  func listen(_ slot: Int) {
    let connection = connections[slot]
    _ = ref_epoll_change(
      epoll, connection.descriptor, connection.interest, Tag.of(slot: slot, generation: connection.generation))
  }
}
