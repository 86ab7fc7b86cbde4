// Connecting, and what goes wrong. A failure ends the request or the attempt, is counted once with an example of its
// kind, and the run goes on. After failed connects a slot pauses, twice as long each time: a target that refuses
// everything sees a few attempts a second and connection, not a storm.

import CKernelShims
import ExperimentModel
import Glibc

extension LoadLoop {
  /// Opens every connection before the run, at most 128 connects at a time (a listener's queue is short).
  ///
  /// - Returns: how many are open. Ends at the first failure when none has succeeded.
  func connectAll() -> Int {
    var opened = 0
    var asked = 0
    var pending = 0
    var failed = 0
    last = clock.now()
    let limit = (profile.connectTimeout ?? Nanoseconds(seconds: 5)).rawValue
    let began = nb_now()
    while nb_now() - began < limit + 1_000_000_000 {
      while asked < connections.count, pending < 128, failed == 0 || opened > 0, failed < 64 {
        let code = connections.open(asked, now: last)
        if code != 0 {
          failed += 1
          note(code)
        } else if connections.slots[asked].link == .open {
          opened += 1
          recorder.opened()
        } else {
          pending += 1
        }
        asked += 1
      }
      if pending == 0 { break }
      let n = connections.wait(20_000_000)
      last = clock.now()
      for i in 0..<max(0, Int(n)) {
        let slot = Int(connections.events[i].data.u64 & 0xFFFF_FFFF)
        guard connections.slots[slot].link == .connecting else { continue }
        pending -= 1
        let code = connections.connectError(slot)
        if code == 0 {
          connections.slots[slot].link = .open
          opened += 1
          recorder.opened()
        } else {
          connections.shut(slot)
          failed += 1
          note(code)
        }
      }
      if n == 0 {
        for slot in 0..<asked
        where connections.slots[slot].link == .connecting && last - connections.slots[slot].connectBegan > limit {
          connections.shut(slot)
          pending -= 1
          failed += 1
          note(ETIMEDOUT)
        }
      }
    }
    return opened
  }

  private func note(_ code: Int32) {
    recorder.connectFailed(ErrorKind(connect: code))
    if firstFailure == nil { firstFailure = (ErrorKind(connect: code), String(cString: strerror(code))) }
  }

  /// Begins to connect a closed slot, which may carry a request.
  func connect(_ slot: Int) {
    let code = connections.open(slot, now: last)
    if code != 0 {
      connectFailed(slot, code)
    } else if connections.slots[slot].link == .open {
      connected(slot)
    }
  }

  func connected(_ slot: Int) {
    connections.slots[slot].link = .open
    recorder.opened()
    if connections.slots[slot].busy, connections.slots[slot].isUnsent { send(slot, hasLag: false) }
  }

  func connectFailed(_ slot: Int, _ code: Int32) {
    let kind = ErrorKind(connect: code)
    recorder.connectFailed(kind)
    rules.lastConnectKind = kind
    fail(slot, kind, code: code)
  }

  func fail(_ slot: Int, _ kind: ErrorKind, code: Int32) {
    if recorder.lacksExample(kind) { example(kind, String(cString: strerror(code))) }
    fail(slot, kind, text: nil)
  }

  /// Closes the connection; ends the slot's request, if it has one, as failed.
  func fail(_ slot: Int, _ kind: ErrorKind, text: String?) {
    if let text, recorder.lacksExample(kind) { example(kind, text) }
    let hadRequest = connections.slots[slot].busy
    let unsent = connections.slots[slot].isUnsent
    connections.shut(slot)
    if connections.slots[slot].sink >= 0 {
      freeSinks.append(connections.slots[slot].sink)
      connections.slots[slot].sink = -1
    }
    rules.broke(slot)
    // An idle connection that breaks has cost no request: the next one connects anew.
    guard hadRequest else { return }
    connections.slots[slot].busy = false
    connections.slots[slot].isUnsent = false
    ended(slot, at: last)
    recorder.failed(kind, name: name(slot), now: last)
    if unsent { recorder.unsent() }
    keepRaw(slot, status: 0, kind, now: last, isUnsent: unsent)
    if let order = rules.failed(slot, kind, last) { transmit(order) }
  }

  /// The request as a row, if rows are kept.
  @inline(__always)
  func keepRaw(_ slot: Int, status: Int, _ kind: ErrorKind?, now: Int64, isUnsent: Bool = false) {
    guard recorder.keepsRaw else { return }
    let entry = connections.slots[slot]
    recorder.keep(
      intended: entry.intended, sent: isUnsent ? nil : entry.sent, received: now, bytes: entry.received, connection: slot * loops + loop,
      status: status, name: name(slot), kind: kind)
  }

  /// The slot's request is over, well or badly: one step down for the count, its time for the record.
  @inline(__always)
  func ended(_ slot: Int, at time: Int64) {
    let intended = connections.slots[slot].intended
    recorder.resided(max(0, time - intended), inside: rules.ended(from: intended, to: time))
  }

  func name(_ slot: Int) -> Int { Int(scenario.templates[Int(rules.turns[slot].template)].name) }

  /// Keeps the first example of a kind, with the request that it happened to.
  func example(_ kind: ErrorKind, _ text: String) {
    if recorder.lacksExample(kind) { recorder.keepExample(kind, text) }
  }
}
