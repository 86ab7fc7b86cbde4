// Pages over a lossy path as a state machine. One event a packet that arrives: its acknowledgement. Hot; nothing is allocated but when
// a line grows, and buffers are kept from page to page.

/// The narrowest link, what waits before it, and what is lost behind it; all connections share it.
struct LossyPath {
  private let bandwidth: Double
  private let buffer: Double
  private let loss: Double
  /// Of periodic losses the distance; 0: random ones.
  private let every: Int
  private var position: Int
  private var losses: Stream
  private var free = 0.0
  private(set) var sent = 0

  init(_ model: LinkModel, seed: UInt64, replication: Int) {
    (bandwidth, buffer, loss) = (model.bandwidth, model.buffer, model.loss)
    losses = Stream(seed: seed, replication: replication, source: 0)
    every = model.isPeriodic && model.loss > 0 ? Int((1 / model.loss).rounded()) : 0
    position = every > 0 ? losses.index(below: every) : 0
  }

  mutating func clear() { free = 0 }

  /// - Returns: when the packet is through the link; nil: it is lost.
  @inline(__always) mutating func send(_ bytes: Double, at now: Double) -> Double? {
    sent &+= 1
    // Drawn also for what the buffer has no room for: in every variant the n-th packet has the same fate.
    let isLost: Bool
    if every > 0 {
      position = position &+ 1 == every ? 0 : position &+ 1
      isLost = position == 0
    } else {
      isLost = loss > 0 && losses.uniform() < loss
    }
    let start = max(free, now)
    if (start - now) * bandwidth + bytes > buffer { return nil }
    free = start + bytes / bandwidth
    return isLost ? nil : free
  }
}

struct LinkMachine: EventMachine, ~Copyable {
  private enum Kind { static let (ack, timer, request): (UInt32, UInt32, UInt32) = (0, 1, 2) }

  private let model: LinkModel
  /// Read by `pointee`: what swiftc 6.3 makes of a subscript of these for the thread sanitizer is no valid code.
  private let flows: UnsafeMutablePointer<LinkFlow>
  private var objectsLeft = 0
  /// Of objects that are asked for one by one: how many are.
  private var asked = 0
  private var requests: Stream
  private var pageEnd = 0.0
  var path: LossyPath
  /// Of objects, from the start of their page, or from their own request.
  var times = Tally()
  var pageSum = 0.0
  var repeated = 0

  init(_ model: LinkModel, seed: UInt64, replication: Int) {
    self.model = model
    path = LossyPath(model, seed: seed, replication: replication)
    requests = Stream(seed: seed, replication: replication, source: 1)
    flows = .allocate(capacity: model.connections)
    for i in 0..<model.connections {
      let extra = i < model.objects % model.connections ? 1 : 0
      (flows + i).initialize(to: LinkFlow(model, objects: model.objects / model.connections + extra))
    }
  }

  deinit {
    flows.deinitialize(count: model.connections)
    flows.deallocate()
  }

  mutating func start(_ agenda: inout Agenda) {
    (objectsLeft, pageEnd, asked) = (model.objects, 0, 0)
    path.clear()
    for i in 0..<model.connections {
      (flows + i).pointee.clear()
      if model.rate == nil { agenda.schedule(Kind.request | UInt32(i) << 2, at: model.requested) }
    }
    announce(&agenda)
  }

  private mutating func announce(_ agenda: inout Agenda) {
    guard let rate = model.rate, asked < model.objects else { return }
    agenda.schedule(Kind.request | UInt32(asked % model.connections) << 2, at: max(agenda.now, model.requested) + requests.exponential() / rate)
    asked += 1
  }

  mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    let i = Int(event.what >> 2)
    switch event.what & 3 {
    case Kind.ack:
      let segment = (flows + i).pointee.acknowledged(at: event.time)
      arrived(segment, i, at: event.time - model.rtt / 2)
      if objectsLeft == 0 {
        pageSum += pageEnd
        return agenda.stop()
      }
    case Kind.timer: (flows + i).pointee.timer(at: event.time)
    default:
      (flows + i).pointee.ask(at: model.rate == nil ? 0 : event.time - model.rtt / 2)
      announce(&agenda)
    }
    send(i, &agenda)
  }

  /// All that the window has room for.
  @inline(__always) private mutating func send(_ i: Int, _ agenda: inout Agenda) {
    while let next = (flows + i).pointee.next() {
      if next.isRepeated { repeated &+= 1 }
      let through = path.send(next.bytes, at: agenda.now)
      guard (flows + i).pointee.sent(next.segment, isLost: through == nil, at: agenda.now) else {
        return agenda.refuse("more than \(Line<UInt32>.countMax) packets are on their way")
      }
      if let through { agenda.schedule(Kind.ack | UInt32(i) << 2, at: through + model.rtt) }
    }
    if let time = (flows + i).pointee.timerToSet() { agenda.schedule(Kind.timer | UInt32(i) << 2, at: time) }
  }

  @inline(__always) private mutating func arrived(_ segment: UInt32, _ i: Int, at time: Double) {
    let ended = (flows + i).pointee.arrived(segment)
    guard !ended.isEmpty else { return }
    for object in ended { times.record(time - (flows + i).pointee.askedAt(object)) }
    objectsLeft -= ended.count
    pageEnd = max(pageEnd, time)
    // The client asks for the next one half a round trip before this acknowledgement is here.
    if model.order == .request { (flows + i).pointee.ask(at: 0) }
  }
}
