// The model `cache`: Zipf keys through one cache, optionally with scans (a run of keys that nobody
// asks for otherwise). Replications use the same keys in every arm (common random numbers), so that
// differences between policies carry no sampling noise. Nothing here reads a clock or a file.

import ExperimentModel
import Statistics

/// Why a simulation cannot run; the reason is for the author of the block.
public struct SimulationError: Error, Sendable, Hashable, CustomStringConvertible {
  public var cause: String
  public var remedy: String?
  public var description: String { cause + (remedy.map { "; \($0)" } ?? "") }
}

/// Runs a simulation cell: one result per arm, in the cell's order.
///
/// `hit_ratio` is the share of the readers' own requests that hit, with its 95 % interval over
/// replications (Student's t); `lfu_bound` is the ratio of a cache that knows the popularities. As
/// theory for `hit_ratio`: Che (lru) and its FIFO form (fifo). LFU and TinyLFU have no closed form, only the
/// bound above them, and neither has an arm with scans, whose requests are not independent. A quick run
/// makes a third of the requests.
///
/// - Throws: `SimulationError` for an unknown model or policy, for numbers out of range, and when `cancelled`.
public func simulate(_ cell: SimCell, quick: Bool, cancelled: () -> Bool) throws(SimulationError) -> [ArmResult] {
  guard cell.model == "cache" else {
    throw SimulationError(cause: "there is no model `\(cell.model)`", remedy: "the models are: cache")
  }
  let models = try cell.arms.map { arm throws(SimulationError) in try CacheModel(arm, quick: quick) }
  var results: [ArmResult] = []
  for (arm, model) in zip(cell.arms, models) {
    var ratios: [Double] = []
    var sampler = KeySampler.zipf(n: model.n, s: model.s)
    for replication in 0..<max(1, cell.replications) {
      if cancelled() { throw SimulationError(cause: "the simulation was interrupted") }
      var random = SeededRandom(seed: cell.seed, stream: 0x5EED_0000 + UInt64(replication))
      ratios.append(model.hitRatio(&sampler, &random))
    }
    results.append(model.result(arm, ratios))
  }
  return results
}

/// One arm of the model, checked and complete.
struct CacheModel {
  var n: Int
  var s: Double
  var capacity: Int
  var policy: CachePolicy
  /// Counted requests, after the warm-up.
  var requests: Int
  var warmUp: Int
  /// A scan of `scanLength` keys runs after every `scanEvery` requests; 0: none.
  var scanEvery: Int
  var scanLength: Int

  /// Keys so rare that this does not suffice (s above 1.5 or so) weigh less than the interval is wide.
  private static let longestWarmUp = 1e7

  init(_ arm: SimArm, quick: Bool) throws(SimulationError) {
    let place = arm.name.isEmpty ? "the simulation" : "arm `\(arm.name)`"
    func whole(_ name: String, _ standard: Double, _ range: ClosedRange<Double>) throws(SimulationError) -> Int {
      let value = arm.numbers[name] ?? standard
      guard range.contains(value), value == value.rounded() else {
        throw SimulationError(
          cause: "\(place): \(name) is \(value)",
          remedy: "give a whole number from \(Int(range.lowerBound)) to \(Int(range.upperBound))")
      }
      return Int(value)
    }
    n = try whole("n", 10_000, 1...10_000_000)
    capacity = try whole("capacity", 1_000, 0...10_000_000)
    let asked = try whole("requests", 60_000, 1...100_000_000)
    requests = quick ? max(min(asked, 1_000), asked / 3) : asked
    scanEvery = try whole("scan_every", 0, 0...100_000_000)
    scanLength = scanEvery > 0 ? try whole("scan_length", 0, 0...10_000_000) : 0
    s = arm.numbers["s"] ?? 0.9
    guard (0...5).contains(s) else {
      throw SimulationError(cause: "\(place): s is \(s)", remedy: "give a Zipf exponent from 0 to 5")
    }
    let word = arm.words["policy"] ?? CachePolicy.lru.rawValue
    guard let policy = CachePolicy(rawValue: word) else {
      throw SimulationError(
        cause: "\(place): there is no policy `\(word)`",
        remedy: "the policies are: \(CachePolicy.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self.policy = policy
    // Three fill times: by then a key's presence no longer depends on the empty start (e⁻³ of the keys
    // in play have not been asked for). LFU also has to learn the order of popularity, which takes until
    // the rarest key worth keeping has been seen a few times.
    let popularity = zipfPopularity(n: n, s: s)
    let fill = Che.characteristicTime(popularity: popularity, capacity: capacity)
    // A cache with room for all is full when the rarest key has come.
    let refill = 3 * (fill.isFinite ? fill : 1 / popularity[n - 1])
    let learning = policy == .lfu && (1..<n).contains(capacity) ? 8 / popularity[capacity - 1] : 0
    warmUp = Int(min(max(refill, learning), Self.longestWarmUp))
  }

  /// Share of hits after the warm-up, scans not counted.
  func hitRatio(_ sampler: inout KeySampler, _ random: inout SeededRandom) -> Double {
    let keys = n + scanLength
    switch policy {
    case .lru: return drive(ListCache(keys: keys, capacity: capacity, movesOnHit: true), &sampler, &random)
    case .fifo: return drive(ListCache(keys: keys, capacity: capacity, movesOnHit: false), &sampler, &random)
    case .lfu: return drive(LFUCache(keys: keys, capacity: capacity), &sampler, &random)
    case .tinylfu: return drive(AdmissionCache(keys: keys, capacity: capacity), &sampler, &random)
    }
  }

  /// Generic, so that the loop is specialised per policy and has no existential in it.
  private func drive<Cache: SimulatedCache>(
    _ empty: Cache, _ sampler: inout KeySampler, _ random: inout SeededRandom
  ) -> Double {
    var cache = empty
    var hits = 0
    var untilScan = scanEvery
    for i in 0..<(warmUp + requests) {
      let hit = cache.access(sampler.next(&random))
      if hit, i >= warmUp { hits += 1 }
      if scanLength > 0 {
        untilScan -= 1
        if untilScan == 0 {
          untilScan = scanEvery
          for key in 1...scanLength { _ = cache.access(n + key) }
        }
      }
    }
    return Double(hits) / Double(requests)
  }

  func result(_ arm: SimArm, _ ratios: [Double]) -> ArmResult {
    let interval = meanInterval(ratios, confidence: 0.95)
    let ratio = Estimate(sampleMean(ratios), low: interval.map { max(0, $0.low) }, high: interval.map { min(1, $0.high) })
    let bound = lfuBound(n: n, s: s, capacity: capacity)
    var result = ArmResult(
      name: arm.name, params: arm.numbers,
      metrics: ["hit_ratio": MetricValue(ratio, .share), "lfu_bound": MetricValue(Estimate(bound), .share)])
    guard scanLength == 0 else { return result }
    switch policy {
    case .lru: result.theory["hit_ratio"] = Che.hitRatio(n: n, s: s, capacity: capacity)
    case .fifo: result.theory["hit_ratio"] = Che.fifoHitRatio(n: n, s: s, capacity: capacity)
    case .lfu, .tinylfu: break
    }
    return result
  }
}
