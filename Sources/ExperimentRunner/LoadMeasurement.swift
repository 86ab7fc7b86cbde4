// From slices to metric values. Times come from merged histograms, shares and means from batches
// (windows of the generator, samples of the lab's counters), counts are exact.

import ExperimentModel
import LoadKernel
import Statistics

/// One arm with its slices, and what can be read off them.
struct ArmMeasurement {
  let arm: LoadArm
  let slices: [Slice]
  let merged: LoadRecord
  /// One slice among others: its values are paired with another's, so they need no intervals.
  let isPart: Bool

  init(_ arm: LoadArm, _ slices: [Slice], isPart: Bool = false) {
    self.arm = arm
    self.slices = slices
    self.isPart = isPart
    var merged = slices[0].record
    for slice in slices.dropFirst() { merged.merge(slice.record) }
    self.merged = merged
  }

  /// The first cache on the way, the edge's or a stage; its counters are what `hit_ratio` and `origin_requests` mean.
  var cacheName: String? {
    if let edge = arm.system.frontEdge, edge.edge?.cache != nil { return edge.name }
    for role in arm.system.roles {
      for route in role.routes {
        for stage in route.stages { if case .cache = stage.work { return stage.name } }
      }
    }
    return nil
  }

  /// A slice of a run that ends by count is a whole experiment, so its counts are per slice.
  var countsPerRun: Bool { arm.profile.executor == .sharedIterations && slices.count > 1 }

  func metrics() -> [String: MetricValue] {
    var out: [String: MetricValue] = [:]
    func put(_ name: String, _ estimate: Estimate?) {
      if let estimate, estimate.value.isFinite, let metric = Metric.named(name) {
        out[name] = MetricValue(estimate, metric.unit)
      }
    }
    let response = merged.response
    if response.count > 0 {
      put("mean", meanResponse())
      put("http_req_duration", meanResponse())
      for (name, q) in Self.quantiles {
        put(name, merged.responseQuantile(q))
      }
      put("max", Estimate(Double(response.max)))
      put("http_req_service", Estimate(merged.service.mean))
    }
    let runs = countsPerRun ? Double(slices.count) : 1
    put("http_reqs", Estimate(Double(merged.completed + merged.failed) / runs))
    put("http_req_failed", Estimate(Double(merged.failed) / Double(max(1, merged.completed + merged.failed))))
    if merged.checked > 0 { put("checks", Estimate(Double(merged.passed) / Double(merged.checked))) }
    put("rate", Estimate(merged.achievedRate))
    put("send_lag", Estimate(Double(merged.sendLag.quantile(0.99))))
    put("in_flight", Estimate(merged.inFlightMean))
    put("bytes_in", Estimate(Double(merged.bytesIn) / runs))
    put("bytes_out", Estimate(Double(merged.bytesOut) / runs))
    put("generator_cpu", Estimate(merged.generatorCPUShare))

    for (name, value) in observation.metrics where name != "cpu_per_req" && name != "rss" { put(name, Estimate(value)) }
    // A slice alone is read for other figures, once for each of them: no resampling there.
    if !isPart { for (name, value) in twinRatios(["mean", "p99"]) { put("\(name)_over_twin", value) } }
    let total = counterTotals()
    let seconds = merged.elapsed.seconds
    if let requests = total["origin.requests"], requests > 0 {
      put("cpu_per_req", ratio("process.cpu_ns", ["origin.requests"]))
      put("queue_wait", ratio("origin.queue_wait_ns", ["origin.requests"]))
    }
    putEdge(total, runs, put)
    putFaults(total, runs, put)
    putQueue(total, runs, put)
    putHeap(total, runs, put)
    if let role = arm.system.firstOrigin?.name, let requests = total["\(role).requests"], requests > 0 {
      put("queue_peak", slices.compactMap { $0.counters["\(role).queue_peak"] }.max().map { Estimate($0) })
      put("shed_share", ratio("\(role).rejected", ["\(role).requests"]))
      put("concurrency", total["\(role).inside_ns"].map { Estimate($0 / Double(max(1, merged.elapsed.rawValue))) })
    }
    if let trend = memoryTrend(memory, limit: .infinity) { put("rss_growth", trend.perRequest) }
    if let rss = slices.last?.counters["process.rss_bytes"] { put("rss", Estimate(rss)) }
    if let cache = cacheName {
      put("hit_ratio", ratio("\(cache).hits", ["\(cache).hits", "\(cache).misses"]))
      if let hits = out["hit_ratio"]?.estimate.value, hits > 0.02, response.count > 0 {
        put("hit_time", Estimate(Double(response.quantile(hits / 2))))
      }
      put("evictions", total["\(cache).evictions"].map { Estimate($0 / runs) })
      put("stale_share", total["\(cache).hits"] ?? 0 > 0 && total["\(cache).stale_hits"] != nil ? ratio("\(cache).stale_hits", ["\(cache).hits"]) : nil)
      put("origin_requests", total["\(cache).loads"].map { Estimate($0 / runs) })
      put("origin_rps", total["\(cache).loads"].map { Estimate($0 / seconds) })
      put("time_to_steady", timeToSteady())
    } else if let requests = total["origin.requests"] {
      put("origin_requests", Estimate(requests / runs))
      put("origin_rps", Estimate(requests / seconds))
    }
    return out
  }

