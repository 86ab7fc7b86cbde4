// Closed forms evaluated for an arm: what theory says the measured number should be. The formulas
// live in SimulationKernel; here an arm's spec is turned into their arguments.

import ExperimentModel
import SimulationKernel

enum Theories {
  /// Theory values by metric name for one arm.
  static func values(_ arm: LoadArm, _ metrics: [String: MetricValue]) -> [String: Double] {
    var values: [String: Double] = [:]
    if let ratio = hitRatio(arm), ratio > 0 { values["hit_ratio"] = ratio }
    if let share = staleShare(arm, metrics) { values["stale_share"] = share }
    values.merge(queue(arm)) { a, _ in a }
    return values
  }

  /// Response times of a route that only waits, or whose calls in parallel only wait: M/M/c behind one exponential wait,
  /// else the slowest of k waits where workers are not scarce. Empty where neither holds.
  static func responseTimes(_ arm: LoadArm) -> [String: Double] {
    guard arm.profile.requests.count == 1, let request = arm.profile.requests.first, request.method == "GET",
      let rate = arm.profile.rate, arm.profile.executor == .constantArrivalRate, arm.profile.arrivals == .poisson, arm.faults.isEmpty,
      let (role, route) = find(request.path, arm.system), let waits = onlyWaits(route, arm.system)
    else { return [:] }
    let quantiles = ArmMeasurement.quantiles
    if waits.k == 1, waits.callee == nil, case .exponential(let mean) = waits.wait, role.queueLimit >= 100 {
      let (c, service) = (role.workers, 1 / Double(mean.rawValue))
      let arrivals = rate / 1e9
      guard arrivals < Double(c) * service else { return [:] }
      let wait = mmcWait(servers: c, arrivalRate: arrivals, serviceRate: service)
      var values = ["queue_wait": wait, "mean": wait + 1 / service]
      for (name, q) in quantiles { values[name] = mmcSojourn(quantile: q, servers: c, arrivalRate: arrivals, serviceRate: service) }
      return values
    }
    let slowest = SlowestOf(waits.k, waits.wait)
    // Workers in use, by Little's law: of the page while its slowest call runs, of the calls while each runs.
    let busy = rate / 1e9 * slowest.mean
    let called = rate / 1e9 * Double(waits.k) * waits.wait.mean
    let own = waits.callee.map { $0 == role.name } ?? true
    guard busy + (own && waits.callee != nil ? called : 0) < 0.3 * Double(role.workers),
      waits.callee.map({ name in called < 0.3 * Double(arm.system.roles.first { $0.name == name }?.workers ?? 0) }) ?? true
    else { return [:] }
    var values = ["mean": slowest.mean]
    for (name, q) in quantiles { values[name] = slowest.quantile(q) }
    return values
  }

  /// A shorter run of this arm is another experiment: its faults and ramps are shorter too, or its queue only grows.
  static func dependsOnDuration(_ arm: LoadArm) -> Bool {
    if !arm.profile.stages.isEmpty || arm.faults.contains(where: { !$0.toxic.isEvent }) { return true }
    if queue(arm)["age_growth"] != nil { return true }
    guard arm.profile.requests.count == 1, let rate = arm.profile.rate, arm.profile.executor.isOpen,
      let (role, route) = find(arm.profile.requests[0].path, arm.system), let waits = onlyWaits(route, arm.system), waits.callee == nil
    else { return false }
    return rate / 1e9 * waits.wait.mean >= Double(role.workers)
  }

  private static func find(_ path: String, _ system: SystemSpec) -> (role: RoleSpec, route: RouteSpec)? {
    // Several instances, or an edge that answers itself or asks twice, is another queue.
    let isPlain = system.roles.allSatisfy { role in
      role.instanceCount == 1 && (role.edge.map { $0.cache == nil && $0.hedge == nil && $0.shape == nil && $0.limit == nil } ?? true)
    }
    guard isPlain else { return nil }
    for role in system.roles {
      for route in role.routes where route.method == "GET" && route.answers(path) { return (role, route) }
    }
    return nil
  }

  /// The wait behind a route, how often it is waited for at once, and the role that is called; nil when it does more.
  private static func onlyWaits(_ route: RouteSpec, _ system: SystemSpec) -> (k: Int, wait: WaitDistribution, callee: String?)? {
    var found: (k: Int, wait: WaitDistribution, callee: String?)?
    for stage in route.stages {
      switch stage.work {
      case .bytes: continue
      // Without its worker a request waits in no queue that these formulas know.
      case .wait(let spec) where found == nil && !spec.isAsync: found = (1, spec.distribution, nil)
      case .call(let spec) where found == nil && (spec.mode == .parallel || spec.k == 1):
        guard let target = find(spec.path, system), let inner = onlyWaits(target.route, system), inner.callee == nil else { return nil }
        found = (spec.k, inner.wait, target.role.name)
      default: return nil
      }
    }
    return found
  }

