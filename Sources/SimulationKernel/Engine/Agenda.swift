// What is going to happen, by time. Hot: every event passes through here once in and once out.
//
// A heap with four children a node (16 bytes an event, so that the four lie in one or two lines of the cache), in memory that
// is taken once and doubled when it is full. Measured beside a calendar queue (Brown 1988) whose buckets had the width that suited the
// events, nanoseconds for taking one, drawing and announcing the next, with 2 / 16 / 256 / 4,096 events to come: heap 12 / 31 / 62 / 92,
// calendar 21 / 25 / 25 / 28. The heap is the better one where most models are (a queue holds two to a few dozen events), has no width
// to be guessed, and no bad case when the events' distances change; a model of thousands of events pays a factor of three for that.

/// Something that happens at a time. `what` is the model's own number: which kind, of whom.
struct Event: BitwiseCopyable {
  /// Seconds from the start; in a heap of another order its key.
  var time: Double
  /// Of two at the same time the one that was announced first comes first, on every machine.
  fileprivate var order: UInt32
  var what: UInt32

  @inline(__always) fileprivate func isBefore(_ other: Event) -> Bool {
    time < other.time || (time == other.time && order < other.order)
  }
}

/// Numbers by a key, the least first, equal keys in the order in which they came.
struct KeyedHeap: ~Copyable {
  private var events: UnsafeMutablePointer<Event>
  private var capacity: Int
  private(set) var count = 0
  private var order: UInt32 = 0

  /// More than this at one time are refused: 64 MiB.
  static let countMax = 1 << 22

  init() {
    capacity = 64
    events = .allocate(capacity: capacity)
  }

  deinit { events.deallocate() }

  /// The least key; infinite when empty.
  var firstKey: Double { @inline(__always) get { count > 0 ? events[0].time : .infinity } }

  /// - Returns: false when there is no room, and never will be.
  @inline(__always) mutating func push(_ what: UInt32, key: Double) -> Bool {
    if count == capacity, !grow() { return false }
    order &+= 1
    let event = Event(time: key, order: order, what: what)
    var hole = count
    count &+= 1
    while hole > 0 {
      let parent = (hole &- 1) >> 2
      guard event.isBefore(events[parent]) else { break }
      events[hole] = events[parent]
      hole = parent
    }
    events[hole] = event
    return true
  }

  /// Takes out the first; the heap must not be empty.
  @inline(__always) mutating func pop() -> Event {
    assert(count > 0)
    let first = events[0]
    count &-= 1
    if count > 0 { sink(events[count]) }
    return first
  }

  /// Puts an event where the first was, and lets it sink.
  @inline(__always) private mutating func sink(_ event: Event) {
    var hole = 0
    while true {
      let child = hole &* 4 &+ 1
      guard child < count else { break }
      var least = child
      let end = child &+ 4 < count ? child &+ 4 : count
      var other = child &+ 1
      while other < end {
        if events[other].isBefore(events[least]) { least = other }
        other &+= 1
      }
      guard events[least].isBefore(event) else { break }
      events[hole] = events[least]
      hole = least
    }
    events[hole] = event
  }

  @inline(never) private mutating func grow() -> Bool {
    guard capacity < Self.countMax else { return false }
    let larger = UnsafeMutablePointer<Event>.allocate(capacity: capacity * 2)
    larger.moveInitialize(from: events, count: count)
    events.deallocate()
    (events, capacity) = (larger, capacity * 2)
    return true
  }
}

/// The events to come, earliest first, and the clock.
struct Agenda: ~Copyable {
  private var heap = KeyedHeap()
  private(set) var now = 0.0
  /// Set by a model that has seen enough.
  private(set) var isStopped = false
  /// Why it was stopped before its end: more was to be kept than there is room for.
  private(set) var overflow: String?

  /// When the next event happens; infinite when nothing is left.
  var nextTime: Double { @inline(__always) get { heap.firstKey } }

  /// Announces an event; one in the past happens now.
  @inline(__always) mutating func schedule(_ what: UInt32, at time: Double) {
    if !heap.push(what, key: time > now ? time : now) { refuse("more than \(KeyedHeap.countMax) events are to come at one time") }
  }

  @inline(__always) mutating func schedule(_ what: UInt32, after delay: Double) { schedule(what, at: now + delay) }

  /// Takes the next event out and moves the clock to it; there must be one.
  @inline(__always) mutating func next() -> Event {
    let event = heap.pop()
    now = event.time
    return event
  }

  mutating func stop() { isStopped = true }

  /// Ends the run with an error: something would grow without bound.
  @inline(never) mutating func refuse(_ cause: String) {
    if overflow == nil { overflow = cause }
    isStopped = true
  }
}
