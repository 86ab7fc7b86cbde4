// The model `balancer`: one dispatcher, N servers with a FIFO queue each, some of them slow (day 11).

import ExperimentModel
import Statistics

struct BalancerModel: SimulatedModel {
  enum Policy: String { case random, rr, wrr, p2c, leastConn = "least_conn", hash, boundedHash = "bounded_hash" }

  let policy: Policy
  let service: Law
  let rate: Double
  let customers: Int
  let horizon: Double?
  /// Times that one service takes there, over those of a healthy server.
  let slowness: [Double]
  /// Share of the keys' requests that each server owns, for `hash`.
  private let keys: Int
  private let skew: Double
  let bound: Double
  private(set) var warmUp = 0

  init(_ p: Parameters) throws(SimulationError) {
    policy = Policy(rawValue: p.word("policy")) ?? .random
    service = try p.law("service")
    let (count, slow) = (p.whole("servers"), p.whole("slow"))
    guard slow <= count else { throw p.refusal("\(slow) of \(count) servers are slow", "give `slow` at most \(count)") }
    slowness = [Double](repeating: p.number("slow_factor"), count: slow) + [Double](repeating: 1, count: count - slow)
    let capacity = slowness.reduce(0) { $0 + 1 / $1 } / service.mean
    if p.given("rho") != nil, p.given("rate") != nil { throw p.refusal("both `rho` and `rate` are given", "leave one of them out") }
    rate = p.given("rate") ?? (p.given("rho") ?? 0.8) * capacity
    guard rate > 0, rate < 1e12 else { throw p.refusal("the arrival rate is \(shown(rate)) a second", "give a rate above 0") }
    horizon = p.givenSeconds("horizon")
    customers = horizon == nil ? p.size("customers", least: 1_000) : .max
    (keys, skew, bound) = (p.whole("keys"), p.number("s"), p.number("bound"))
    if horizon == nil {
      let shares: [Double] =
        switch policy {
        case .random, .rr: slowness.map { _ in 1 / Double(count) }
        case .hash: owned
        case .wrr, .p2c, .leastConn, .boundedHash: slowness.map { 1 / $0 / (capacity * service.mean) }
        }
      let loads = zip(shares, slowness).map { $0 * $1 * service.mean * self.rate }
      if let most = loads.max(), most >= 1 {
        throw p.refusal("ρ = \(shown(most)) at one server: its queue grows without bound under `\(policy.rawValue)`", "give `horizon:` to see how it grows")
      }
    }
  }

  /// The share of requests whose key each server owns.
  private var owned: [Double] {
    var shares = [Double](repeating: 0, count: slowness.count)
    for (i, share) in portableZipf(n: keys, s: skew).enumerated() { shares[Self.home(i + 1, slowness.count)] += share }
    return shares
  }

  /// Where a key lives: the same in every run.
  static func home(_ key: Int, _ servers: Int) -> Int {
    var z = UInt64(key) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z ^= z >> 27
    return Int(((z >> 32) &* UInt64(servers)) >> 32)
  }

  mutating func prepare(seed: UInt64, replications: Int, cancelled: () -> Bool) throws(SimulationError) {
    guard horizon == nil else { return }
    warmUp = try SimulationKernel.warmUp(customers: customers, most: 500_000, replications: replications) { index, sample, step throws(SimulationError) in
      var machine = machine(seed, index, sample, 0, step)
      _ = try run(&machine, cancelled: cancelled)
      return machine.course
    }
  }

  private func machine(_ seed: UInt64, _ index: Int, _ customers: Int, _ warmUp: Int, _ step: Int) -> BalancerMachine {
    BalancerMachine(
      self, seed: seed, replication: index, customers: customers, warmUp: warmUp, step: step,
      sampler: policy == .hash || policy == .boundedHash ? KeySampler.zipf(n: keys, s: skew) : .uniform(n: 1))
  }

  func replicate(seed: UInt64, index: Int, cancelled: () -> Bool) throws(SimulationError) -> Replication {
    var machine = machine(seed, index, customers, warmUp, 0)
    let end = try run(&machine, RunLimits(horizon: horizon ?? .infinity), cancelled: cancelled)
    var found = Replication(events: end.events)
    guard let mean = machine.sojourn.mean else { return found }
    found.values = ["mean": mean * 1e9, "queue_peak": Double(machine.peak)]
    for (name, q) in responseQuantiles { found.values[name] = machine.sojourn.quantile(q) * 1e9 }
    let sent = (0..<slowness.count).map { Double(machine.sent[$0]) }
    let total = sent.reduce(0, +)
    if total > 0 { found.values["imbalance"] = (sent.max() ?? 0) / (total / Double(sent.count)) }
    return found
  }

  // MARK: Theory

  private var prediction: (name: String, mean: Double)? {
    guard horizon == nil, service.isExponential, slowness.allSatisfy({ $0 == 1 }) else { return nil }
    let load = rate * service.mean / Double(slowness.count)
    switch policy {
    case .random: return ("N times M/M/1", 1 / (1 - load))
    case .rr, .wrr: return ("E_N/M/1", roundRobinMean(servers: slowness.count, load: load))
    // Exact for infinitely many servers only; 3 % off at 50.
    case .p2c: return slowness.count >= 50 ? ("Mitzenmacher’s Σ ρ^(2^i − 2), for many servers", twoChoicesMean(load: load)) : nil
    case .leastConn, .hash, .boundedHash: return nil
    }
  }

  var closedForm: String? { prediction?.name }
  var theory: [String: Double] { prediction.map { ["mean": $0.mean * service.mean * 1e9] } ?? [:] }
}

