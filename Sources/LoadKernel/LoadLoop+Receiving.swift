// Answers: read, parsed, judged, recorded.

import CKernelShims
import ExperimentModel
import Glibc

extension LoadLoop {
  /// - Parameter ended: the event said that the peer has closed or failed.
  func receive(_ slot: Int, ended: Bool) {
    var reads = 0
    while true {
      // A body without end must not keep the loop from the others: after 256 KiB they have their turn.
      if reads == 2 {
        connections.rearm(slot)
        return
      }
      reads += 1
      var room = 0
      var stamp: Int64 = 0
      let n = connections.read(slot, room: &room, stamp: &stamp)
      if n < 0 {
        if n == -Int(EAGAIN) { return }
        fail(slot, .reset, code: Int32(-n))
        return
      }
      if n == 0 {
        endOfStream(slot)
        return
      }
      recorder.received(n)
      connections.slots[slot].received += n
      if stamp > 0 { connections.slots[slot].stamp = stamp + stampOffset }
      guard connections.slots[slot].busy, !connections.slots[slot].isUnsent else {
        // Bytes that nobody asked for: the connection cannot be trusted with the next answer.
        recorder.unasked(connections.receive, n)
        renew(slot)
        return
      }
      let sink = connections.slots[slot].sink
      var used = 0
      let count = connections.slots[slot].carryCount + n
      let event = connections.slots[slot].parser.consume(
        connections.receive, count, used: &used, sink: sink >= 0 ? sinks[Int(sink)] : nil)
      switch event {
      case .needMore:
        guard connections.carry(slot, from: used, count: count - used) else {
          tooLarge(slot)
          return
        }
        if n == room || ended { continue }
        return
      case .malformed:
        if recorder.lacksExample(.malformed) { example(.malformed, FailureText.malformed(connections.receive, count)) }
        fail(slot, .malformed, text: nil)
        return
      case .tooLarge:
        tooLarge(slot)
        return
      case .done:
        _ = connections.carry(slot, from: 0, count: 0)
        let keeps = connections.slots[slot].parser.keepAlive && used == count && !ended
        if used < count { recorder.unasked(connections.receive + used, count - used) }
        // A request that is not yet sent in full and has its answer: the rest would be taken for the next one.
        complete(slot, keeps: keeps && connections.slots[slot].pending == nil)
        return
      }
    }
  }

  private func tooLarge(_ slot: Int) { fail(slot, .tooLarge, text: FailureText.headTooLarge) }

  private func endOfStream(_ slot: Int) {
    guard connections.slots[slot].busy, !connections.slots[slot].isUnsent else {
      let served = connections.slots[slot].served
      connections.shut(slot)
      if connections.slots[slot].busy {
        connect(slot)
      } else if served, !isStopping {
        // Ahead of the next request; one that never answered is not worth a try without a request.
        connect(slot)
      }
      return
    }
    if connections.slots[slot].parser.end() == .done {
      complete(slot, keeps: false)
    } else {
      fail(slot, .closed, text: FailureText.ended(after: connections.slots[slot].received, served: connections.slots[slot].served))
    }
  }

  private func renew(_ slot: Int) {
    connections.shut(slot)
    connect(slot)
  }

  private func complete(_ slot: Int, keeps: Bool) {
    let now = arrival(slot)
    ended(slot, at: now)
    let good = judge(slot, now)
    connections.slots[slot].busy = false
    connections.slots[slot].served = true
    if !keeps {
      connections.shut(slot)
      connect(slot)
    }
    if let order = rules.answered(slot, good: good, last) { transmit(order) }
  }

  /// When the answer had come: the kernel's stamp, if it is possible, else now.
  private func arrival(_ slot: Int) -> Int64 {
    last = clock.now()
    let stamp = connections.slots[slot].stamp
    guard stamp > connections.slots[slot].sent, stamp <= last else { return last }
    recorder.stamped()
    return stamp
  }

  /// Checks, captures, cookies; records. True when the answer is good.
  private func judge(_ slot: Int, _ now: Int64) -> Bool {
    let entry = connections.slots[slot]
    let template = scenario.templates[Int(rules.turns[slot].template)]
    let status = entry.parser.status
    if !template.reads, template.checks == 0, status < 400 {
      recorder.completed(
        name: Int(template.name), intended: entry.intended, sent: entry.sent, now: now, status: status, cache: entry.parser.cache)
      keepRaw(slot, status: status, nil, now: now)
      return true
    }
    let sink = entry.sink >= 0 ? sinks[Int(entry.sink)] : nil
    let failure = scenario.judge(template, status, sink, users.isEmpty ? nil : users[slot], regex: regex)
    if entry.sink >= 0 {
      freeSinks.append(entry.sink)
      connections.slots[slot].sink = -1
    }
    if template.checks > 0 { recorder.checked(name: Int(template.name), passed: failure == nil, now: now) }
    guard let failure else {
      recorder.completed(
        name: Int(template.name), intended: entry.intended, sent: entry.sent, now: now, status: status, cache: entry.parser.cache)
      keepRaw(slot, status: status, nil, now: now)
      return true
    }
    if recorder.lacksExample(failure.kind) { example(failure.kind, failure.text) }
    recorder.rejected(failure.kind, name: Int(template.name), now: now, status: status)
    keepRaw(slot, status: status, failure.kind, now: now)
    return false
  }

  private func regex(_ pattern: String) -> Regex<AnyRegexOutput>? {
    if let known = regexes[pattern] { return known }
    guard let made = try? Regex(pattern) else { return nil }
    regexes[pattern] = made
    return made
  }
}
