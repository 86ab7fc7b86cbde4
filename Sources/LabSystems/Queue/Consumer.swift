import ExperimentModel
import NIOCore

/// Takes messages from a topic for a worker role: at least once, each batch acknowledged after its stages.
///
///     dispatch → take (a full batch, or what has lingered) → walk (sections of stages) → settle → acknowledge → dispatch
///
/// What is done is in an acknowledgement log; a restart knows nothing else. So the death of the role repeats what was
/// taken and not acknowledged, and nothing that was. Lives on the lab's loop.
final class Consumer {
  unowned let role: Role
  private let spec: WorkerSpec
  private let topic: Topic
  private let deadLetters: Topic?
  private let sections: [WorkSection]
  private let environment: any Environment
  private let folder: String

  private var acks: CommitQueue<Acknowledged.Entry>
  private var acknowledged: Acknowledged
  private var reader: LogReader
  /// Place of the next message to read that was never read in this life.
  private var nextRead: UInt64
  /// Messages from there on that a read under way brings.
  private var reserved = 0
  /// Of those, messages that were dropped meanwhile.
  private var reservedSkips = 0
  /// Messages after those that will be acknowledged instead of delivered.
  private var skips = 0
  /// Failed messages, in the order in which they are due again.
  private var retries = CircularBuffer<Delivery>()
  private var batches: [ObjectIdentifier: WorkBatch] = [:]
  private var isReading = false
  private var isDown = false
  private var isComingBack = false
  private var stalledUntil = Int64.min
  private var lingerTimer = Int64.max
  private var life = 0
  /// After the log failed: an acknowledgement that cannot be kept must not be given.
  private var isBroken = false
  /// Acknowledgements that were under way when the role was killed: the disk knows whether they count.
  private var unheard: [(done: [Delivery], dead: [Delivery])] = []
  var tally = WorkTally()

  /// Opens the acknowledgements and goes on where they end.
  init(
    _ spec: WorkerSpec, role: Role, topic: Topic, deadLetters: Topic?, sections: [WorkSection], environment: any Environment, folder: String
  ) throws(LogFailure) {
    self.spec = spec; self.role = role; self.topic = topic; self.deadLetters = deadLetters; self.sections = sections
    self.environment = environment; self.folder = folder
    let log = try AckLog(folder: folder)
    acks = Self.queue(log, environment)
    acknowledged = log.state
    nextRead = log.state.floor
    reader = LogReader(folder: topic.folder, next: log.state.floor)
    topic.consumer = self
    // Messages that an earlier process left wait for nobody to publish another one.
    if topic.end > nextRead { environment.at(environment.now) { [weak self] in self?.dispatch() } }
  }

  private static func queue(_ log: AckLog, _ environment: any Environment) -> CommitQueue<Acknowledged.Entry> {
    CommitQueue(environment: environment) { entries, sync in
      // One batch, one record, one sync; without a sync several may be written one after the other.
      var sum: SegmentedLog.Written?
      for entry in entries {
        switch log.append(entry, sync: sync) {
        case .failure(let failure): return .failure(failure)
        case .success(let written):
          sum = SegmentedLog.Written(
            first: sum?.first ?? written.first, bytes: (sum?.bytes ?? 0) + written.bytes, syncs: (sum?.syncs ?? 0) + written.syncs)
        }
      }
      return .success(sum ?? SegmentedLog.Written(first: 0, bytes: 0))
    }
  }

  /// Place of the first message that is neither taken nor dropped.
  var nextFresh: UInt64 { nextRead + UInt64(reserved + skips) }

  /// Messages that nobody has taken.
  var waiting: Int { topic.waiting }

  // MARK: Taking

  /// Fills free slots while there is a batch to take.
  func dispatch() {
    while !isReading, !isDown, !isBroken, environment.now >= stalledUntil, batches.count < role.slots, takeBatch() {}
  }

  /// One batch, if there is one to take now.
  private func takeBatch() -> Bool {
    let now = environment.now
    let due = retries.prefix { $0.dueAt <= now }.count
    let fresh = max(0, Int(topic.end) - Int(nextFresh))
    guard due + fresh > 0 else { return false }
    if due + fresh < spec.batch, let oldest = oldestAvailable(due), now < oldest + spec.linger.rawValue {
      linger(until: oldest + spec.linger.rawValue)
      return false
    }
    let again = (0..<min(due, spec.batch)).map { _ in retries.removeFirst() }
    let wanted = min(spec.batch - again.count, fresh)
    if wanted == 0 {
      begin(WorkBatch(again, skipped: []))
    } else {
      read(wanted, after: again)
    }
    return true
  }

  private func oldestAvailable(_ due: Int) -> Int64? {
    let times = [due > 0 ? retries.first?.dueAt : nil, topic.arrival(of: nextFresh)]
    return times.compactMap { $0 }.min()
  }

  private func linger(until time: Int64) {
    guard time < lingerTimer else { return }
    lingerTimer = time
    environment.at(time) { [self] in
      if lingerTimer == time { lingerTimer = .max }
      dispatch()
    }
  }