/// Mean time in system over the mean service when each of infinitely many M/M/1 queues is the shorter of two that were drawn:
/// Σ ρ^(2ⁱ − 2), i ≥ 1 (Vvedenskaya, Dobrushin and Karpelevich 1996; Mitzenmacher 2001).
public func twoChoicesMean(load: Double) -> Double {
  guard load < 1 else { return .infinity }
  var (sum, term, power) = (0.0, 1.0, load * load)
  while term > 1e-15 {
    sum += term
    // ρ^(2^(i+1) − 2) = ρ^(2^i − 2)·ρ^(2^i)
    term *= power
    power *= power
  }
  return sum
}

/// Mean time in system over the mean service behind a round robin of Poisson arrivals: each of N servers sees Erlang-N distances, and
/// E_N/M/1 has the mean 1/(1 − σ), where σ = A*(μ(1 − σ)) (Kleinrock I, 6.4).
public func roundRobinMean(servers: Int, load: Double) -> Double {
  guard load < 1 else { return .infinity }
  let rate = Double(servers) * load
  var sigma = load
  for _ in 0..<10_000 {
    let next = Portable.exp(-Double(servers) * Portable.log(1 + (1 - sigma) / rate))
    if abs(next - sigma) < 1e-14 { break }
    sigma = next
  }
  return 1 / (1 - sigma)
}

/// P(k) ∝ k^−s by this module's own mathematics.
func portableZipf(n: Int, s: Double) -> [Double] {
  let weights = (1...n).map { Portable.pow(Double($0), -s) }
  let total = weights.reduce(0, +)
  return weights.map { $0 / total }
}

/// Arrivals choose a server and wait in its line. A customer's departure is known the moment it comes, because its server works in order.
struct BalancerMachine: EventMachine, ~Copyable {
  private let model: BalancerModel
  private let service: Sampler
  private let gap: Double
  private let count: Int
  private let customers: Int
  private let warmUp: Int
  private let step: Int
  private var arrivals: Stream
  private var services: Stream
  private var choices: Stream
  private var keyStream: SeededRandom
  private var sampler: KeySampler
  /// Customers inside, and when the last of them will have left, of each server.
  private var inside: Slots<Int32>
  private var free: Slots<Double>
  /// Smooth weighted round robin: what each server is owed.
  private var owed: Slots<Double>
  private var turn = 0
  private var total = 0
  private var seen = 0
  var sent: Slots<Int>
  var sojourn = Tally()
  var peak: Int32 = 0
  var course: [Double] = []
  private var courseSum = 0.0

  init(
    _ model: BalancerModel, seed: UInt64, replication: Int, customers: Int, warmUp: Int, step: Int, sampler: KeySampler
  ) {
    self.model = model
    self.sampler = sampler
    service = Sampler(model.service)
    gap = 1 / model.rate
    count = model.slowness.count
    self.customers = customers
    self.warmUp = warmUp
    self.step = step
    arrivals = Stream(seed: seed, replication: replication, source: 0)
    services = Stream(seed: seed, replication: replication, source: 1)
    choices = Stream(seed: seed, replication: replication, source: 2)
    keyStream = SeededRandom(seed: seed, stream: 0x51D0_0000_0000 + UInt64(replication) << 16 + 3)
    inside = Slots(count, 0)
    free = Slots(count, 0)
    owed = Slots(count, 0)
    sent = Slots(count, 0)
  }

  mutating func start(_ agenda: inout Agenda) { agenda.schedule(0, after: gap * arrivals.exponential()) }

  mutating func handle(_ event: Event, _ agenda: inout Agenda) {
    guard event.what == 0 else {
      inside[Int(event.what) - 1] -= 1
      total -= 1
      return
    }
    agenda.schedule(0, after: gap * arrivals.exponential())
    let work = service.next(&services)
    let server = choose()
    let end = max(event.time, free[server]) + work * model.slowness[server]
    free[server] = end
    inside[server] += 1
    total += 1
    agenda.schedule(UInt32(server + 1), at: end)
    seen += 1
    let time = end - event.time
    if step > 0 {
      courseSum += time
      if seen % step == 0 {
        course.append(courseSum / Double(step))
        courseSum = 0
      }
    }
    guard seen > warmUp else { return }
    sojourn.record(time)
    sent[server] += 1
    if inside[server] > peak { peak = inside[server] }
    if seen - warmUp == customers { agenda.stop() }
  }

  private mutating func choose() -> Int {
    switch model.policy {
    case .random: return choices.index(below: count)
    case .rr:
      turn = turn + 1 == count ? 0 : turn + 1
      return turn
    case .wrr:
      // Each is given its weight, the richest pays for all: smooth, as nginx does it.
      var (best, sum) = (0, 0.0)
      for i in 0..<count {
        let weight = 1 / model.slowness[i]
        sum += weight
        owed[i] += weight
        if owed[i] > owed[best] { best = i }
      }
      owed[best] -= sum
      return best
    case .p2c:
      let a = choices.index(below: count)
      let b = choices.index(below: count)
      return inside[b] < inside[a] ? b : a
    case .leastConn:
      // From a random place on, so that equals are used alike.
      let start = choices.index(below: count)
      var best = start
      for k in 1..<max(2, count) {
        let i = start + k < count ? start + k : start + k - count
        if i < count, inside[i] < inside[best] { best = i }
      }
      return best
    case .hash: return BalancerModel.home(sampler.next(&keyStream), count)
    case .boundedHash:
      // Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2018): the next server with room.
      let room = Int32((model.bound * Double(total + 1) / Double(count)).rounded(.up))
      var server = BalancerModel.home(sampler.next(&keyStream), count)
      for _ in 0..<count where inside[server] >= room { server = server + 1 == count ? 0 : server + 1 }
      return server
    }
  }
}
