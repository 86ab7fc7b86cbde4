// The CDN as a state machine: a request, a change of a key, and the arrival of its purge.

import Statistics

/// A change that the caches have not heard of.
struct KeyChange: BitwiseCopyable {
  var key: Int32
  var time: Double
}

struct CDNMachine: EventMachine, ~Copyable {
  private static let (request, change, purge): (UInt32, UInt32, UInt32) = (0, 1, 2)

  private let model: CDNModel
  private let n: Int
  private let pops: Int
  private let hasShield: Bool
  private let entriesEnd: Bool
  private var caches: [PolicyCache]
  private var arrivals: Stream
  private var places: Stream
  private var changes: Stream
  private var initial: Stream
  private var keyStream: SeededRandom
  private var changedKeys: SeededRandom
  private var sampler: KeySampler
  private var changeSampler: KeySampler
  /// When the origin gave what a cache has of a key, the shield's behind those of the POPs; −∞: nothing; NaN: nobody has asked yet.
  private var born: Slots<Double>
  /// The same of the steady state in which a run with a `ttl` shield begins.
  private var bornBefore: Slots<Double>
  private var changedAt: Slots<Double>
  private var purgedAt: Slots<Double>
  private var underWay = Line<KeyChange>()
  private var seen = 0
  var edgeHits = 0
  var originLoads = 0
  var stale = 0
  var began = 0.0

  /// All is computed before the first field is set: with fields read or changed in between, optimised code of Swift 6.3 frees `Slots` twice.
  init(_ model: CDNModel, seed: UInt64, replication: Int) {
    let (keys, shield, isSteady) = (model.n, model.shield, model.startsSteady)
    var caches = (0..<model.pops).map { _ in PolicyCache(model.policy, keys: keys, capacity: model.capacity) }
    if let shield { caches.append(PolicyCache(shield.policy, keys: keys, capacity: shield.capacity)) }
    let entries = model.entriesEnd ? caches.count * keys : 0
    let changing = model.purgeRate > 0 ? keys : 0
    let zipf = KeySampler.zipf(n: keys, s: model.s)
    let stream = 0x51D0_0000_0000 + UInt64(replication) << 16
    self.model = model
    n = keys
    pops = model.pops
    hasShield = shield != nil
    entriesEnd = model.entriesEnd
    self.caches = caches
    arrivals = Stream(seed: seed, replication: replication, source: 0)
    places = Stream(seed: seed, replication: replication, source: 1)
    changes = Stream(seed: seed, replication: replication, source: 2)
    initial = Stream(seed: seed, replication: replication, source: 3)
    keyStream = SeededRandom(seed: seed, stream: stream + 4)
    changedKeys = SeededRandom(seed: seed, stream: stream + 5)
    sampler = zipf
    changeSampler = model.purgesByPopularity ? zipf : .uniform(n: keys)
    born = Slots(entries, isSteady ? .nan : -.infinity)
    bornBefore = Slots(isSteady && shield != nil ? keys : 0, -.infinity)
    changedAt = Slots(changing, -.infinity)
    purgedAt = Slots(changing, -.infinity)
  }

  mutating func start(_ agenda: inout Agenda) {
    // Changes begin a delay before the requests, so that purges arrive from the first request on.
    let delay = model.purgeRate > 0 ? model.purgeDelay : 0
    if model.purgeRate > 0 { agenda.schedule(Self.change, after: changes.exponential() / model.purgeRate) }
    agenda.schedule(Self.request, after: delay + arrivals.exponential() / model.rate)
    began = delay
  }

  mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    switch event.what {
    case Self.request:
      agenda.schedule(Self.request, after: arrivals.exponential() / model.rate)
      ask(sampler.next(&keyStream), places.index(below: pops), event.time)
      seen += 1
      if seen == model.warmUp { (edgeHits, originLoads, stale, began) = (0, 0, 0, event.time) }
      if seen == model.warmUp + model.requests { agenda.stop() }
    case Self.change:
      agenda.schedule(Self.change, after: changes.exponential() / model.purgeRate)
      let key = changeSampler.next(&changedKeys)
      changedAt[key - 1] = event.time
      if underWay.count == 0 { agenda.schedule(Self.purge, at: event.time + model.purgeDelay) }
      if !underWay.append(KeyChange(key: Int32(key), time: event.time)) { agenda.refuse("more than \(underWay.count) purges are under way") }
    default:
      guard let change = underWay.popFirst() else { return }
      purgedAt[Int(change.key) - 1] = event.time
      if let next = underWay.first { agenda.schedule(Self.purge, at: next.time + model.purgeDelay) }
    }
  }

  @inline(__always) private mutating func ask(_ key: Int, _ pop: Int, _ now: Double) {
    let (here, central) = (pop * n + key - 1, pops * n + key - 1)
    if model.startsSteady { settle(key, pop, here, central) }
    if has(pop, key, here, now) {
      edgeHits += 1
      return
    }
    if hasShield {
      if has(pops, key, central, now) {
        // The age of an answer travels with it.
        if entriesEnd { born[here] = born[central] }
        return
      }
      if entriesEnd { born[central] = now }
    }
    originLoads += 1
    if entriesEnd { born[here] = now }
  }

  /// Whether a cache can answer; it takes note of the request.
  @inline(__always) private mutating func has(_ cache: Int, _ key: Int, _ entry: Int, _ now: Double) -> Bool {
    guard caches[cache].access(key) else { return false }
    guard entriesEnd else { return true }
    let time = born[entry]
    guard now - time < model.ttl else { return false }
    if purgedAt.count > 0 {
      guard time >= purgedAt[key - 1] else { return false }
      if changedAt[key - 1] > time { stale += 1 }
    }
    return true
  }

  // MARK: The steady state that a run with room for all keys begins in

  /// What a cache had of a key when the run began is drawn when somebody first asks for it: nothing can have happened to it before.
  private mutating func settle(_ key: Int, _ pop: Int, _ here: Int, _ central: Int) {
    if hasShield, born[central].isNaN {
      let time = drawn(key, rate: model.rate * model.popularity[key - 1])
      born[central] = time
      bornBefore[key - 1] = time
      // It was one of the POPs that loaded it.
      if time > -.infinity { born[initial.index(below: pops) * n + key - 1] = time }
    }
    guard born[here].isNaN else { return }
    let rate = model.rate * model.popularity[key - 1] / Double(pops)
    guard hasShield else {
      born[here] = drawn(key, rate: rate)
      return
    }
    // The other POPs have it if somebody has asked there since.
    let before = bornBefore[key - 1]
    let asked = before > -.infinity && initial.uniform() < 1 - Portable.exp(-rate * (firstTime - before))
    born[here] = asked ? before : -.infinity
  }

  private var firstTime: Double { model.purgeRate > 0 ? model.purgeDelay : 0 }

  /// Birth of an entry in the steady state of a cache that is asked for the key at this rate.
  private mutating func drawn(_ key: Int, rate: Double) -> Double {
    let purges = model.purgeRate(of: key - 1)
    let (u, v) = (initial.uniform(), initial.uniform())
    let alive = rate * EntryLife(ttl: model.ttl, purges: purges).mean
    guard u < alive / (1 + alive) else { return -.infinity }
    // The density of its age falls as e^(−wa) up to the end of its freshness.
    guard purges > 0 else { return firstTime - v * model.ttl }
    return firstTime + Portable.log(1 - v * (1 - Portable.exp(-purges * model.ttl))) / purges
  }
}