  /// Reads from the log, on a thread; one read at a time keeps the order.
  private func read(_ count: Int, after again: [Delivery]) {
    isReading = true
    let skipping = skips
    reserved = count + skipping
    reservedSkips = skipping
    skips = 0
    let (life, reader, end, wanted) = (life, reader, topic.end, reserved)
    environment.offload { () -> Result<[(place: UInt64, payload: [UInt8])], LogFailure> in
      do throws(LogFailure) { return .success(try reader.read(wanted, before: end)) } catch { return .failure(error) }
    } then: { [self] result in
      guard life == self.life else { return }
      isReading = false
      (reserved, reservedSkips) = (0, 0)
      switch result {
      case .failure: isBroken = true
      case .success(let records): taken(records, skipping: skipping, after: again)
      }
      dispatch()
    }
  }

  private func taken(_ records: [(place: UInt64, payload: [UInt8])], skipping: Int, after again: [Delivery]) {
    let skipped = records.prefix(skipping).map(\.place)
    nextRead += UInt64(records.count)
    topic.taken(below: nextRead)
    let fresh = records.dropFirst(skipping).compactMap { place, payload -> Delivery? in
      // After a restart some of what lies before the last acknowledgement is done already.
      guard !acknowledged.contains(place), let message = Message(payload) else { return nil }
      return Delivery(place: place, message: message, failures: acknowledged.failures[place] ?? 0, dueAt: environment.now)
    }
    guard !again.isEmpty || !fresh.isEmpty || !skipped.isEmpty else { return }
    begin(WorkBatch(again + fresh, skipped: skipped))
  }

  /// Drops up to `count` messages that wait, the oldest first; how many there were.
  func skip(_ count: Int) -> Int {
    let gone = min(count, max(0, Int(topic.end) - Int(nextFresh)))
    skips += gone
    return gone
  }

  // MARK: The walk through the stages

  private func begin(_ batch: WorkBatch) {
    batches[ObjectIdentifier(batch)] = batch
    tally.began(batch, now: environment.now)
    walk(batch)
  }

  /// Goes on until a stage says `later`. A loop and not recursion: a thousand messages may pass without waiting.
  private func walk(_ batch: WorkBatch) {
    batch.isWalking = true
    while batch.section < sections.count {
      let section = sections[batch.section]
      guard let delivery = next(in: batch, section) else {
        batch.section += 1
        batch.turn = 0
        continue
      }
      let exchange = batch.exchange
      exchange.reset()
      exchange.route = section.route
      exchange.variables = values(delivery, section.route)
      if section.isPerBatch { exchange.batch = batch.survivors.map { values($0, section.route) } }
      exchange.work = batch
      if role.telemetry != nil { follow(delivery, in: batch, section, exchange) }
      batch.isFinished = false
      role.walk(exchange)
      guard batch.isFinished else {
        batch.isWalking = false
        return
      }
    }
    batch.isWalking = false
    settle(batch)
  }

  /// Whose turn it is; nil at the end of the section.
  private func next(in batch: WorkBatch, _ section: WorkSection) -> Delivery? {
    if section.isPerBatch { return batch.turn == 0 ? batch.survivors.first : nil }
    while batch.turn < batch.deliveries.count, batch.deliveries[batch.turn].hasFailed { batch.turn += 1 }
    return batch.turn < batch.deliveries.count ? batch.deliveries[batch.turn] : nil
  }

  /// A message's span goes on in the trace that published it; a batch's is linked to those of its messages.
  private func follow(_ delivery: Delivery, in batch: WorkBatch, _ section: WorkSection, _ exchange: Exchange) {
    guard let reader = role.telemetry?.reader else { return }
    if section.isPerBatch {
      exchange.madeTrail.links = batch.survivors.map { reader.parent(of: $0.message) }.filter { !$0.isNone }
    } else {
      reader.read(delivery.message, into: exchange)
    }
  }

  private func values(_ delivery: Delivery, _ route: Route) -> [String] {
    route.variableNames.map { name in
      name == WorkerSpec.offsetVariable ? String(delivery.place) : delivery.message.value(of: name) ?? ""
    }
  }

  /// The role has led an exchange to its end: a message through a section, or a batch through a stage of its own.
  func finished(_ exchange: Exchange) {
    guard let batch = exchange.work else { preconditionFailure("a worker's exchange without its batch") }
    exchange.work = nil
    let those = sections[batch.section].isPerBatch ? batch.survivors : [batch.deliveries[batch.turn]]
    if exchange.answer.status >= 500 {
      those.forEach { $0.hasFailed = true }
    } else if batch.section == sections.count - 1 {
      // At once and not with the batch: what a kill in the middle of it repeats has happened all the same.
      those.forEach { tally.completed($0.place) }
    }
    batch.turn += 1
    batch.isFinished = true
    if !batch.isWalking { walk(batch) }
  }

  // MARK: Acknowledging

