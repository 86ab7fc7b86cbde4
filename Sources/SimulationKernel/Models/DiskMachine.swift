// Operations on a disk as a state machine. Hot: two events an operation, of a closed queue one.

/// An operation, with all that it will need drawn when it comes: in every variant the same operation goes to the same place.
struct DiskOperation: BitwiseCopyable {
  var arrival: Double
  /// 0…1, of the head's way.
  var place: Double
  /// Without the way.
  var work: Double
}

struct DiskMachine: EventMachine, ~Copyable {
  private enum Kind { static let (arrival, done, flushed): (UInt32, UInt32, UInt32) = (0, 1, 2) }
  /// Operations that a scheduler looks through for each decision.
  private static let choiceMax = 1 << 16

  private let model: DiskModel
  private let service: Sampler
  private var arrivals: Stream
  private var places: Stream
  private var services: Stream
  private var waiting = Line<DiskOperation>()
  private var working = Pool<DiskOperation>()
  private var batch = Line<DiskOperation>()
  private var busy = 0
  private var inside = 0
  private var head: Double
  private var lastTime = 0.0
  private var done = 0
  private let warmUp: Int
  var responses = Tally()
  var flushes = 0
  var flushed = 0
  /// ∫ busy channels dt and ∫ operations inside dt, since `began`.
  var busyArea = 0.0
  var insideArea = 0.0
  var began = 0.0

  init(_ model: DiskModel, seed: UInt64, replication: Int) {
    self.model = model
    service = Sampler(model.service)
    arrivals = Stream(seed: seed, replication: replication, source: 0)
    places = Stream(seed: seed, replication: replication, source: 1)
    services = Stream(seed: seed, replication: replication, source: 2)
    head = places.uniform()
    // Of a horizon nothing is left out.
    warmUp = model.horizon == nil ? model.customers / 10 : 0
  }

  mutating func start(_ agenda: inout Agenda) {
    if let rate = model.rate { return agenda.schedule(Kind.arrival, after: arrivals.exponential() / rate) }
    for _ in 0..<model.depth { agenda.schedule(Kind.arrival, after: thought()) }
  }

  private mutating func thought() -> Double { model.think > 0 ? model.think * arrivals.exponential() : 0 }

  mutating func advance(to time: Double) {
    busyArea += Double(busy) * (time - lastTime)
    insideArea += Double(inside) * (time - lastTime)
    lastTime = time
  }

  @inline(__always) mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    advance(to: event.time)
    switch event.what & 3 {
    case Kind.arrival:
      if let rate = model.rate { agenda.schedule(Kind.arrival, after: arrivals.exponential() / rate) }
      come(&agenda)
      begin(&agenda)
    case Kind.done:
      busy &-= 1
      finish(working.remove(event.what >> 2), &agenda)
      begin(&agenda)
    default:
      busy &-= 1
      // Who waited before this flush ended is in the next one; who is answered now comes too late for it.
      let count = batch.count
      let isNextFull = waiting.count > 0
      if isNextFull { begin(&agenda) }
      for _ in 0..<count { if let operation = batch.popFirst() { finish(operation, &agenda) } }
      if !isNextFull { begin(&agenda) }
    }
  }

  @inline(__always) private mutating func come(_ agenda: inout Agenda) {
    inside &+= 1
    let isHeadMoved = !model.isSSD && model.isRandom
    let work = model.isSSD ? service.next(&services) + model.transfer : isHeadMoved ? model.turn * services.uniform() + model.transfer : model.transfer
    let operation = DiskOperation(arrival: agenda.now, place: isHeadMoved ? places.uniform() : 0, work: work)
    if !waiting.append(operation) { return agenda.refuse("more than \(waiting.count) operations wait for the disk") }
    if model.scheduler != .fifo, waiting.count > Self.choiceMax { agenda.refuse("more than \(Self.choiceMax) operations wait for the disk") }
  }

  @inline(__always) private mutating func begin(_ agenda: inout Agenda) {
    if model.commit == .group { return beginFlush(&agenda) }
    while busy < model.channels, let operation = choose() {
      busy &+= 1
      if model.commit == .each { (flushes, flushed) = (flushes + 1, flushed + 1) }
      guard let slot = working.insert(operation) else { return agenda.refuse("more than \(working.count) operations run") }
      agenda.schedule(Kind.done | slot << 2, after: way(to: operation) + operation.work + model.flush)
    }
  }

  private mutating func beginFlush(_ agenda: inout Agenda) {
    guard busy == 0, waiting.count > 0 else { return }
    busy = 1
    var time = model.flush
    let before = batch.count
    while let operation = choose() {
      time += way(to: operation) + operation.work
      if !batch.append(operation) { return agenda.refuse("more than \(batch.count) commits share a flush") }
    }
    flushes += 1
    flushed += batch.count - before
    agenda.schedule(Kind.flushed, after: time)
  }

  @inline(__always) private mutating func way(to operation: DiskOperation) -> Double {
    guard !model.isSSD, model.isRandom else { return 0 }
    let distance = abs(operation.place - head)
    head = operation.place
    return model.seek.time(distance)
  }

  /// Who is next.
  @inline(__always) private mutating func choose() -> DiskOperation? {
    if model.scheduler == .fifo || !model.isRandom || waiting.count < 2 { return waiting.popFirst() }
    var best = 0
    var shortest = Double.infinity
    for i in 0..<waiting.count {
      let ahead = waiting[i].place - head
      // The elevator goes one way only, and from the end back to the beginning (C-LOOK).
      let distance = model.scheduler == .shortest ? abs(ahead) : ahead >= 0 ? ahead : ahead + 2
      if distance < shortest { (best, shortest) = (i, distance) }
    }
    return waiting.remove(at: best)
  }

  @inline(__always) private mutating func finish(_ operation: DiskOperation, _ agenda: inout Agenda) {
    inside &-= 1
    done &+= 1
    if done > warmUp {
      responses.record(agenda.now - operation.arrival)
      if done &- warmUp == model.customers { agenda.stop() }
    } else if done == warmUp {
      (busyArea, insideArea, began, flushes, flushed) = (0, 0, agenda.now, 0, 0)
    }
    guard model.rate == nil else { return }
    if model.think > 0 { agenda.schedule(Kind.arrival, after: thought()) } else { come(&agenda) }
  }
}
