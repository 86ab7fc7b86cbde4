// The same plan, rules and recorder as the epoll loop, over a transport of swift-nio. Everything runs on one event loop, which
// `@unchecked Sendable` stands for. Its timers are the event loop's: a send is late by some 50 µs, and the verdict says
// so when that is too much. Allocates per request, because the transports do.
//
// What is sent when is decided by LoadRules; here is how. +Reports takes what transports report.

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
    var rules: LoadRules
    var recorder: Recorder
    let users: [User]
    var regexes: [String: Regex<AnyRegexOutput>] = [:]
    private(set) var isFinished = false
    private var writer: RequestWriter
    private var raw: RawLog?
    private var cpuStart: Int64 = 0
    private var watch: ClockWatch
    private var timer: Scheduled<Void>?
    private var timerAt: Int64 = .max
    private var isPumping = false

    init(
      _ profile: LoadProfile, _ options: LoadOptions, _ scenario: Scenario, _ loop: any EventLoop, lanes count: Int,
      shared: SharedCounters
    ) {
      self.profile = profile
      self.options = options
      self.scenario = scenario
      self.loop = loop
      self.shared = shared
      writer = RequestWriter(scenario, seed: options.seed(profile))
      rules = LoadRules(profile, scenario, options, count: count)
      lanes = (0..<count).map { NIOLane($0) }
      let needsUser = scenario.variableCount > 0 || scenario.usesCookies
      users = needsUser ? (0..<count).map { _ in User(variables: scenario.variableCount) } : []
      recorder = Recorder(start: 0, windowLength: Nanoseconds(100_000_000))
      raw = RawLog(capacity: options.rawRows)
      watch = ClockWatch(options.clock)
      done = loop.makePromise(of: LoadRecord.self)
    }

    var now: Int64 { options.clock.now() }

    /// Begins the run; `done` gets its record.
    func begin() {
      watch.look()
      cpuStart = nb_thread_cpu()
      rules.begin(at: now + 1_000_000)
      let kept = recorder
      recorder = Recorder(
        start: rules.start, windowLength: rules.windowLength(options), named: scenario.names, seriesQuantile: options.stopWhen?.quantile,
        parts: options.partLength.map { PartRecorder(start: rules.start, end: rules.end, length: $0) },
        raw: raw.take() ?? RawLog(capacity: 0), requestNames: scenario.requestNames)
      recorder.openedBefore(kept)
      keepHouse()
    }

    // MARK: The pump

    /// Begins what is due and arms the timer for what comes next. What happens while it runs is seen by its own loop.
    func pump() {
      guard !isPumping, !isFinished else { return }
      isPumping = true
      defer { isPumping = false }
      beginning: while true {
        switch rules.next(now) {
        case .send(let order): transmit(order)
        case .refuse(let intended): refuse(intended, rules.lastConnectKind)
        case .wait: break beginning
        }
      }
      let ending = rules.ending(now)
      if ending == .drained { abandon() }
      if ending == .goesOn { arm(rules.wake(now)) } else { finish() }
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

    /// Counts an arrival that gets no lane at all.
    private func refuse(_ intended: Int64, _ kind: ErrorKind) {
      recorder.failed(kind, name: 0, now: now)
      recorder.unsent()
      guard recorder.keepsRaw else { return }
      recorder.keep(intended: intended, sent: nil, received: now, bytes: 0, connection: nil, status: 0, name: nil, kind: kind)
    }

    /// The drain is over: counts what the plan still held, and what is still on its way.
    private func abandon() {
      while let intended = rules.giveUp(now) {
        if recorder.lacksExample(.timeout) { recorder.keepExample(.timeout, FailureText.noConnection) }
        refuse(intended, .timeout)
      }
      for lane in lanes where lane.busy {
        if recorder.lacksExample(.timeout) { recorder.keepExample(.timeout, FailureText.drained) }
        recorder.failed(.timeout, name: name(lane), now: now)
        ended(lane, at: now)
        keepRaw(lane, status: 0, .timeout, now: now)
        lane.busy = false
      }
    }

    private func finish() {
      guard !isFinished else { return }
      isFinished = true
      timer?.cancel()
      watch.look()
      let now = now
      recorder.clockSteps(watch.steps)
      recorder.planned(rules.planned, begun: rules.begun)
      let span = rules.isOpen && !shared.isStopped ? max(1, rules.end - rules.start) : max(1, now - rules.start)
      let cpu = nb_thread_cpu() - cpuStart
      let unfinished = lanes.reduce(Int64(0)) { $0 + ($1.busy ? rules.inFlight.inside(from: $1.intended, to: now) : 0) }
      var record = recorder.finish(
        now: now, span: span, cpu: cpu, work: cpu, plannedRate: rules.plannedRate, counted: rules.inFlight.total(at: now),
        unfinished: unfinished)
      record.connections = transport?.connectionCount ?? 0
      record.partLength = options.partLength
      record.judge()
      transport?.closeAll()
      done.succeed(record)
    }

    /// Each 5 ms.
    private func keepHouse() {
      guard !isFinished else { return }
      watch.look()
      let now = now
      for lane in lanes where lane.busy && !lane.isUnsent && now - lane.sent > profile.timeout.rawValue {
        broke(lane, lane.number, .timeout, lane.received > 0 ? FailureText.noEnd : FailureText.noAnswer)
      }
      rules.adjustUsers(now)
      shared.publish(0, answered: recorder.answered, failed: recorder.failed)
      if let rule = options.stopWhen, let interval = rule.decide(recorder.series) {
        recorder.stopped(interval)
        shared.stop()
      }
      if let broken = options.abortWhen.first(where: { $0.isBroken(recorder.record, elapsed: Nanoseconds(now - rules.start)) }) {
        recorder.aborted(broken.text)
        shared.stop()
      }
      if rules.hasGivenUp(now) { shared.stop() }
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

    // MARK: Sending

    func transmit(_ order: LoadRules.Order) {
      guard let transport else { return }
      let lane = lanes[order.slot]
      lane.busy = true
      lane.number += 1
      lane.received = 0
      lane.intended = order.intended
      lane.waited = order.waited
      if order.isFirst, !users.isEmpty { users[order.slot].forget() }
      if transport.isOpen(lane) {
        send(lane, hasLag: order.hasLag)
        return
      }
      lane.isUnsent = true
      let number = lane.number
      transport.open(lane).whenComplete { [self] result in
        guard lane.number == number, lane.busy else { return }
        switch result {
        case .success: send(lane, hasLag: false)
        case .failure(let error): broke(lane, number, NIOConnector.kind(error, hasShaken: false), NIOConnector.text(error))
        }
      }
    }

    private func send(_ lane: NIOLane, hasLag: Bool) {
      let template = Int(rules.turns[lane.index].template)
      lane.isUnsent = false
      lane.sink.reset()
      lane.reads = scenario.templates[template].reads
      writer.render(template, row: Int(rules.turns[lane.index].row), user: users.isEmpty ? nil : users[lane.index])
      let now = now
      lane.sent = now
      recorder.sent(lag: hasLag ? now - lane.intended : nil, waited: lane.waited, bytes: writer.buffer.count)
      transport?.send(
        lane, ByteStoreView(bytes: writer.buffer.bytes, count: writer.buffer.count), isHead: scenario.templates[template].isHead)
    }
  }
#endif
