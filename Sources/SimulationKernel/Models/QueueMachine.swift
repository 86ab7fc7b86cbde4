// The queue G/G/c/K as a state machine. Two events a customer: it comes, it leaves. Hot.

/// Somebody who waits.
struct Job: BitwiseCopyable {
  var arrival: Double
  /// How long its service takes, drawn when it came: in every variant the same customer brings the same work.
  var service: Double
  /// Of its class, 0 first.
  var rank: Int32 = 1
}

/// In which order those who wait are served.
protocol WaitingLine: ~Copyable {
  init()
  var count: Int { get }
  /// - Returns: false when there is no room.
  mutating func append(_ job: Job) -> Bool
  mutating func next() -> Job?
}

struct FirstInFirstOut: WaitingLine, ~Copyable {
  private var line = Line<Job>()
  var count: Int { line.count }
  @inline(__always) mutating func append(_ job: Job) -> Bool { line.append(job) }
  @inline(__always) mutating func next() -> Job? { line.popFirst() }
}

struct LastInFirstOut: WaitingLine, ~Copyable {
  private var line = Line<Job>()
  var count: Int { line.count }
  mutating func append(_ job: Job) -> Bool { line.append(job) }
  mutating func next() -> Job? { line.popLast() }
}

/// By class, in a class by arrival; nobody is interrupted.
struct PriorityOrder: WaitingLine, ~Copyable {
  private var heap = KeyedHeap()
  private var jobs = Pool<Job>()
  var count: Int { heap.count }
  mutating func append(_ job: Job) -> Bool {
    guard let slot = jobs.insert(job) else { return false }
    return heap.push(slot, key: Double(job.rank))
  }
  mutating func next() -> Job? { heap.count > 0 ? jobs.remove(heap.pop().what) : nil }
}

/// The shortest service first; nobody is interrupted.
struct ShortestFirst: WaitingLine, ~Copyable {
  private var heap = KeyedHeap()
  private var jobs = Pool<Job>()
  var count: Int { heap.count }
  mutating func append(_ job: Job) -> Bool {
    guard let slot = jobs.insert(job) else { return false }
    return heap.push(slot, key: job.service)
  }
  mutating func next() -> Job? { heap.count > 0 ? jobs.remove(heap.pop().what) : nil }
}

/// What is counted of a queue, from the customer after the warm-up on.
struct QueueRecord: ~Copyable {
  var sojourn = Tally()
  var waitSum = 0.0
  var waited = 0
  var serviceSum = 0.0
  var urgent = 0
  var urgentWait = 0.0
  var arrived = 0
  var blocked = 0
  /// ∫ customers inside dt.
  var area = 0.0
  var began = 0.0
  /// Sums of sojourn of each `seriesStep` customers from the very first, for the warm-up cut.
  var series: [Double] = []
}

struct QueueMachine<Waiting: WaitingLine & ~Copyable>: EventMachine, ~Copyable {
  private static var arrival: UInt32 { 0 }
  private static var departure: UInt32 { 1 }

  private let between: Sampler
  private let service: Sampler
  private let servers: Int
  /// Most customers inside at one time.
  private let room: Int
  /// The share of customers with precedence; 0: one class.
  private let urgentShare: Double
  private let customers: Int
  private let warmUp: Int
  private var arrivals: Stream
  private var services: Stream
  private var classes: Stream
  private var line = Waiting()
  private var busy = 0
  private var started = 0
  private var lastTime = 0.0
  private let seriesStep: Int
  private var stepCount = 0
  private var stepSum = 0.0
  var record = QueueRecord()

  /// - Parameters:
  ///   - customers: services that are recorded, after `warmUp` that are not.
  ///   - seriesStep: customers of one point of the series; 0: no series.
  init(_ model: QueueModel, seed: UInt64, replication: Int, customers: Int, warmUp: Int, seriesStep: Int) {
    between = Sampler(model.between)
    service = Sampler(model.service)
    servers = model.servers
    room = model.room
    urgentShare = model.urgentShare
    self.customers = customers
    self.warmUp = warmUp
    self.seriesStep = seriesStep
    arrivals = Stream(seed: seed, replication: replication, source: 0)
    services = Stream(seed: seed, replication: replication, source: 1)
    classes = Stream(seed: seed, replication: replication, source: 2)
  }

  mutating func start(_ agenda: inout Agenda) { agenda.schedule(Self.arrival, after: between.next(&arrivals)) }

