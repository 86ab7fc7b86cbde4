// The loop: one thread, one epoll, no allocation and no reference counting per request. Open models
// send at the plan's times whatever the target does; a request without a free connection waits with
// its intended time. Measured against wrk in `make bench`.
//
// Waiting: epoll_pwait2 until 60 µs before the next send, then spinning on epoll_wait(0): a timer wakes
// up tens of µs late on a small virtual machine, a spin within 1 µs. `polite` leaves the spin out.

import CKernelShims
import ExperimentModel
import Glibc
import Statistics

public struct LoadEngine: Sendable {
  private let profile: LoadProfile
  private let target: LoadTarget

  public init(profile: LoadProfile, target: LoadTarget) throws(LoadError) {
    guard !profile.requests.isEmpty else {
      throw LoadError(id: "empty-scenario", cause: "the scenario has no request", remedy: "give one under `scenario:`")
    }
    self.profile = profile
    self.target = target
  }

  /// Runs the profile, or `options.measured` of it. Connections are open before the clock starts.
  ///
  /// - Throws: when no connection can be opened; what goes wrong later is counted in the record.
  public func run(
    _ options: LoadOptions = LoadOptions(), progress: ((LoadProgress) -> Void)? = nil,
    cancelled: () -> Bool = { false }
  ) throws(LoadError) -> LoadRecord {
    let loop = try LoadLoop(profile, target, options)
    return loop.run(progress, cancelled)
  }

  /// Sends requests of the scenario in a closed loop and forgets them.
  public func warm(requests: Int) throws(LoadError) {
    try warm(iterations: requests, topKeys: nil)
  }

  /// Asks once for each of the `topKeys` most popular keys.
  public func warm(topKeys: Int) throws(LoadError) {
    try warm(iterations: topKeys, topKeys: topKeys)
  }

  private func warm(iterations: Int, topKeys: Int?) throws(LoadError) {
    var warm = profile
    warm.executor = .sharedIterations
    warm.vus = 32
    warm.iterations = iterations
    warm.connections = nil
    warm.thinkTime = nil
    var options = LoadOptions()
    // Its own draws: the measured slices must not replay the keys that filled the cache.
    options.seedSalt = 0xFFFF_0001
    let loop = try LoadLoop(warm, target, options)
    if topKeys != nil { loop.nextKey = 1 }
    let record = loop.run(nil, { false })
    if record.completed == 0, let kind = record.errors.first {
      throw LoadError(id: "warm-failed", cause: "every warm-up request failed (\(kind.key))", remedy: "look at the lab's routes")
    }
  }
}

/// The state of one run; lives on the calling thread.
final class LoadLoop {
  private static let spinMargin: Int64 = 60_000

  private let profile: LoadProfile
  private let options: LoadOptions
  private let connections: Connections
  private var writer: RequestWriter
  private var plan: ArrivalPlan?
  private var think: SeededRandom
  private var recorder: Recorder
  private var free: [Int32] = []
  /// Intended times of due requests that have no connection yet.
  private var queue: [Int64] = []
  private var queueHead = 0
  private var inFlight = 0
  private var unsent = Int.max
  private var start: Int64 = 0
  private var end: Int64 = .max
  /// Sequential keys instead of drawn ones (warming).
  var nextKey: Int?

  init(_ profile: LoadProfile, _ target: LoadTarget, _ options: LoadOptions) throws(LoadError) {
    self.profile = profile
    self.options = options
    let seed = profile.seed &+ options.seedSalt &* 0x9E37_79B9_7F4A_7C15
    writer = RequestWriter(profile, target: target, seed: seed)
    plan = ArrivalPlan(profile, duration: options.measured, seed: seed)
    think = SeededRandom(seed: seed, stream: 4)
    let users = profile.executor == .rampingVUs
      ? Int(profile.stages.map(\.target).max() ?? 1) : profile.vus ?? 1
    let count = profile.executor.isOpen ? profile.connections ?? 64 : max(1, users)
    connections = try Connections(count: count, sendSize: writer.capacity, target: target)
    recorder = Recorder(start: 0, windowLength: Nanoseconds(100_000_000))
    for slot in 0..<count {
      let code = connections.open(slot)
      guard code == 0 else {
        let reason = String(cString: strerror(code))
        throw LoadError(
          id: "connect-failed", cause: "no connection to \(target.host):\(target.port): \(reason)",
          remedy: code == ECONNREFUSED ? "start the server first" : code == EMFILE ? "raise the limit with `ulimit -n`" : nil)
      }
    }
  }

