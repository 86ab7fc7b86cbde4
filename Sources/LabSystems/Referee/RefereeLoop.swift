// The referee's one loop: waits, reads and stamps requests, answers them when they are due. It never judges and
// never measures a client; what it stamps goes to ArrivalLog, and from there to ControlPort.
//
// Hot. Budget: 10 µs of one core a request with everything, of which the three system calls (a share of epoll_wait,
// recvmsg with its stamp, send) are nine tenths. Hence no allocation for a whole request, one read buffer for all
// connections, two clock readings, and answers that were made before. Measured by Tests/Bench/referee.py.

import CRefereeShims
import Glibc

/// Not thread-safe: made and run by one thread.
final class RefereeLoop {
  static let readMax = 256 << 10
  private static let batchMax: Int32 = 256

  let options: RefereeOptions
  let epoll: Int32
  let log: ArrivalLog
  let control: ControlPort
  let answers: AnswerBytes
  let misbehaves: Bool
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: readMax, alignment: 64)
  private let listener: Int32
  private let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Int(batchMax))
  /// Readable when the referee is to end: signals, stdin, a test's pipe.
  private let endDescriptors: [Int32]

  var clock = KernelClock()
  var plan: ServicePlan
  var queue = DueQueue()
  var counts = RefereeCounts()
  var lateness = Lateness()
  var connections: [RefereeConnection] = []
  var freeSlots: [Int] = []
  /// The last time read, for asking cheaply whether something is due.
  var lastNow: Int64 = 0
  var isEnding = false
  private var accepted = 0
  private var cpuAtReset = ref_thread_cpu()

  init(_ given: RefereeOptions, endDescriptors: [Int32]) throws(LabError) {
    let options = try given.validated()
    self.options = options
    self.endDescriptors = endDescriptors
    log = try ArrivalLog(capacity: options.kept)
    plan = ServicePlan(options)
    answers = AnswerBytes(options)
    misbehaves = options.misbehaviour.periods.contains { $0 > 0 }
    epoll = try opened(ref_epoll_create(), "referee")
    if let path = options.unixPath {
      listener = try opened(ref_listen_unix(path, options.refuses ? 0 : 1), path)
    } else {
      let small: Int32 = options.slowRead > 0 ? 4_096 : 0
      listener = try opened(ref_listen_tcp(UInt16(options.port), options.refuses ? 0 : 1, small), "127.0.0.1:\(options.port)")
    }
    control = try ControlPort(port: options.controlPort, epoll: epoll)
    if !options.refuses { _ = try opened(ref_epoll_add(epoll, listener, EPOLLIN.rawValue, Tag.listener), "referee") }
    for descriptor in endDescriptors {
      // A file such as /dev/null cannot be waited for: then it does not end the referee either.
      _ = ref_epoll_add(epoll, descriptor, EPOLLIN.rawValue, Tag.end | UInt64(descriptor))
    }
  }

  deinit {
    for connection in connections where connection.descriptor >= 0 { ref_close(connection.descriptor) }
    ref_close(listener)
    control.closeAll()
    ref_close(epoll)
    buffer.deallocate()
    events.deallocate()
    if let path = options.unixPath { unlink(path) }
  }

  var ready: RefereeReady {
    RefereeReady(
      port: options.unixPath == nil ? Int(ref_port(listener)) : nil, controlPort: control.port, unixPath: options.unixPath)
  }

  /// Blocks until it is told to end.
  func run() {
    ref_tight_timers()
    while !isEnding {
      let count = ref_epoll_wait(epoll, events, Self.batchMax, waitTime())
      for i in 0..<max(0, Int(count)) {
        dispatch(events[i].data.u64, events[i].events)
        // A batch of 256 reads takes a millisecond: answers that come due meanwhile do not wait for its end.
        if queue.nextTime <= lastNow { answerDue() }
      }
      if queue.nextTime != .max { answerDue() }
    }
  }

  func reset() {
    log.reset()
    plan.reset()
    counts = RefereeCounts()
    lateness = Lateness()
    cpuAtReset = ref_thread_cpu()
  }

  var summary: ArrivalSummary {
    ArrivalSummary(log, counts: counts, lateness: lateness, clock: clock, cpu: ref_thread_cpu() - cpuAtReset)
  }

  /// Nanoseconds to sleep, leaving `spin` to poll in; negative for ever.
  private func waitTime() -> Int64 {
    if options.busy { return 0 }
    if queue.nextTime == .max { return -1 }
    return max(0, queue.nextTime - ref_now() - options.spin)
  }

  private func dispatch(_ data: UInt64, _ events: UInt32) {
    switch data & Tag.kinds {
    case Tag.client: clientEvent(slot: Int(data & 0xFFFF_FFFF), generation: UInt32(data >> 32), events)
    case Tag.listener: accept()
    case Tag.control: if control.handle(data, answer: answerControl) { isEnding = true }
    default: isEnding = endAsked(Int32(data & 0xFFFF_FFFF))
    }
  }

  /// stdin ends the referee by ending, everything else by being readable.
  private func endAsked(_ descriptor: Int32) -> Bool {
    if descriptor != 0 { return true }
    var scratch: (UInt64, UInt64) = (0, 0)
    return read(0, &scratch, 16) == 0
  }

  private func accept() {
    while true {
      let descriptor = ref_accept(listener)
      // Out of descriptors counts as "none waiting": the loop must go on for those that are here.
      if descriptor < 0 { return }
      let slot = freeSlots.popLast() ?? connections.count
      if slot == connections.count { connections.append(RefereeConnection()) }
      let generation = (connections[slot].generation &+ 1) & Tag.generationMax
      connections[slot] = RefereeConnection(descriptor: descriptor, generation: generation, number: accepted)
      accepted += 1
      counts.connections += 1
      _ = ref_epoll_add(epoll, descriptor, EPOLLIN.rawValue, Tag.of(slot: slot, generation: generation))
    }
  }
}

/// What an epoll event belongs to: the two high bits are the kind, then 30 bits of generation and 32 of slot.
enum Tag {
  static let kinds: UInt64 = 3 << 62
  static let client: UInt64 = 0
  static let listener: UInt64 = 1 << 62
  static let control: UInt64 = 2 << 62
  static let end: UInt64 = 3 << 62
  static let generationMax: UInt32 = (1 << 30) - 1
  static func of(slot: Int, generation: UInt32) -> UInt64 { UInt64(generation) << 32 | UInt64(slot) }
}

/// The descriptor, or what the system said.
func opened(_ result: Int32, _ place: String) throws(LabError) -> Int32 {
  if result >= 0 { return result }
  let remedy = result == -EADDRINUSE ? "take another port or path, or port 0 for any free one" : "see errno(3)"
  throw LabError(place: place, cause: String(cString: strerror(-result)), remedy: remedy)
}