  /// Che's approximation for an LRU or FIFO cache in front of keys of known popularity.
  /// - Returns: 0 for a cache that is switched off; nil when there is no closed form for the arm.
  static func hitRatio(_ arm: LoadArm) -> Double? {
    guard let cache = firstCache(arm), let keys = keyDistribution(arm), cache.ttl == nil || isLong(cache.ttl, arm) else { return nil }
    guard let capacity = cache.capacity else { return nil }
    if capacity == 0 { return 0 }
    guard case .zipf(let n, let s) = keys, cache.bytes == nil else { return nil }
    if capacity >= n { return 1 }
    switch cache.policy {
    case .lru: return Che.hitRatio(n: n, s: s, capacity: capacity)
    case .fifo: return Che.fifoHitRatio(n: n, s: s, capacity: capacity)
    case .lfu, .tinylfu: return nil
    }
  }

  /// 1 − (1 − e^{−wT})/(wT): the share of hits that are older than the last write of their key, with
  /// w writes per key and second and time to live T.
  static func staleShare(_ arm: LoadArm, _ metrics: [String: MetricValue]) -> Double? {
    guard let cache = firstCache(arm), let ttl = cache.ttl, cache.invalidateOn == nil else { return nil }
    let total = arm.profile.requests.reduce(0) { $0 + $1.weight }
    let writes = arm.profile.requests.filter { $0.method != "GET" && $0.method != "HEAD" }
    guard arm.profile.journeys == nil, let write = writes.first, let n = write.key?.n, total > 0 else { return nil }
    guard let rate = arm.profile.rate ?? metrics["rate"]?.estimate.value else { return nil }
    let share = writes.reduce(0) { $0 + $1.weight } / total
    return ttlStaleShare(writeRate: rate * share / Double(n), ttl: ttl.seconds)
  }

  /// Mean of a cached arm from the uncached one: h·T_hit + (1 − h)·T_miss, with h from Che, T_miss the
  /// measured mean of the arm without a cache, T_hit the cached arm's `hit_time`.
  static func addMixture(to rows: inout [ArmResult], arms: [LoadArm]) {
    guard let baseline = rows.first, hitRatio(arms[0]) == 0, let miss = baseline.metrics["mean"]?.estimate.value else { return }
    for index in rows.indices.dropFirst() where index < arms.count {
      guard let h = hitRatio(arms[index]), h > 0, let hit = rows[index].metrics["hit_time"]?.estimate.value else { continue }
      rows[index].theory["mean"] = hitMixtureMean(hitRatio: h, hit: hit, miss: miss)
    }
  }

  static func firstCache(_ arm: LoadArm) -> CacheSpec? {
    // What passes an edge's cache, and what each of several instances sees, is another popularity.
    guard arm.system.roles.allSatisfy({ $0.edge?.cache == nil && $0.instanceCount == 1 }) else { return nil }
    for role in arm.system.roles {
      for route in role.routes {
        for stage in route.stages { if case .cache(let cache) = stage.work { return cache } }
      }
    }
    return nil
  }

  /// How the reads draw their keys.
  static func keyDistribution(_ arm: LoadArm) -> KeyDistribution? {
    // What a journey asks for depends on what it was told: no closed form knows that.
    arm.profile.journeys == nil ? arm.profile.requests.first { $0.method == "GET" }?.key : nil
  }

  /// A time to live that outlasts the run does not change the hit ratio.
  private static func isLong(_ ttl: Nanoseconds?, _ arm: LoadArm) -> Bool {
    guard let ttl else { return true }
    return ttl.seconds >= max(10, 2 * arm.profile.duration.seconds)
  }

  /// Che's line for a plot: hit ratio over capacities from `low` to `high`, 40 points evenly on a log axis.
  static func cheLine(_ arm: LoadArm, low: Double, high: Double) -> (x: [Double], y: [Double])? {
    guard case .zipf(let n, let s)? = keyDistribution(arm), low > 0, high > low else { return nil }
    let steps = 40
    var x: [Double] = []
    for i in 0...steps {
      let capacity = low * power(high / low, Double(i) / Double(steps))
      if x.last != capacity.rounded() { x.append(capacity.rounded()) }
    }
    return (x, x.map { Int($0) >= n ? 1 : Che.hitRatio(n: n, s: s, capacity: Int($0)) })
  }
}