  func run(_ progress: ((LoadProgress) -> Void)?, _ cancelled: () -> Bool) -> LoadRecord {
    nb_tight_timers()
    let duration = (options.measured ?? profile.duration).rawValue
    start = nb_now() + 1_000_000
    recorder = Recorder(start: start, windowLength: windowLength(duration))
    let isOpen = profile.executor.isOpen
    let rampEnd = profile.stages.reduce(Int64(0)) { $0 + $1.duration.rawValue }
    switch profile.executor {
    case .sharedIterations: unsent = profile.iterations ?? profile.vus ?? 1
    case .constantVUs: end = start + duration
    case .rampingVUs: end = start + rampEnd
    default: break
    }
    if isOpen {
      free = (0..<connections.count).reversed().map { Int32($0) }
      free.reserveCapacity(connections.count)
    } else {
      for slot in 0..<connections.count { connections.slots[slot].due = start }
    }
    let total: Int64? = isOpen ? Int64((plan?.duration ?? 0) * 1e9) : profile.executor == .sharedIterations ? nil : end - start

    let cpuStart = nb_thread_cpu()
    var nextIntended = plan?.next().map { $0 + start }
    var lastReport = start
    var lastSweep = start
    var stopped = false
    loop: while true {
      var now = nb_now()
      var wake: Int64 = .max
      if isOpen {
        while let due = nextIntended, due <= now {
          dispatch(intended: due, now: now)
          nextIntended = plan!.next().map { $0 + start }
          now = nb_now()
        }
        wake = nextIntended ?? .max
        if nextIntended == nil, inFlight == 0, queueHead == queue.count { break }
      } else {
        wake = sendDue(now)
        if inFlight == 0, wake == .max { break }
      }
      if now - lastSweep > 50_000_000 {
        sweepTimeouts(now)
        lastSweep = now
        if cancelled() {
          stopped = true
          break loop
        }
        if let progress, now - lastReport >= 100_000_000, now > start {
          lastReport = now
          let record = recorder.record
          progress(
            LoadProgress(
              elapsed: Nanoseconds(now - start), total: total.map { Nanoseconds($0) }, requests: recorder.answered,
              rate: Double(recorder.answered) / (Double(now - start) / 1e9),
              p99: Nanoseconds(record.response.quantile(0.99)), failed: record.failed))
        }
      }
      wait(until: min(wake, now + 50_000_000))
    }
    _ = stopped
    let finish = nb_now()
    let planned = plan.map { $0.expected / $0.duration }
    // The span of an open run is its plan: the drain after it is not time in which requests were due.
    let last = isOpen ? max(start + (total ?? 0), start + 1) : finish
    var record = recorder.finish(now: stopped ? finish : max(last, start + 1), cpu: nb_thread_cpu() - cpuStart, plannedRate: planned)
    record.connections = connections.count
    record.judge()
    return record
  }

  private func windowLength(_ duration: Int64) -> Nanoseconds {
    if let given = options.windowLength { return given }
    guard profile.executor != .sharedIterations else { return Nanoseconds(10_000_000) }
    let ramp = profile.stages.reduce(Int64(0)) { $0 + $1.duration.rawValue }
    return Nanoseconds(min(max((ramp > 0 ? ramp : duration) / 200, 10_000_000), 1_000_000_000))
  }

  // MARK: Sending

  private func dispatch(intended: Int64, now: Int64) {
    if let slot = free.popLast() {
      transmit(Int(slot), intended: intended, wasFree: true)
    } else {
      queue.append(intended)
    }
  }

  /// Sends for every user that is due; returns when the next one is, or .max.
  private func sendDue(_ now: Int64) -> Int64 {
    var next: Int64 = .max
    let active = profile.executor == .rampingVUs ? activeUsers(now) : connections.count
    for slot in 0..<connections.count {
      let due = connections.slots[slot].due
      if due == .max { continue }
      if unsent == 0 || now >= end {
        connections.slots[slot].due = .max
      } else if slot >= active {
        next = min(next, now + 10_000_000)
      } else if due <= now {
        connections.slots[slot].due = .max
        transmit(slot, intended: due == start ? max(due, nb_now()) : due, wasFree: true)
      } else {
        next = min(next, due)
      }
    }
    return next
  }

  private func activeUsers(_ now: Int64) -> Int {
    var from = 0.0
    var begin = start
    for stage in profile.stages {
      let finish = begin + stage.duration.rawValue
      if now < finish {
        return Int((from + (stage.target - from) * Double(now - begin) / Double(max(1, stage.duration.rawValue))).rounded())
      }
      from = stage.target
      begin = finish
    }
    return Int(from)
  }

  private func transmit(_ slot: Int, intended: Int64, wasFree: Bool) {
    let buffer = connections.send + slot * connections.sendSize
    let request: (count: Int, isHead: Bool)
    if let key = nextKey {
      request = writer.write(key: key, to: buffer) ?? writer.write(to: buffer)
      nextKey = key + 1
    } else {
      request = writer.write(to: buffer)
    }
    if unsent != .max { unsent -= 1 }
    let now = nb_now()
    connections.slots[slot].parser.isHead = request.isHead
    connections.slots[slot].intended = intended
    connections.slots[slot].sent = now
    connections.slots[slot].busy = true
    connections.slots[slot].outStart = 0
    connections.slots[slot].outEnd = request.count
    inFlight += 1
    recorder.sent(lag: wasFree ? now - intended : nil, bytes: request.count)
    flush(slot)
  }

