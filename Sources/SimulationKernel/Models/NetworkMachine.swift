// The network as a state machine. Events: somebody comes (open), a user has thought (closed), a station has served somebody. Hot.

/// Somebody inside: in one line or at one server.
struct NetworkCustomer: InLine {
  var entered: Double
  /// At the station where it is.
  var service: Double
  var next: UInt32
}

struct NetworkMachine: EventMachine, ~Copyable {
  /// `served` is of the first station, and so on; above three bits stands who.
  private static let (arrival, thought, served): (UInt32, UInt32, UInt32) = (0, 1, 2)

  private let isOpen: Bool
  private let gap: Double
  private let users: Int
  private let think: Sampler?
  private let feedback: Double
  private let count: Int
  private let servers: Slots<Int>
  private let services: Slots<Sampler>
  private var serviceStreams: [Stream]
  private let customers: Int
  private let warmUp: Int
  private let step: Int
  private var arrivals: Stream
  private var thoughts: Stream
  private var returns: Stream
  private var people = Pool<NetworkCustomer>()
  private var left = 0
  private var courseSum = 0.0
  private var insideSince = 0.0
  var stations: Slots<ServiceStation>
  /// ∫ customers inside dt.
  var insideArea = 0.0
  var began = 0.0
  var sojourn = Tally()
  var course: [Double] = []

  init(_ model: NetworkModel, seed: UInt64, replication: Int, customers: Int, warmUp: Int, step: Int) {
    let number = model.stations.count
    var servers = Slots(number, 0)
    var services = Slots(number, Sampler(.constant(0)))
    let streams = (0..<number).map { Stream(seed: seed, replication: replication, source: 3 + $0) }
    for (i, station) in model.stations.enumerated() {
      servers[i] = station.servers
      services[i] = Sampler(station.service)
    }
    let stations = Slots(number, ServiceStation())
    isOpen = model.rate != nil
    gap = model.rate.map { 1 / $0 } ?? 0
    users = model.users
    think = model.think.map { Sampler($0) }
    feedback = model.feedback
    count = number
    self.servers = servers
    self.services = services
    serviceStreams = streams
    self.customers = customers
    self.warmUp = warmUp
    self.step = step
    arrivals = Stream(seed: seed, replication: replication, source: 0)
    thoughts = Stream(seed: seed, replication: replication, source: 1)
    returns = Stream(seed: seed, replication: replication, source: 2)
    self.stations = stations
  }

  mutating func start(_ agenda: inout Agenda) {
    if isOpen { return agenda.schedule(Self.arrival, after: gap * arrivals.exponential()) }
    for _ in 0..<users { agenda.schedule(Self.thought, after: pause()) }
  }

  private mutating func pause() -> Double { think?.next(&thoughts) ?? 0 }

  @inline(__always) mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    let kind = event.what & 7
    guard kind >= Self.served else {
      if kind == Self.arrival { agenda.schedule(Self.arrival, after: gap * arrivals.exponential()) }
      countInside(event.time)
      guard let slot = people.insert(NetworkCustomer(entered: event.time, service: 0, next: 0)) else {
        return agenda.refuse("more than \(people.count) customers are inside")
      }
      return join(slot, 0, &agenda)
    }
    let (place, slot) = (Int(kind &- Self.served), event.what >> 3)
    release(place, &agenda)
    if place &+ 1 < count {
      join(slot, place &+ 1, &agenda)
    } else if feedback > 0, returns.uniform() < feedback {
      join(slot, 0, &agenda)
    } else {
      countInside(event.time)
      leave(people.remove(slot), &agenda)
    }
  }

  @inline(__always) private mutating func join(_ slot: UInt32, _ place: Int, _ agenda: inout Agenda) {
    people[slot].service = services[place].next(&serviceStreams[place])
    if stations[place].busy < servers[place] {
      stations[place].work(1, agenda.now)
      return agenda.schedule(Self.served &+ UInt32(place) | slot << 3, after: people[slot].service)
    }
    stations[place].append(slot, &people)
  }

  /// A server is free, and takes who waits longest.
  @inline(__always) private mutating func release(_ place: Int, _ agenda: inout Agenda) {
    guard let slot = stations[place].popFirst(people) else { return stations[place].work(-1, agenda.now) }
    agenda.schedule(Self.served &+ UInt32(place) | slot << 3, after: people[slot].service)
  }

  @inline(__always) private mutating func leave(_ customer: NetworkCustomer, _ agenda: inout Agenda) {
    if !isOpen { agenda.schedule(Self.thought, after: pause()) }
    let time = agenda.now - customer.entered
    left &+= 1
    if step > 0 { note(time) }
    guard left > warmUp else {
      if left == warmUp { reset(agenda.now) }
      return
    }
    sojourn.record(time)
    if left &- warmUp == customers { agenda.stop() }
  }

  @inline(never) private mutating func note(_ time: Double) {
    courseSum += time
    if left % step == 0 {
      course.append(courseSum / Double(step))
      courseSum = 0
    }
  }

  @inline(__always) private mutating func countInside(_ now: Double) {
    insideArea += Double(people.count) * (now - insideSince)
    insideSince = now
  }

  private mutating func reset(_ now: Double) {
    settle(now)
    for place in 0..<count { stations[place].busyArea = 0 }
    (insideArea, began) = (0, now)
  }

  /// Brings what is integrated over time up to a moment.
  mutating func settle(_ now: Double) {
    countInside(now)
    for place in 0..<count { stations[place].work(0, now) }
  }
}