  /// One by one, the requests of a scenario that has several; nil: it has one.
  var requests: [RequestResult]? {
    guard merged.named.count > 1 else { return nil }
    let runs = countsPerRun ? Double(slices.count) : 1
    return merged.named.map { one in
      let all = Double(one.completed + one.failed)
      var values: [String: Estimate] = [
        "http_reqs": Estimate(all / runs), "rate": Estimate(all / max(1e-9, merged.elapsed.seconds)),
      ]
      if all > 0 { values["http_req_failed"] = Estimate(Double(one.failed) / all) }
      if one.checked > 0 { values["checks"] = Estimate(Double(one.passed) / Double(one.checked)) }
      if one.response.count > 0 {
        values["mean"] = Estimate(one.response.mean)
        values["http_req_duration"] = values["mean"]
        values["max"] = Estimate(Double(one.response.max))
        for (name, q) in Self.quantiles { values[name] = merged.quantile(q, of: one) }
      }
      let metrics = values.compactMap { name, value in Metric.named(name).map { (name, MetricValue(value, $0.unit)) } }
      return RequestResult(name: one.name, metrics: Dictionary(metrics, uniquingKeysWith: { a, _ in a }))
    }
  }

  /// What both ends used over all slices; counts of runs that end by count are per run.
  var observation: LoadObservation {
    let footprint = slices.dropFirst().reduce(slices[0].footprint) { $0.followed(by: $1.footprint) }
    let syncs = counterTotals().filter { $0.key.hasSuffix(".fsyncs") }
    var all = LoadObservation(footprint, merged, fsyncs: syncs.isEmpty ? nil : Int(syncs.values.reduce(0, +)))
    if countsPerRun { all.divideCounts(by: slices.count) }
    return all
  }

  /// What the limits of the process came to.
  private func putFaults(_ total: [String: Double], _ runs: Double, _ put: (String, Estimate?) -> Void) {
    if let periods = total["faults.cpu_periods"], periods > 0 {
      put("cpu_periods", Estimate(periods / runs))
      put("throttled_periods", total["faults.cpu_throttled"].map { Estimate($0 / runs) })
      put("throttled_share", ratio("faults.cpu_throttled", ["faults.cpu_periods"]))
    }
    if arm.faults.contains(where: { $0.toxic == .memLimit }) { put("oom_kills", Estimate((total["faults.oom_kills"] ?? 0) / runs)) }
  }

  /// What the edge in front did.
  private func putEdge(_ total: [String: Double], _ runs: Double, _ put: (String, Estimate?) -> Void) {
    guard let role = arm.system.frontEdge, let spec = role.edge else { return }
    let name = role.name
    let instances = arm.system.roles.first { $0.name == spec.upstream }?.instanceCount ?? 1
    let each = (1...instances).map { total["\(spec.upstream).\($0).requests"] ?? 0 }
    let all = each.reduce(0, +)
    if instances > 1, all > 0 { put("imbalance", each.max().map { Estimate($0 * Double(instances) / all) }) }
    // A real proxy counts for itself, in another way.
    guard arm.system.proxy == nil else { return }
    for counter in [
      "retries", "retries_denied", "hedges", "hedge_wins", "timeouts", "breaker_opens", "limited", "shed", "revalidated", "stale_served",
    ] { put(counter, total["\(name).\(counter)"].map { Estimate($0 / runs) }) }
    put("amplification", ratio("\(name).attempts", ["\(name).forwarded"]))
  }

  /// The lab's memory over all slices, laid end to end; requests are those of its first origin.
  var memory: [MemorySample] {
    guard let role = arm.system.firstOrigin?.name else { return [] }
    var samples: [MemorySample] = []
    var start = Nanoseconds.zero
    var requests = 0.0
    for slice in slices {
      for (counters, at) in zip(slice.samples, slice.sampleTimes) {
        guard let bytes = counters["process.rss_bytes"], let count = counters["\(role).requests"] else { continue }
        samples.append(MemorySample(at: start + at, requests: requests + count, bytes: bytes))
      }
      start = start + slice.record.elapsed
      requests += slice.counters["\(role).requests"] ?? 0
    }
    return samples
  }