  /// What the stages came to: dead letters go to their topic first, then everything is acknowledged in one record.
  private func settle(_ batch: WorkBatch) {
    let failed = batch.deliveries.filter(\.hasFailed)
    let dead = deadLetters == nil ? [] : failed.filter { $0.failures >= spec.retries }
    if sections.isEmpty { batch.survivors.forEach { tally.completed($0.place) } }
    tally.failed(failed.count)
    guard let deadLetters, !dead.isEmpty else { return acknowledge(batch, dead: []) }
    var open = dead.count
    var kept: [Delivery] = []
    for delivery in dead {
      deadLetters.publish(delivery.message, .batch) { [self, life] outcome in
        if case .success = outcome { kept.append(delivery) }
        open -= 1
        if open == 0, life == self.life { acknowledge(batch, dead: kept) }
      }
    }
  }

  private func acknowledge(_ batch: WorkBatch, dead: [Delivery]) {
    let gone = Set(dead.map(\.place))
    let done = batch.survivors
    let again = batch.deliveries.filter { $0.hasFailed && !gone.contains($0.place) }
    let entry = Acknowledged.Entry(done: batch.skipped + done.map(\.place) + dead.map(\.place), failed: again.map(\.place))
    batch.submitted = (done, dead)
    acks.submit(entry, spec.fsync) { [self, life] outcome in
      guard life == self.life else { return }
      batches[ObjectIdentifier(batch)] = nil
      guard case .success = outcome else {
        isBroken = true
        return
      }
      acknowledged.apply(entry)
      topic.release(below: acknowledged.floor)
      tally.acknowledged(done, dead: dead, now: environment.now)
      retry(again)
      dispatch()
    }
  }

  private func retry(_ failed: [Delivery]) {
    guard !failed.isEmpty else { return }
    let due = environment.now + spec.backoff.rawValue
    for delivery in failed {
      delivery.failures += 1
      delivery.hasFailed = false
      delivery.dueAt = due
      retries.append(delivery)
    }
    environment.at(due) { [self] in dispatch() }
  }

  // MARK: Faults

  /// Takes nothing for a while; batches under way go on.
  func stall(until time: Int64) {
    stalledUntil = max(stalledUntil, time)
    if time < .max { environment.at(time) { [self] in dispatch() } }
  }

  func wake() {
    stalledUntil = .min
    dispatch()
  }

  /// The role's process is gone until `time`: everything in its memory is lost, then it starts as any process does.
  func kill(until time: Int64) {
    life += 1
    let started = life
    isDown = true
    isComingBack = false
    isReading = false
    stalledUntil = .min
    for batch in batches.values { batch.exchange.work = nil }
    unheard += batches.values.compactMap(\.submitted)
    batches.removeAll()
    retries.removeAll()
    acks.abandon()
    tally.died(nextRead: nextRead)
    (reserved, reservedSkips, skips) = (0, 0, 0)
    if time < .max { environment.at(time) { [self] in comeBack(started) } }
  }

  /// The process is back before its time.
  func revive() { comeBack(life) }

  private func comeBack(_ started: Int) {
    guard life == started, isDown, !isComingBack else { return }
    isComingBack = true
    // A write that the dead process had begun may still reach the disk; the new one opens the log after it.
    acks.idle { [self] in if life == started { restart() } }
  }

  private func restart() {
    let (folder, started) = (folder, life)
    environment.offload { () -> Result<AckLog, LogFailure> in
      do throws(LogFailure) { return .success(try AckLog(folder: folder)) } catch { return .failure(error) }
    } then: { [self] result in
      guard life == started else { return }
      guard case .success(let log) = result else {
        isBroken = true
        return
      }
      tally.add(acks)
      acks = Self.queue(log, environment)
      acknowledged = log.state
      for (done, dead) in unheard where (done + dead).first.map({ log.state.contains($0.place) }) == true {
        tally.acknowledged(done, dead: dead, now: environment.now)
      }
      unheard = []
      nextRead = log.state.floor
      reader = LogReader(folder: topic.folder, next: nextRead)
      isDown = false
      dispatch()
    }
  }

  // MARK: Counters

  func appendCounters(to counters: inout Counters) {
    let name = role.name
    let now = environment.now
    tally.append(name, to: &counters, acks)
    counters.add(name, "depth", topic.waiting)
    let held = batches.values.flatMap(\.deliveries) + retries
    // What is being read is taken, though not begun: a message is never in neither number.
    counters.add(name, "in_flight", held.count + reserved)
    counters.add(name, "unfinished", unfinished(held.count))
    let oldest = (held.map(\.message.publishedAt) + (topic.end > nextFresh ? [topic.arrival(of: nextFresh)] : []).compactMap { $0 }).min()
    counters.peak(name, "lag_ns", oldest.map { Int(max(0, now - $0)) } ?? 0)
  }

  /// Messages that a worker has or will still get: what was published is this, or done, dead or dropped, or it is lost.
  private func unfinished(_ held: Int) -> Int {
    // A process that is gone holds nothing, and its successor begins where the acknowledgements end.
    let first = isDown ? acknowledged.floor : nextFresh
    let waiting = Int(topic.end) - Int(first) - acknowledged.above.count { $0 >= first }
    return waiting + (isDown ? 0 : held + reserved - reservedSkips)
  }

  func resetCounters() {
    tally.reset()
    acks.resetCounters()
  }
}
