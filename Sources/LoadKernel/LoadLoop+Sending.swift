// How what the rules order gets onto its connection.

import CKernelShims
import ExperimentModel

extension LoadLoop {
  /// Arrivals closer than this are waited for on the clock alone: a look at the sockets takes a microsecond and the answer that it may
  /// find three more, which is what keeps two arrivals of a Poisson plan from being as close as they were meant.
  private static let near: Int64 = 3_000

  /// Begins everything that is due. A plan goes first: what became due during a send is sent before any answer is read.
  func beginAll() {
    while true {
      switch rules.next(last) {
      case .send(let order):
        transmit(order)
        if isPrecise { last = clock.now() }
      case .refuse(let intended): refuse(intended, rules.lastConnectKind)
      case .wait:
        guard isPrecise, rules.wake(last) - last < Self.near else { return }
        last = clock.now()
      }
    }
  }

  /// Counts an arrival that gets no connection at all.
  func refuse(_ intended: Int64, _ kind: ErrorKind) {
    recorder.failed(kind, name: 0, now: last)
    recorder.unsent()
    guard recorder.keepsRaw else { return }
    recorder.keep(intended: intended, sent: nil, received: last, bytes: 0, connection: nil, status: 0, name: nil, kind: kind)
  }

  func transmit(_ order: LoadRules.Order) {
    let slot = order.slot
    connections.slots[slot].busy = true
    connections.slots[slot].intended = order.intended
    connections.slots[slot].received = 0
    connections.slots[slot].waited = order.waited
    if order.isFirst, !users.isEmpty { users[slot].forget() }
    if connections.slots[slot].link == .open {
      send(slot, hasLag: order.hasLag)
      return
    }
    connections.slots[slot].isUnsent = true
    connections.slots[slot].sent = last
    if connections.slots[slot].link == .closed { connect(slot) }
  }

  /// Renders and sends on an open connection.
  func send(_ slot: Int, hasLag: Bool) {
    let template = Int(rules.turns[slot].template)
    let user = users.isEmpty ? nil : users[slot]
    writer.render(template, row: Int(rules.turns[slot].row), user: user)
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
}
