import ExperimentModel

/// What a worker has done, and what an observer outside its process knows besides: which messages came again, and whose
/// stages ran to the end twice. The role that is killed forgets; this does not.
struct WorkTally {
  private var consumed = 0
  private var batches = 0
  private var acked = 0
  private var redelivered = 0
  private var failed = 0
  private var deadLettered = 0
  private var duplicates = 0
  private var kills = 0
  private var waited = 0
  private var ages = AgeHistogram()
  /// Syncs of acknowledgements by processes that are gone.
  private var syncs = 0

  /// Messages below this place have been delivered by a process that is gone.
  private var seenBelow: UInt64 = 0
  /// Messages whose stages have run to the end and that are not acknowledged: only they can become duplicates.
  private var completed: Set<UInt64> = []

  mutating func began(_ batch: WorkBatch, now: Int64) {
    if !batch.deliveries.isEmpty { batches += 1 }
    consumed += batch.deliveries.count
    redelivered += batch.deliveries.count { $0.failures > 0 || $0.place < seenBelow }
    waited += batch.deliveries.reduce(0) { $0 + Int(max(0, now - $1.message.publishedAt)) }
  }

  /// A message's stages have run to the end.
  mutating func completed(_ place: UInt64) {
    if !completed.insert(place).inserted { duplicates += 1 }
  }

  mutating func failed(_ deliveries: Int) { failed += deliveries }

  mutating func acknowledged(_ done: [Delivery], dead: [Delivery], now: Int64) {
    acked += done.count
    deadLettered += dead.count
    for delivery in done {
      completed.remove(delivery.place)
      ages.record(now - delivery.message.publishedAt)
    }
  }

  mutating func died(nextRead: UInt64) {
    kills += 1
    seenBelow = max(seenBelow, nextRead)
  }

  mutating func add(_ acks: CommitQueue<Acknowledged.Entry>) { syncs += acks.syncs }

  func append(_ name: String, to counters: inout Counters, _ acks: CommitQueue<Acknowledged.Entry>) {
    counters.add(name, "consumed", consumed)
    counters.add(name, "batches", batches)
    counters.add(name, "acked", acked)
    counters.add(name, "redelivered", redelivered)
    counters.add(name, "failed", failed)
    counters.add(name, "dead_lettered", deadLettered)
    counters.add(name, "duplicates", duplicates)
    counters.add(name, "kills", kills)
    counters.add(name, "fsyncs", syncs + acks.syncs)
    counters.add(name, "wait_ns", waited)
    counters.add(name, "age_ns", ages.sum)
    counters.peak(name, "age_max_ns", ages.max)
    for (label, q) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] { counters.peak(name, "age_\(label)_ns", ages.quantile(q)) }
    for bucket in ages.filled { counters.add(name, "age_le.\(bucket.limit)", bucket.count) }
  }

  mutating func reset() {
    let (before, done) = (seenBelow, completed)
    self = WorkTally()
    seenBelow = before
    completed = done
  }
}