  private func flush(_ slot: Int) {
    let base = connections.send + slot * connections.sendSize
    while connections.slots[slot].outStart < connections.slots[slot].outEnd {
      let n = Glibc.send(
        connections.slots[slot].descriptor, base + connections.slots[slot].outStart,
        connections.slots[slot].outEnd - connections.slots[slot].outStart, Int32(MSG_NOSIGNAL))
      if n > 0 {
        connections.slots[slot].outStart += n
      } else if errno == EAGAIN {
        connections.watchWrites(slot, true)
        return
      } else if errno != EINTR {
        fail(slot, "reset")
        return
      }
    }
  }

  // MARK: Waiting and receiving

  private func wait(until wake: Int64) {
    while true {
      let now = nb_now()
      var timeout = wake - now
      if timeout <= 0 {
        timeout = 0
      } else if !options.polite {
        timeout = timeout > Self.spinMargin ? timeout - Self.spinMargin : 0
      }
      let n = nb_epoll_wait(connections.epoll, connections.events, 256, timeout)
      if n > 0 {
        for i in 0..<Int(n) {
          let event = connections.events[i]
          let slot = Int(event.data.u64)
          if event.events & EPOLLOUT.rawValue != 0, connections.slots[slot].descriptor >= 0 {
            connections.watchWrites(slot, false)
            flush(slot)
          }
          if event.events & ~EPOLLOUT.rawValue != 0 { receive(slot) }
        }
        return
      }
      if nb_now() >= wake { return }
    }
  }

  private func receive(_ slot: Int) {
    guard connections.slots[slot].descriptor >= 0 else { return }
    let buffer = connections.receive + slot * Connections.receiveSize
    let room = Connections.receiveSize - connections.slots[slot].received
    let n = recv(connections.slots[slot].descriptor, buffer + connections.slots[slot].received, room, 0)
    if n < 0 {
      if errno == EAGAIN || errno == EINTR { return }
      fail(slot, "reset")
      return
    }
    if n == 0 {
      if connections.slots[slot].busy, connections.slots[slot].parser.end() == .done {
        complete(slot)
        reopen(slot)
      } else if connections.slots[slot].busy {
        fail(slot, "closed")
      } else {
        reopen(slot)
      }
      return
    }
    recorder.received(n)
    connections.slots[slot].received += n
    var used = 0
    let event = connections.slots[slot].parser.consume(buffer, connections.slots[slot].received, used: &used)
    let rest = connections.slots[slot].received - used
    if rest > 0, used > 0 { buffer.update(from: buffer + used, count: rest) }
    connections.slots[slot].received = rest
    switch event {
    case .needMore: if rest == Connections.receiveSize { fail(slot, "malformed") }
    case .malformed: fail(slot, "malformed")
    case .done:
      // Bytes that nobody asked for: the connection cannot be trusted with the next answer.
      let dirty = rest > 0 || !connections.slots[slot].busy
      if connections.slots[slot].busy {
        let keep = connections.slots[slot].parser.keepAlive && !dirty
        if !keep {
          recordAnswer(slot)
          reopen(slot)
          next(slot)
        } else {
          complete(slot)
        }
      } else {
        reopen(slot)
      }
    }
  }

  private func complete(_ slot: Int) {
    recordAnswer(slot)
    next(slot)
  }

  private func recordAnswer(_ slot: Int) {
    let entry = connections.slots[slot]
    connections.slots[slot].busy = false
    inFlight -= 1
    recorder.answered(
      intended: entry.intended, sent: entry.sent, now: nb_now(), status: entry.parser.status, cache: entry.parser.cache)
  }

  /// The connection is free again: the oldest waiting request, the user's next one, or the free list.
  private func next(_ slot: Int) {
    if profile.executor.isOpen {
      if queueHead < queue.count {
        let intended = queue[queueHead]
        queueHead += 1
        if queueHead == queue.count {
          queue.removeAll(keepingCapacity: true)
          queueHead = 0
        }
        transmit(slot, intended: intended, wasFree: false)
      } else {
        free.append(Int32(slot))
      }
      return
    }
    let now = nb_now()
    if let pause = profile.thinkTime, pause > .zero {
      connections.slots[slot].due = now + pause.rawValue
    } else if unsent > 0, now < end {
      if profile.executor == .rampingVUs {
        connections.slots[slot].due = now
      } else {
        transmit(slot, intended: nb_now(), wasFree: false)
      }
    }
  }

  // MARK: Failures

  private func fail(_ slot: Int, _ kind: String) {
    if connections.slots[slot].busy {
      connections.slots[slot].busy = false
      inFlight -= 1
      recorder.failed(kind, now: nb_now())
      reopen(slot)
      next(slot)
    } else {
      reopen(slot)
    }
  }

  private func reopen(_ slot: Int) {
    if connections.open(slot) != 0 {
      // Refused: the target is down. One failure a try; a pause keeps it from becoming a storm.
      recorder.failed("connect", now: nb_now())
      connections.slots[slot].due = profile.executor.isOpen ? .max : nb_now() + 10_000_000
      usleep(1_000)
      _ = connections.open(slot)
    }
  }

  private func sweepTimeouts(_ now: Int64) {
    let limit = profile.timeout.rawValue
    for slot in 0..<connections.count where connections.slots[slot].busy && now - connections.slots[slot].sent > limit {
      fail(slot, "timeout")
    }
  }
}
