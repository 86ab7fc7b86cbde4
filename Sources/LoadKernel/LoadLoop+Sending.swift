// How iterations begin, and how a request gets onto its connection.

import CKernelShims
import ExperimentModel

extension LoadLoop {
  /// Begins every arrival that is due and finds a connection free.
  func dispatch() {
    while let intended = nextIntended, intended <= last {
      guard let slot = free.popLast() else {
        // All connections pause after refused connects: the target is down, and the arrival fails as they did.
        guard cooling == connections.count else { return }
        refuseArrival(lastConnectKind, nil)
        continue
      }
      takeArrival()
      beginSession(Int(slot), intended: intended, waited: false)
    }
  }

  func takeArrival() {
    begun += 1
    if last <= end { begunInTime += 1 }
    nextIntended = plan?.next(skipping: loops - 1).map { $0 + start }
    if nextIntended != nil { planned += 1 }
  }

  /// Counts an arrival that gets no connection at all.
  func refuseArrival(_ kind: ErrorKind, _ text: String?) {
    if let text { example(kind, text) }
    recorder.failed(kind, name: 0, now: last)
    recorder.unsent()
    if recorder.keepsRaw, let intended = nextIntended {
      recorder.keep(intended: intended, sent: nil, received: last, bytes: 0, connection: nil, status: 0, name: nil, kind: kind)
    }
    // Given up after the plan's end it was never begun.
    if last > end {
      nextIntended = plan?.next(skipping: loops - 1).map { $0 + start }
      if nextIntended != nil { planned += 1 }
    } else {
      takeArrival()
    }
  }

  func beginSession(_ slot: Int, intended: Int64, waited: Bool) {
    sessions += 1
    connections.slots[slot].left = max(1, profile.sessionLength ?? 1)
    beginIteration(slot, intended: intended, hasLag: !waited, waited: waited)
  }

  /// The slot is due.
  func awake(_ slot: Int, at time: Int64) {
    let wake = connections.slots[slot].wake
    connections.slots[slot].wake = .none
    if connections.slots[slot].cooling {
      connections.slots[slot].cooling = false
      cooling -= 1
    }
    switch wake {
    case .none: break
    case .cool: release(slot)
    case .step: transmit(slot, intended: time, hasLag: true, waited: false)
    case .iteration:
      if isOpen {
        beginIteration(slot, intended: time, hasLag: true, waited: false)
      } else {
        // All users begin together: only from the moment of its own send is a first request late.
        beginUserIteration(slot, intended: time == start ? clock.now() : time, hasLag: time != start)
      }
    }
  }

  /// A closed user's next iteration, unless the run is over for it.
  func beginUserIteration(_ slot: Int, intended: Int64, hasLag: Bool) {
    guard last < end else { return }
    if slot >= activeUsers {
      connections.slots[slot].parked = true
      return
    }
    if profile.iterationsPerUser == true {
      guard connections.slots[slot].left > 0 else { return }
      connections.slots[slot].left -= 1
    } else if iterationsLeft != .max {
      guard iterationsLeft > 0 else { return }
      iterationsLeft -= 1
    }
    beginIteration(slot, intended: intended, hasLag: hasLag, waited: false)
  }

  func beginIteration(_ slot: Int, intended: Int64, hasLag: Bool, waited: Bool) {
    let entry = writer.choose()
    connections.slots[slot].entry = Int32(entry)
    connections.slots[slot].step = 0
    connections.slots[slot].template = scenario.entries[entry].firstTemplate
    if scenario.data != nil { connections.slots[slot].row = Int32(writer.chooseRow(user: slot * loops + loop)) }
    if !users.isEmpty { users[slot].forget() }
    transmit(slot, intended: intended, hasLag: hasLag, waited: waited)
  }

  /// Puts a slot's next send into the queue; under a cap of the rate, not before its turn.
  func schedule(_ slot: Int, at time: Int64, _ wake: Slot.Wake) {
    connections.slots[slot].wake = wake
    due.push(time, slot)
  }

  /// When a closed user may send: now, or at its turn under a cap of the rate.
  func turn(_ time: Int64) -> Int64 {
    guard gap > 0, !isOpen else { return time }
    let turn = max(time, nextAllowed)
    nextAllowed = turn + gap
    return turn
  }

  func transmit(_ slot: Int, intended: Int64, hasLag: Bool, waited: Bool) {
    connections.slots[slot].busy = true
    connections.slots[slot].intended = intended
    connections.slots[slot].received = 0
    connections.slots[slot].waited = waited
    inFlight += 1
    if connections.slots[slot].link == .open {
      send(slot, hasLag: hasLag)
      return
    }
    connections.slots[slot].isUnsent = true
    connections.slots[slot].sent = last
    if connections.slots[slot].link == .closed { connect(slot) }
  }

  /// Renders and sends on an open connection.
  func send(_ slot: Int, hasLag: Bool) {
    let template = Int(connections.slots[slot].template)
    let user = users.isEmpty ? nil : users[slot]
    writer.render(template, row: Int(connections.slots[slot].row), user: user, key: nextKey)
    if let key = nextKey { nextKey = key + 1 }
    connections.slots[slot].parser.isHead = scenario.templates[template].isHead
    if scenario.templates[template].reads { connections.slots[slot].sink = takeSink() }
    connections.slots[slot].isUnsent = false
    connections.slots[slot].stamp = 0
    let now = clock.now()
    last = now
    connections.slots[slot].sent = now
    let waited = connections.slots[slot].waited
    recorder.sent(lag: hasLag ? now - connections.slots[slot].intended : nil, waited: waited, bytes: writer.buffer.count)
    let code = connections.send(slot, writer.buffer.bytes, writer.buffer.count)
    if code != 0 { fail(slot, .reset, code: code) }
  }

  private func takeSink() -> Int32 {
    if let sink = freeSinks.popLast() {
      sinks[Int(sink)].reset()
      return sink
    }
    sinks.append(ResponseSink())
    return Int32(sinks.count - 1)
  }

  // MARK: Pauses and users

  func pause(_ time: ThinkTime?) -> Int64 { time.map { $0.draw(&think) } ?? 0 }

  /// Between iterations.
  var iterationPause: Int64 { profile.think.map { pause($0) } ?? profile.thinkTime?.rawValue ?? 0 }

  /// How many users a ramp asks for at this moment; wakes those that come.
  func adjustUsers() {
    // The users of all loops take turns, so that each loop has its share of every level.
    let all = profile.users(at: last - start)
    let mine = min(connections.count, all / loops + (loop < all % loops ? 1 : 0))
    let before = activeUsers
    activeUsers = mine
    guard mine > before, last < end else { return }
    for slot in before..<mine where connections.slots[slot].parked {
      connections.slots[slot].parked = false
      schedule(slot, at: turn(last), .iteration)
    }
  }
}