  static let quantiles: [(String, Double)] = [
    ("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999),
  ]

  /// Metric values of one slice, for pairing.
  func sliceValue(_ name: String, _ slice: Slice) -> Double? {
    let alone = ArmMeasurement(arm, [slice], isPart: true)
    switch name {
    case "mean": return slice.record.response.count > 0 ? slice.record.response.mean : nil
    case "rate": return slice.record.achievedRate
    case "runqueue_wait", "io_calls_per_req", "disk_bytes", "fsyncs", "generator_syscalls_per_req", "origin_requests", "origin_rps", "hit_ratio", "stale_share", "cpu_per_req", "evictions",
      "throttled_periods", "throttled_share", "oom_kills", "retries", "hedges", "limited", "shed", "timeouts", "amplification", "imbalance",
      "queue_wait", "time_to_steady", "http_req_service", "http_req_failed", "in_flight",
      _ where Self.queueFigures.contains(name) || Self.heapFigures.contains(name):
      return alone.metrics()[name]?.estimate.value
    default:
      guard let q = Self.quantiles.first(where: { $0.0 == name })?.1, slice.record.response.count > 0 else { return nil }
      return Double(slice.record.response.quantile(q))
    }
  }

  func counterTotals() -> [String: Double] {
    slices.reduce(into: [:]) { total, slice in total.merge(slice.counters, uniquingKeysWith: +) }
  }

  /// A ratio of counters with its interval over batches.
  func ratio(_ numerator: String, _ denominators: [String]) -> Estimate? {
    var tops: [Double] = []
    var bottoms: [Double] = []
    for slice in slices {
      var before: [String: Double] = [:]
      for sample in slices.count >= 6 ? [slice.counters] : slice.samples {
        func step(_ key: String) -> Double { (sample[key] ?? 0) - (before[key] ?? 0) }
        tops.append(step(numerator))
        bottoms.append(denominators.reduce(0) { $0 + step($1) })
        before = sample
      }
    }
    if tops.count < 6, numerator == cacheName.map({ "\($0).hits" }) {
      // Too short for the sampler: the generator saw every answer's X-Cache header, in its windows.
      let batches = batches
      if let estimate = ratioEstimate(batches.map { Double($0.hits) }, batches.map { Double($0.hits + $0.misses) }) {
        return estimate
      }
    }
    return ratioEstimate(tops, bottoms)
  }

  /// The slices' windows in about 20 batches: long enough that neighbours hardly resemble each other.
  private var batches: [LoadWindow] {
    let windows = slices.flatMap { $0.record.windows }
    let size = max(1, windows.count / 20)
    return stride(from: 0, to: windows.count, by: size).map { first in
      var batch = windows[first]
      batch.mean *= Double(batch.completed)
      for window in windows[first..<min(first + size, windows.count)].dropFirst() {
        batch.mean += window.mean * Double(window.completed)
        batch.completed += window.completed
        batch.hits += window.hits
        batch.misses += window.misses
      }
      batch.mean = batch.completed > 0 ? batch.mean / Double(batch.completed) : 0
      return batch
    }
  }

  private func meanResponse() -> Estimate {
    let batches = batches
    var estimate =
      ratioEstimate(batches.map { $0.mean * Double($0.completed) }, batches.map { Double($0.completed) }) ?? Estimate(0)
    let exact = merged.response.mean
    if let low = estimate.low, let high = estimate.high {
      estimate = Estimate(exact, low: low + exact - estimate.value, high: high + exact - estimate.value)
    } else {
      estimate = Estimate(exact)
    }
    return estimate
  }

  /// Mean over slices of the time until the trailing 100 lookups first reach 90 % of the steady hit
  /// ratio (Che's when the popularity is known); nil when a slice ended before: then it is not known.
  private func timeToSteady() -> Estimate? {
    guard let steady = Theories.hitRatio(arm), steady > 0 else { return nil }
    var times: [Double] = []
    for slice in slices {
      var group: [(hits: Int, lookups: Int)] = []
      var time: Double?
      for window in slice.record.windows {
        group.append((window.hits, window.hits + window.misses))
        while group.count > 1, group.dropFirst().reduce(0, { $0 + $1.lookups }) >= 100 { group.removeFirst() }
        let lookups = group.reduce(0) { $0 + $1.lookups }
        let hits = group.reduce(0) { $0 + $1.hits }
        if lookups >= 100, Double(hits) >= 0.9 * steady * Double(lookups) {
          time = Double(window.start.rawValue + slice.record.windowLength.rawValue)
          break
        }
      }
      guard let time else { return nil }
      times.append(time)
    }
    let mean = times.reduce(0, +) / Double(times.count)
    return times.count > 1 ? ratioEstimate(times, times.map { _ in 1 }) : Estimate(mean)
  }
}

/// Σ tops / Σ bottoms with a 95 % interval by linearisation over batches (Cochran, Sampling
/// Techniques, 6.4): residuals tops − R·bottoms, Student's t with n − 1. No interval below 6 batches.
func ratioEstimate(_ tops: [Double], _ bottoms: [Double]) -> Estimate? {
  let bottom = bottoms.reduce(0, +)
  guard bottom > 0 else { return nil }
  let value = tops.reduce(0, +) / bottom
  let kept = zip(tops, bottoms).filter { $0.1 > 0 }
  guard kept.count >= 6 else { return Estimate(value) }
  let n = Double(kept.count)
  let squares = kept.reduce(0) { sum, pair in
    let residual = pair.0 - value * pair.1
    return sum + residual * residual
  }
  let error = (squares * n / (n - 1)).squareRoot() / bottom
  let width = studentQuantile(0.975, degrees: Double(kept.count - 1)) * error
  return Estimate(value, low: value - width, high: value + width)
}
