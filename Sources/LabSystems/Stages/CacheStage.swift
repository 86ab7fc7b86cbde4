import ExperimentModel
import NIOCore

/// A cache in front of the stages that follow it: a hit answers at once, a miss lets the request go on and
/// stores its answer afterwards.
///
///     lookup ─ L1 hit ──────────────────────────────→ answer (HIT)
///        └ miss ─ a load of the key is in flight ───→ wait for it, worker held (MISS)
///             └─ L2 hit ────────────────────────────→ fill L1, answer (HIT)
///                  └ miss ─ following stages ─ loaded ─→ fill L1 and L2, answer all (MISS)
///
/// Nothing prevents a load that read before a write from storing what it read after the invalidation.
/// Real caches have that race too; here it is counted, as stale hits.
final class CacheStage: Stage {
  /// A stored answer (always status 200).
  struct Stored {
    var answer: Answer
    var provenance: Provenance
  }

  let name: String
  let probe: StageProbe
  let spec: CacheSpec
  var isOff = false
  private let key: KeyTemplate
  private let memory: any BoundedCache<String, Stored>
  private let secondLevel: SecondLevel?
  private let writes: WriteLog
  private let environment: any Environment
  private var random: SeededRandom
  /// Requests that wait for the load of a key.
  private var flights: [String: [Exchange]] = [:]

  private var hits = 0
  private var misses = 0
  private var loads = 0
  private var staleHits = 0
  private var invalidations = 0
  private var dropped = 0
  private var base = (evictions: 0, expirations: 0, rejections: 0)

  /// A capacity of zero is a switch: no lookup hits, nothing is stored or joined.
  private var isDisabled: Bool { spec.capacity == 0 }

  init(
    _ spec: CacheSpec, name: String, key: KeyTemplate, seed: UInt64, writes: WriteLog,
    secondLevel: SecondLevel?, environment: any Environment
  ) {
    self.spec = spec; self.name = name; self.key = key; self.writes = writes
    self.secondLevel = spec.capacity == 0 ? nil : secondLevel
    self.environment = environment
    probe = StageProbe(name, .real)
    memory = makeCache(spec.policy, capacity: spec.capacity, byteLimit: spec.bytes)
    random = SeededRandom(seed: seed, stream: "cache:" + name)
  }

  // MARK: Lookup

  func enter(_ exchange: Exchange) -> StageStep {
    exchange.cacheState = .miss
    if isDisabled {
      misses += 1
      loads += 1
      return .next
    }
    let key = key.key(exchange.variables)
    if let stored = memory.value(for: key, now: environment.now) {
      serve(stored, to: exchange)
      return .answer
    }
    if spec.singleFlight {
      if flights[key] != nil {
        misses += 1
        flights[key]!.append(exchange)
        return .later
      }
      flights[key] = []
    }
    guard let secondLevel else {
      startLoad(key, exchange)
      return .next
    }
    secondLevel.get(key) { [self] stored in
      if let stored, stored.expires > environment.now {
        serve(stored.value, to: exchange)
        keep(stored.value, key, expires: stored.expires)
        land(key, exchange)
        exchange.route.role.complete(exchange)
      } else {
        startLoad(key, exchange)
        exchange.route.role.resume(exchange)
      }
    }
    return .later
  }

  private func serve(_ stored: Stored, to exchange: Exchange) {
    hits += 1
    if writes.hasWritten(since: stored.provenance) { staleHits += 1 }
    exchange.cacheState = .hit
    exchange.answer = stored.answer
    exchange.provenance = stored.provenance
  }

  private func startLoad(_ key: String, _ exchange: Exchange) {
    misses += 1
    loads += 1
    exchange.fills.append(.init(cache: self, key: key))
  }

  // MARK: Fill

  /// The stages after this one have produced an answer; errors are passed on but not stored.
  func loaded(_ key: String, by exchange: Exchange) {
    if exchange.answer.status == 200 {
      let stored = Stored(answer: exchange.answer, provenance: exchange.provenance)
      let expires = expiry()
      keep(stored, key, expires: expires)
      secondLevel?.set(key, stored, expires: expires, now: environment.now)
    }
    land(key, exchange)
  }

  private func keep(_ stored: Stored, _ key: String, expires: Int64) {
    memory.insert(stored, for: key, cost: stored.answer.body.readableBytes, expires: expires)
  }

  /// Answers everybody who waited for this key with what the leader got.
  private func land(_ key: String, _ leader: Exchange) {
    guard spec.singleFlight, let waiters = flights.removeValue(forKey: key) else { return }
    for waiter in waiters {
      waiter.answer = leader.answer
      waiter.provenance = leader.provenance
      waiter.route.role.complete(waiter)
    }
  }

  /// TTL ± jitter from now; the end of time without a TTL.
  private func expiry() -> Int64 {
    guard let ttl = spec.ttl else { return .max }
    var life = Double(ttl.rawValue)
    if spec.jitter > 0 { life *= 1 + spec.jitter * (2 * random.unit() - 1) }
    return environment.now + Int64(life)
  }

  // MARK: Dropping

  /// Invalidation by the route of `invalidateOn`. `.later`: `complete` is called once L2 has dropped it too.
  func drop(_ key: String, for exchange: Exchange) -> StageStep {
    if isDisabled || isOff { return .next }
    if memory.remove(key) { invalidations += 1 }
    guard let secondLevel else { return .next }
    secondLevel.delete(key) { exchange.route.role.complete(exchange) }
    return .later
  }

  /// The `expire` fault: every entry of both levels is gone at once and counts as expired.
  func expireAll() {
    dropped += memory.removeAll()
    secondLevel?.flush()
  }

  /// Empties both levels without counting.
  func clear() {
    memory.removeAll()
    secondLevel?.flush()
  }

  func processDied() { clear() }

  // MARK: Counters

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "hits", hits)
    counters.add(name, "misses", misses)
    counters.add(name, "loads", loads)
    counters.add(name, "evictions", memory.evictions - base.evictions)
    counters.add(name, "expired", memory.expirations - base.expirations + dropped)
    counters.add(name, "not_admitted", memory.rejections - base.rejections)
    counters.add(name, "stale_hits", staleHits)
    counters.add(name, "invalidations", invalidations)
    counters.add(name, "entries", memory.count)
    counters.add(name, "bytes", memory.bytes)
    secondLevel?.appendCounters(to: &counters, name)
  }

  func resetCounters() {
    hits = 0; misses = 0; loads = 0; staleHits = 0; invalidations = 0; dropped = 0
    base = (memory.evictions, memory.expirations, memory.rejections)
    secondLevel?.resetCounters()
  }
}
