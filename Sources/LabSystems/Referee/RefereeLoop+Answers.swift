// The writing half of RefereeLoop: what is due is done, as kindly or unkindly as asked.

import CRefereeShims
import Glibc

extension RefereeLoop {
  /// Between two looks at the sockets: a burst after a stall must not keep arrivals from being read.
  private static let burstMax = 64
  /// A client that asks and never reads is cut off beyond this.
  private static let pendingMax = 256 << 20

  func answerDue() {
    for _ in 0..<Self.burstMax {
      let now = ref_now()
      lastNow = now
      if queue.nextTime > now { return }
      let item = queue.removeFirst()
      let slot = Int(item.slot)
      guard connections[slot].generation == item.generation, connections[slot].descriptor >= 0 else {
        if item.kind == .answer { counts.orphaned += 1 }
        continue
      }
      if item.kind == .read {
        if !connections[slot].ends { readable(slot) }
        continue
      }
      if let later = plan.stallEnd(at: now) {
        postpone(item, to: later)
        continue
      }
      connections[slot].inFlight -= 1
      lateness.add(now - item.time)
      answer(item, at: now)
    }
  }

  /// Due just before a stall and not sent in time: it waits like all others.
  private func postpone(_ item: Due, to time: Int64) {
    var item = item
    item.time = time
    let slot = Int(item.slot)
    connections[slot].lastDue = max(connections[slot].lastDue, time)
    queue.insert(item)
  }

  /// - Parameter now: read just before; it becomes the stamp of sending.
  func answer(_ item: Due, at now: Int64) {
    let slot = Int(item.slot)
    if let later = plan.stallEnd(at: now) {
      connections[slot].inFlight += 1
      return postpone(item, to: later)
    }
    if item.fate != .normal { counts.add(item.fate) }
    if item.fate == .reset {
      ref_reset(connections[slot].descriptor)
      return forget(slot)
    }
    log.setSent(item.ticket, now)
    counts.answered += 1
    let wire = answers.wire(item.fate, closes: item.closes)
    var count = item.isHead && item.fate != .garbage ? wire.head : wire.bytes.count
    if item.fate == .half { count /= 2 }
    send(slot, UnsafeRawBufferPointer(rebasing: wire.bytes[..<count]))
    guard connections[slot].generation == item.generation, connections[slot].descriptor >= 0 else { return }
    if item.fate == .half || item.fate == .close {
      connections[slot].inFlight = 0
      end(slot)
    } else if connections[slot].ends {
      end(slot)
    }
  }

  private func send(_ slot: Int, _ bytes: UnsafeRawBufferPointer) {
    var sent = 0
    if connections[slot].pending.isEmpty {
      let result = ref_send(connections[slot].descriptor, bytes.baseAddress, bytes.count)
      if result < 0 && result != -Int(EAGAIN) { return drop(slot) }
      sent = max(0, result)
      if sent == bytes.count { return }
    }
    connections[slot].pending.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[sent...]))
    if connections[slot].pending.count > Self.pendingMax { return drop(slot) }
    listen(slot)
  }

  func flush(_ slot: Int) {
    let start = connections[slot].pendingStart
    let result = connections[slot].pending.withUnsafeBytes { bytes in
      ref_send(connections[slot].descriptor, bytes.baseAddress! + start, bytes.count - start)
    }
    if result < 0 {
      if result != -Int(EAGAIN) { drop(slot) }
      return
    }
    connections[slot].pendingStart += result
    if connections[slot].pendingStart < connections[slot].pending.count { return }
    connections[slot].pending = []
    connections[slot].pendingStart = 0
    if connections[slot].ends { end(slot) } else { listen(slot) }
  }

  /// No more requests of this connection; it closes when its answers are out.
  func end(_ slot: Int) {
    if connections[slot].inFlight == 0 && connections[slot].pending.isEmpty {
      ref_close_cleanly(connections[slot].descriptor)
      return forget(slot)
    }
    connections[slot].ends = true
    listen(slot)
  }

  func drop(_ slot: Int) {
    ref_close(connections[slot].descriptor)
    forget(slot)
  }

  /// The descriptor is closed already.
  private func forget(_ slot: Int) {
    let generation = connections[slot].generation
    connections[slot] = RefereeConnection(generation: generation)
    freeSlots.append(slot)
  }
}
