// The same plan, recorder and rules as the epoll loop, over a transport of swift-nio. Everything runs on one event loop, which
// `@unchecked Sendable` stands for. Its timers are the event loop's: a send is late by some 50 µs, and the verdict says
// so when that is too much. Allocates per request, because the transports do.

#if canImport(NIOSSL) && canImport(NIOHTTP2)
  import CKernelShims
  import ExperimentModel
  import NIOCore
  import Statistics

  final class NIOLoadDriver: @unchecked Sendable {
    let profile: LoadProfile
    let options: LoadOptions
    let scenario: Scenario
    let loop: any EventLoop
    let shared: SharedCounters
    let lanes: [NIOLane]
    let done: EventLoopPromise<LoadRecord>
    var transport: (any NIOTransport)?
    private let isOpen: Bool
    private var writer: RequestWriter
    private var plan: ArrivalPlan?
    private var think: SeededRandom
    private var recorder: Recorder
    private var due: DueQueue
    private var free: [Int] = []
    private var users: [User]
    private var regexes: [String: Regex<AnyRegexOutput>] = [:]
    private var nextIntended: Int64?
    private var planned = 0
    private var begun = 0
    private var inFlight = 0
    private var sessions = 0
    private var cooling = 0
    private var lastConnectKind = ErrorKind.refused
    private var iterationsLeft = Int.max
    private var activeUsers: Int
    private var start: Int64 = 0
    private var end: Int64 = .max
    private var raw: RawLog?
    private var cpuStart: Int64 = 0
    private var watch: ClockWatch
    private var timer: Scheduled<Void>?
    private var timerAt: Int64 = .max
    private var isPumping = false
    private var isFinished = false
    private let gap: Int64
    private var nextAllowed: Int64 = 0

    init(
      _ profile: LoadProfile, _ options: LoadOptions, _ scenario: Scenario, _ loop: any EventLoop, lanes count: Int,
      shared: SharedCounters
    ) {
      self.profile = profile
      self.options = options
      self.scenario = scenario
      self.loop = loop
      self.shared = shared
      isOpen = profile.executor.isOpen
      let seed = profile.seed &+ options.seedSalt &* 0x9E37_79B9_7F4A_7C15
      writer = RequestWriter(scenario, seed: seed)
      plan = ArrivalPlan(profile, duration: options.measured, seed: seed)
      think = SeededRandom(seed: seed, stream: 4)
      lanes = (0..<count).map { NIOLane($0) }
      due = DueQueue(capacity: count)
      let needsUser = scenario.variableCount > 0 || scenario.usesCookies
      users = needsUser ? (0..<count).map { _ in User(variables: scenario.variableCount) } : []
      recorder = Recorder(start: 0, windowLength: Nanoseconds(100_000_000))
      raw = RawLog(capacity: options.rawRows)
      activeUsers = profile.executor == .rampingVUs ? 0 : count
      gap = options.maxRate.map { Int64(1e9 / max($0, 1e-3)) } ?? 0
      watch = ClockWatch(options.clock)
      done = loop.makePromise(of: LoadRecord.self)
    }

    private var now: Int64 { options.clock.now() }

    /// Begins the run; `done` gets its record.
    func begin() {
      watch.look()
      start = now + 1_000_000
      cpuStart = nb_thread_cpu()
      let duration = (options.measured ?? profile.duration).rawValue
      let ramp = profile.stages.reduce(Int64(0)) { $0 + $1.duration.rawValue }
      switch profile.executor {
      case .sharedIterations:
        let all = profile.iterations ?? profile.vus ?? 1
        if profile.iterationsPerUser == true { for lane in lanes { lane.left = all } } else { iterationsLeft = all }
      case .constantVUs: end = start + duration
      case .rampingVUs: end = start + ramp
      case .constantArrivalRate, .rampingArrivalRate: end = start + Int64((plan?.duration ?? 0) * 1e9)
      }
      let length = profile.executor == .sharedIterations ? 0 : (end - start) / 200
      recorder = Recorder(
        start: start, windowLength: options.windowLength ?? Nanoseconds(min(max(length, 10_000_000), 1_000_000_000)), named: scenario.names,
        seriesQuantile: options.stopWhen?.quantile, raw: raw.take() ?? RawLog(capacity: 0), requestNames: scenario.requestNames)
      if isOpen {
        free = lanes.indices.reversed()
        nextArrival()
      } else if profile.executor == .rampingVUs {
        for lane in lanes { lane.parked = true }
      } else {
        for lane in lanes { schedule(lane, at: start, .iteration) }
      }
      keepHouse()
      pump()
    }

    // MARK: The pump

    /// Begins what is due and arms the timer for what comes next.
    private func pump() {
      guard !isPumping, !isFinished else { return }
      isPumping = true
      defer { isPumping = false }
      while due.first <= now {
        let entry = due.pop()
        awake(lanes[entry.slot], at: entry.time)
      }
      if isOpen { dispatch() }
      if isOver() {
        finish()
        return
      }
      var next = due.first
      if isOpen, !free.isEmpty || cooling == lanes.count { next = min(next, nextIntended ?? .max) }
      arm(next)
    }

    private func arm(_ time: Int64) {
      guard time != .max else { return }
      if timer != nil, timerAt <= time, timerAt > now { return }
      timer?.cancel()
      timerAt = time
      timer = loop.scheduleTask(in: .nanoseconds(max(0, time - now))) { [self] in
        timer = nil
        pump()
      }
    }

    private func isOver() -> Bool {
      if isOpen {
        if nextIntended == nil, sessions == 0 { return true }
        guard now > end + (options.drain ?? profile.timeout).rawValue else { return false }
        while nextIntended != nil {
          recorder.failed(.timeout, name: 0, now: now)
          recorder.unsent()
          refusedRow(.timeout)
          nextArrival()
        }
        for lane in lanes where lane.busy {
          recorder.failed(.timeout, name: name(lane), now: now)
          keepRaw(lane, status: 0, .timeout, now: now)
        }
        return true
      }
      if now >= end, due.count > 0 { due.removeAll() }
      return inFlight == 0 && due.count == 0 && (end == .max || now >= end)
    }

    private func finish() {
      guard !isFinished else { return }
      isFinished = true
      timer?.cancel()
      watch.look()
      let now = now
      recorder.clockSteps(watch.steps)
      recorder.planned(planned, begun: begun)
      let span = isOpen && !shared.isStopped ? max(1, end - start) : max(1, now - start)
      let cpu = nb_thread_cpu() - cpuStart
      var record = recorder.finish(
        now: now, span: span, cpu: cpu, work: cpu, plannedRate: plan.map { $0.expected / max($0.duration, 1e-9) })
      record.connections = transport?.connectionCount ?? 0
      record.judge()
      transport?.closeAll()
      done.succeed(record)
    }

    private func keepHouse() {
      guard !isFinished else { return }
      watch.look()
      let now = now
      for lane in lanes where lane.busy && !lane.isUnsent && now - lane.sent > profile.timeout.rawValue {
        broke(lane, lane.number, .timeout, FailureText.noAnswer)
      }
      if profile.executor == .rampingVUs { adjustUsers() }
      shared.publish(0, answered: recorder.answered, failed: recorder.failed)
      if let rule = options.stopWhen, let interval = rule.decide(recorder.series) {
        recorder.stopped(interval)
        shared.stop()
      }
      if shared.isStopped {
        finish()
        return
      }
      loop.scheduleTask(in: .milliseconds(5)) { [self] in keepHouse() }
      pump()
    }

    /// The user ended the run.
    func markPartial() {
      recorder.partial()
      shared.stop()
      finish()
    }

    // MARK: Beginning

    private func nextArrival() {
      nextIntended = plan?.next().map { $0 + start }
      if nextIntended != nil { planned += 1 }
    }

    private func dispatch() {
      while let intended = nextIntended, intended <= now {
        guard let index = free.popLast() else {
          guard cooling == lanes.count else { return }
          recorder.failed(lastConnectKind, name: 0, now: now)
          recorder.unsent()
          refusedRow(lastConnectKind)
          if now <= end { begun += 1 }
          nextArrival()
          continue
        }
        beginSession(lanes[index], intended, waited: false)
      }
    }

    private func beginSession(_ lane: NIOLane, _ intended: Int64, waited: Bool) {
      if now <= end { begun += 1 }
      nextArrival()
      sessions += 1
      lane.left = max(1, profile.sessionLength ?? 1)
      beginIteration(lane, intended, hasLag: !waited, waited: waited)
    }

    private func awake(_ lane: NIOLane, at time: Int64) {
      let wake = lane.wake
      lane.wake = .none
      if lane.cooling {
        lane.cooling = false
        cooling -= 1
      }
      switch wake {
      case .none: break
      case .cool: release(lane)
      case .step: transmit(lane, time, hasLag: true, waited: false)
      case .iteration:
        if isOpen {
          beginIteration(lane, time, hasLag: true, waited: false)
        } else {
          beginUserIteration(lane, time == start ? now : time, hasLag: time != start)
        }
      }
    }

    private func beginUserIteration(_ lane: NIOLane, _ intended: Int64, hasLag: Bool) {
      guard now < end else { return }
      if lane.index >= activeUsers {
        lane.parked = true
        return
      }
      if profile.iterationsPerUser == true {
        guard lane.left > 0 else { return }
        lane.left -= 1
      } else if iterationsLeft != .max {
        guard iterationsLeft > 0 else { return }
        iterationsLeft -= 1
      }
      beginIteration(lane, intended, hasLag: hasLag, waited: false)
    }

    private func beginIteration(_ lane: NIOLane, _ intended: Int64, hasLag: Bool, waited: Bool) {
      lane.entry = writer.choose()
      lane.step = 0
      lane.template = Int(scenario.entries[lane.entry].firstTemplate)
      lane.row = writer.chooseRow(user: lane.index)
      if !users.isEmpty { users[lane.index].forget() }
      transmit(lane, intended, hasLag: hasLag, waited: waited)
    }

    private func schedule(_ lane: NIOLane, at time: Int64, _ wake: NIOLane.Wake) {
      lane.wake = wake
      due.push(time, lane.index)
      if !isPumping { arm(time) }
    }

    private func transmit(_ lane: NIOLane, _ intended: Int64, hasLag: Bool, waited: Bool) {
      guard let transport else { return }
      lane.busy = true
      lane.number += 1
      lane.received = 0
      lane.intended = intended
      lane.hasLag = hasLag
      lane.waited = waited
      inFlight += 1
      if transport.isOpen(lane) {
        send(lane)
        return
      }
      lane.isUnsent = true
      lane.hasLag = false
      let number = lane.number
      transport.open(lane).whenComplete { [self] result in
        guard lane.number == number, lane.busy else { return }
        switch result {
        case .success:
          recorder.opened()
          send(lane)
        case .failure(let error):
          let kind = NIOConnector.kind(error, hasShaken: false)
          recorder.connectFailed(kind)
          broke(lane, number, kind, NIOConnector.text(error))
        }
      }
    }

    private func send(_ lane: NIOLane) {
      lane.isUnsent = false
      lane.sink.reset()
      lane.reads = scenario.templates[lane.template].reads
      writer.render(lane.template, row: lane.row, user: users.isEmpty ? nil : users[lane.index])
      let now = now
      lane.sent = now
      recorder.sent(lag: lane.hasLag ? now - lane.intended : nil, waited: lane.waited, bytes: writer.buffer.count)
      transport?.send(
        lane, ByteStoreView(bytes: writer.buffer.bytes, count: writer.buffer.count), isHead: scenario.templates[lane.template].isHead)
    }

    // MARK: What transports report

    func received(_ bytes: Int) { recorder.received(bytes) }
    func unasked(_ bytes: UnsafeRawBufferPointer) {
      if let base = bytes.bindMemory(to: UInt8.self).baseAddress { recorder.unasked(base, bytes.count) }
    }

    /// The lane's connection is not to be used again.
    func dropped(_ lane: NIOLane) { transport?.abandon(lane) }

    func answered(_ lane: NIOLane, _ number: Int, status: Int, cache: Int) {
      guard lane.busy, lane.number == number, !isFinished else { return }
      let now = now
      let template = scenario.templates[lane.template]
      let user = users.isEmpty ? nil : users[lane.index]
      let failure = scenario.judge(template, status, lane.reads ? lane.sink : nil, user, regex: regex)
      lane.busy = false
      lane.failures = 0
      inFlight -= 1
      if let failure {
        if recorder.lacksExample(failure.kind) { recorder.keepExample(failure.kind, failure.text) }
        recorder.rejected(failure.kind, name: Int(template.name), intended: lane.intended, now: now, status: status)
      } else {
        recorder.completed(name: Int(template.name), intended: lane.intended, sent: lane.sent, now: now, status: status, cache: cache)
      }
      keepRaw(lane, status: status, failure?.kind, now: now)
      advance(lane, good: failure == nil)
      pump()
    }

    func broke(_ lane: NIOLane, _ number: Int, _ kind: ErrorKind, _ text: String) {
      guard lane.busy, lane.number == number, !isFinished else { return }
      if recorder.lacksExample(kind) { recorder.keepExample(kind, text) }
      // First: closing a stream reports its end at once, which must find nothing to count.
      lane.busy = false
      transport?.abandon(lane)
      lane.failures += 1
      inFlight -= 1
      recorder.failed(kind, name: name(lane), now: now)
      if lane.isUnsent { recorder.unsent() }
      keepRaw(lane, status: 0, kind, now: now)
      lane.isUnsent = false
      var pause: Int64 = 0
      if kind.isConnect {
        lastConnectKind = kind
        pause = min(10_000_000 << Int64(min(lane.failures - 1, 8)), 1_000_000_000)
      } else if lane.failures > 3 {
        pause = min(1_000_000 << Int64(min(lane.failures - 4, 8)), 20_000_000)
      }
      if pause > 0, kind.isConnect {
        lane.cooling = true
        cooling += 1
      }
      iterationEnded(lane, notBefore: pause > 0 ? now + pause : 0)
      if lane.cooling, lane.wake == .none {
        lane.cooling = false
        cooling -= 1
      }
      pump()
    }

    // MARK: What comes next

    private func advance(_ lane: NIOLane, good: Bool) {
      guard good, lane.step + 1 < Int(scenario.entries[lane.entry].steps) else {
        iterationEnded(lane, notBefore: 0)
        return
      }
      let pause = scenario.thinks[lane.template].map { $0.draw(&think) } ?? 0
      lane.step += 1
      lane.template += 1
      if !isOpen, now >= end { return }
      let at = turn(now + pause)
      if at > now { schedule(lane, at: at, .step) } else { transmit(lane, now, hasLag: false, waited: false) }
    }

    private func iterationEnded(_ lane: NIOLane, notBefore: Int64) {
      let pause = profile.think.map { $0.draw(&think) } ?? profile.thinkTime?.rawValue ?? 0
      if isOpen {
        lane.left -= 1
        guard lane.left > 0, notBefore == 0 else {
          sessions -= 1
          if notBefore > now { schedule(lane, at: notBefore, .cool) } else { release(lane) }
          return
        }
        if pause > 0 { schedule(lane, at: now + pause, .iteration) } else { beginIteration(lane, now, hasLag: false, waited: false) }
        return
      }
      let at = turn(max(now + pause, notBefore))
      if at > now {
        if at < end, iterationsLeft > 0 { schedule(lane, at: at, .iteration) }
      } else {
        beginUserIteration(lane, now, hasLag: false)
      }
    }

    private func release(_ lane: NIOLane) {
      if free.isEmpty, let intended = nextIntended, intended <= now {
        beginSession(lane, intended, waited: true)
      } else {
        free.append(lane.index)
      }
    }

    private func turn(_ time: Int64) -> Int64 {
      guard gap > 0, !isOpen else { return time }
      let turn = max(time, nextAllowed)
      nextAllowed = turn + gap
      return turn
    }

    private func adjustUsers() {
      let wanted = profile.users(at: now - start)
      let before = activeUsers
      activeUsers = min(lanes.count, wanted)
      guard activeUsers > before, now < end else { return }
      for index in before..<activeUsers where lanes[index].parked {
        lanes[index].parked = false
        schedule(lanes[index], at: turn(now), .iteration)
      }
    }

    private func keepRaw(_ lane: NIOLane, status: Int, _ kind: ErrorKind?, now: Int64) {
      guard recorder.keepsRaw else { return }
      recorder.keep(
        intended: lane.intended, sent: lane.isUnsent ? nil : lane.sent, received: now, bytes: lane.received, connection: lane.index,
        status: status, name: name(lane), kind: kind)
    }

    private func refusedRow(_ kind: ErrorKind) {
      guard recorder.keepsRaw, let intended = nextIntended else { return }
      recorder.keep(intended: intended, sent: nil, received: now, bytes: 0, connection: nil, status: 0, name: nil, kind: kind)
    }

    private func name(_ lane: NIOLane) -> Int { Int(scenario.templates[lane.template].name) }

    private func regex(_ pattern: String) -> Regex<AnyRegexOutput>? {
      if let known = regexes[pattern] { return known }
      guard let made = try? Regex(pattern) else { return nil }
      regexes[pattern] = made
      return made
    }
  }
#endif