  @inline(__always) mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    record.area += Double(busy &+ line.count) * (event.time - lastTime)
    lastTime = event.time
    if event.what == Self.arrival {
      agenda.schedule(Self.arrival, after: between.next(&arrivals))
      var job = Job(arrival: event.time, service: service.next(&services))
      if urgentShare > 0, classes.uniform() < urgentShare { job.rank = 0 }
      record.arrived &+= 1
      if busy < servers {
        busy &+= 1
        begin(job, &agenda)
      } else if busy &+ line.count >= room {
        record.blocked &+= 1
      } else {
        if !line.append(job) { agenda.refuse("more than \(line.count) customers wait in the queue") }
      }
    } else if let job = line.next() {
      begin(job, &agenda)
    } else {
      busy &-= 1
    }
  }

  @inline(__always) private mutating func begin(_ job: Job, _ agenda: inout Agenda) {
    agenda.schedule(Self.departure, after: job.service)
    let wait = agenda.now - job.arrival
    let sojourn = wait + job.service
    started &+= 1
    if seriesStep > 0 { note(sojourn) }
    guard started > warmUp else {
      if started == warmUp { reset(agenda.now) }
      return
    }
    record.sojourn.record(sojourn)
    record.waitSum += wait
    if wait > 0 { record.waited &+= 1 }
    record.serviceSum += job.service
    if job.rank == 0 {
      record.urgent &+= 1
      record.urgentWait += wait
    }
    if started &- warmUp == customers { agenda.stop() }
  }

  @inline(never) private mutating func note(_ sojourn: Double) {
    stepSum += sojourn
    stepCount += 1
    if stepCount == seriesStep {
      record.series.append(stepSum / Double(seriesStep))
      (stepSum, stepCount) = (0, 0)
    }
  }

  private mutating func reset(_ now: Double) {
    record.area = 0
    record.arrived = 0
    record.blocked = 0
    record.began = now
  }
}

/// All customers inside share the servers equally (egalitarian processor sharing), each at most one server.
struct SharingMachine: EventMachine, ~Copyable {
  private let between: Sampler
  private let service: Sampler
  private let servers: Double
  private let room: Int
  private let customers: Int
  private let warmUp: Int
  private var arrivals: Stream
  private var services: Stream
  /// Work that each customer inside has had since the start, and when that was last brought up to date.
  private var attained = 0.0
  private var lastTime = 0.0
  private var inside = KeyedHeap()
  private var jobs = Pool<Job>()
  /// A departure that was announced before somebody came or went no longer holds.
  private var generation: UInt32 = 1
  private var left = 0
  private let seriesStep: Int
  private var stepSum = 0.0
  var record = QueueRecord()

  init(_ model: QueueModel, seed: UInt64, replication: Int, customers: Int, warmUp: Int, seriesStep: Int) {
    between = Sampler(model.between)
    service = Sampler(model.service)
    servers = Double(model.servers)
    room = model.room
    self.customers = customers
    self.warmUp = warmUp
    self.seriesStep = seriesStep
    arrivals = Stream(seed: seed, replication: replication, source: 0)
    services = Stream(seed: seed, replication: replication, source: 1)
  }

  mutating func start(_ agenda: inout Agenda) { agenda.schedule(0, after: between.next(&arrivals)) }

  mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    guard event.what == 0 || event.what == generation else { return }
    let count = Double(inside.count)
    attained += (event.time - lastTime) * min(1, servers / max(1, count))
    record.area += count * (event.time - lastTime)
    lastTime = event.time
    if event.what == 0 {
      agenda.schedule(0, after: between.next(&arrivals))
      let job = Job(arrival: event.time, service: service.next(&services))
      record.arrived += 1
      if inside.count >= room {
        record.blocked += 1
        return
      }
      guard let slot = jobs.insert(job), inside.push(slot, key: attained + job.service) else {
        agenda.refuse("more than \(inside.count) customers share the server")
        return
      }
    } else {
      let done = inside.pop()
      attained = max(attained, done.time)
      leave(jobs.remove(done.what), &agenda)
    }
    generation = generation == .max ? 1 : generation + 1
    if inside.count > 0 {
      agenda.schedule(generation, after: (inside.firstKey - attained) * max(1, Double(inside.count) / servers))
    }
  }

  private mutating func leave(_ job: Job, _ agenda: inout Agenda) {
    let sojourn = agenda.now - job.arrival
    left += 1
    if seriesStep > 0 {
      stepSum += sojourn
      if left % seriesStep == 0 {
        record.series.append(stepSum / Double(seriesStep))
        stepSum = 0
      }
    }
    guard left > warmUp else {
      if left == warmUp { (record.area, record.arrived, record.blocked, record.began) = (0, 0, 0, agenda.now) }
      return
    }
    record.sojourn.record(sojourn)
    record.waitSum += sojourn - job.service
    record.serviceSum += job.service
    if left - warmUp == customers { agenda.stop() }
  }
}
