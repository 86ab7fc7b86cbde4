// What a block shows to addresses: its arms, their parameters, its metrics. Every address of a
// notebook is checked against one of these, so that a run never looks up what cannot be there.

import ExperimentModel
import TextModel

struct BlockFace {
  var id: String
  var kind: String
  /// In the order of the table; `arms[0]` is the baseline of a comparison.
  var arms: [String]
  /// Of each arm, by last path segment.
  var params: [[String: Double]]
  var isComparison: Bool
  /// Of an arm.
  var metrics: Set<String>
  /// Of the block as a whole.
  var wholeMetrics: Set<String> = []
  /// Of a name over all its points, such as the slope of a subject over sizes.
  var fitMetrics: Set<String> = []

  /// Of a load whose scenario has several, by their names.
  var requests: [String] = []

  /// Whom `ratio` can be of.
  private var candidates: [String] {
    var seen: Set<String> = [arms.first ?? ""]
    return arms.filter { seen.insert($0).inserted }
  }

  static let reserved: Set<String> = ["ratio", "delta", "est", "baseline", "candidate", "request"]

  /// The unit of the value at an address of this block.
  ///
  /// - Throws: `unknown-metric`, `unknown-arm`, `unknown-point`, `unknown-request`, `ambiguous-address`.
  func unit(of address: Address) throws(Problem) -> MetricUnit {
    guard let metric = Metric.named(address.metric) else {
      throw Problem(
        id: PerfDiagnosticID.unknownMetric, cause: "there is no metric `\(address.metric)`",
        remedy: suggestion(for: address.metric, among: metrics.union(wholeMetrics).sorted(), what: "metrics of \(kind) blocks"))
    }
    if let request = address.request { try checkRequest(request, metric, address) }
    if wholeMetrics.contains(metric.name) {
      guard address.arm.isEmpty, address.at.isEmpty else {
        throw Problem(
          id: PerfDiagnosticID.unknownArm, cause: "`\(metric.name)` is a figure of the whole block, not of an arm",
          remedy: "write `\(metric.name)` without arm and point")
      }
      return metric.unit
    }
    if fitMetrics.contains(metric.name) {
      guard address.at.isEmpty, let name = address.arm.first, address.arm.count == 1, arms.contains(name) else {
        throw Problem(
          id: PerfDiagnosticID.unknownArm, cause: "`\(metric.name)` belongs to a subject over all its points",
          remedy: "write " + ([arms.first ?? ""] + candidates).map { "`\($0).\(metric.name)`" }.joined(separator: " or "))
      }
      return metric.unit
    }
    guard metrics.contains(metric.name) else {
      throw Problem(
        id: PerfDiagnosticID.unknownMetric, cause: "a \(kind) block such as `\(id)` has no `\(metric.name)`",
        remedy: suggestion(for: metric.name, among: metrics.union(wholeMetrics).sorted(), what: "its metrics"))
    }
    return try unit(of: metric, address)
  }

  private func checkRequest(_ name: String, _ metric: Metric, _ address: Address) throws(Problem) {
    guard requests.contains(name) else {
      throw Problem(
        id: PerfDiagnosticID.unknownRequest,
        cause: requests.isEmpty ? "the scenario of `\(id)` has one request, and its values are the block's" : "`\(id)` has no request `\(name)`",
        remedy: requests.isEmpty ? "write `\(metric.name)`" : suggestion(for: name, among: requests, what: "its requests"))
    }
    guard MetricSets.request.contains(metric.name) else {
      throw Problem(
        id: PerfDiagnosticID.unknownMetric, cause: "`\(metric.name)` is not known of single requests",
        remedy: suggestion(for: metric.name, among: MetricSets.request.sorted(), what: "their metrics"))
    }
    if let first = address.arm.first, ["ratio", "delta", "est"].contains(first) {
      throw Problem(
        id: PerfDiagnosticID.unknownArm, cause: "single requests are not compared, so they have no `\(first)`",
        remedy: "name an arm, or compare blocks with one request each")
    }
  }

  private func unit(of metric: Metric, _ address: Address) throws(Problem) -> MetricUnit {
    var path = address.arm
    let isPoint = path.first == "est"
    if isPoint { path.removeFirst() }
    guard path.count <= 2, path.count < 2 || path[0] == "ratio" || path[0] == "delta" else {
      throw Problem(
        id: PerfDiagnosticID.unknownArm, cause: "`\(path.joined(separator: "."))` is not an arm of `\(id)`", remedy: armNames(among: nil))
    }
    if let first = path.first, first == "ratio" || first == "delta" {
      guard isComparison else {
        throw Problem(
          id: PerfDiagnosticID.unknownArm, cause: "`\(id)` compares nothing, so it has no `\(first)`",
          remedy: "add `compare:` to it, or name an arm")
      }
      let candidates = candidates
      if path.count == 2 {
        guard candidates.contains(path[1]) else {
          throw Problem(
            id: PerfDiagnosticID.unknownArm, cause: "`\(path[1])` is not a candidate of `\(id)`",
            remedy: suggestion(for: path[1], among: candidates, what: "its candidates"))
        }
      } else if candidates.count > 1 {
        throw Problem(
          id: PerfDiagnosticID.ambiguousAddress, cause: "`\(id)` has \(candidates.count) candidates: `\(first)` of which?",
          remedy: "write " + candidates.map { "`\(first).\($0).\(metric.name)`" }.joined(separator: " or "))
      }
      // Every candidate has the points of the baseline.
      let rows = arms.indices.filter { arms[$0] == arms[0] }
      let points = rows.filter { row in address.at.allSatisfy { params[row][$0.key] == $0.value } }
      if points.isEmpty { throw unknownPoint(address, rows) }
      if points.count > 1 {
        throw Problem(
          id: PerfDiagnosticID.ambiguousAddress, cause: "`\(id)` compares at \(points.count) points: `\(first)` at which?",
          remedy: "name one: " + self.points.prefix(8).map { "`\(first).\(metric.name)@\($0)`" }.joined(separator: ", "))
      }
      return first == "ratio" ? .ratio : metric.unit
    }
    if isPoint {
      throw Problem(
        id: PerfDiagnosticID.unknownArm, cause: "`est` stands before `ratio` or `delta`",
        remedy: "write `est.ratio.\(metric.name)`, or leave `est` out")
    }
    try checkArm(path.first, metric, address)
    return metric.unit
  }

  private func checkArm(_ name: String?, _ metric: Metric, _ address: Address) throws(Problem) {
    var rows = Array(arms.indices)
    switch name {
    case nil: break
    case "baseline": rows = isComparison ? [0] : []
    case "candidate":
      rows = isComparison ? Array(rows.dropFirst()) : []
      if rows.count > 1 {
        throw Problem(id: PerfDiagnosticID.ambiguousAddress, cause: "`\(id)` has \(rows.count) candidates", remedy: armNames(among: nil))
      }
    case let name?: rows = rows.filter { arms[$0] == name }
    }
    if rows.isEmpty {
      throw Problem(id: PerfDiagnosticID.unknownArm, cause: "`\(name ?? "")` is not an arm of `\(id)`", remedy: armNames(among: name))
    }
    if !address.at.isEmpty {
      let points = rows.filter { row in address.at.allSatisfy { params[row][$0.key] == $0.value } }
      if points.isEmpty { throw unknownPoint(address, rows) }
      rows = points
    }
    if rows.count > 1 {
      let isSweep = params.contains { !$0.isEmpty }
      throw Problem(
        id: PerfDiagnosticID.ambiguousAddress, cause: "`\(id)` has \(rows.count) arms: `\(metric.name)` of which?",
        remedy: isSweep
          ? "name a point: " + points.prefix(8).map { "`\(metric.name)@\($0)`" }.joined(separator: ", ") : armNames(among: nil))
    }
  }

  private func unknownPoint(_ address: Address, _ rows: [Int]) -> Problem {
    let written = address.at.sorted { $0.key < $1.key }.map { "\($0.key)=\(numberText($0.value))" }.joined(separator: ",")
    return Problem(
      id: PerfDiagnosticID.unknownPoint, cause: "`\(id)` has no point `@\(written)`",
      remedy: points.isEmpty ? "it varies nothing" : "its points: " + points.prefix(12).map { "`@\($0)`" }.joined(separator: ", "))
  }

  /// `capacity=100`, … with times in nanoseconds as milliseconds.
  private var points: [String] {
    params.compactMap { row in
      row.isEmpty
        ? nil
        : row.sorted { $0.key < $1.key }.map {
          "\($0.key)=\($0.key == "ttl" || $0.key == "thinkTime" ? numberText($0.value / 1e6) + "ms" : numberText($0.value))"
        }.joined(separator: ",")
    }
  }

  private func armNames(among name: String?) -> String {
    let names = arms + (isComparison ? ["ratio", "delta"] : [])
    return suggestion(for: name ?? "", among: names, what: "its arms")
  }
}

/// Which metrics blocks of a kind have.
enum MetricSets {
  private static let elsewhere: Set<String> = [
    "time", "cpu", "vm_steps", "scan_steps", "rows", "checksum", "parity",
    "lfu_bound", "che_error", "user", "system", "max_rss", "allocations", "instructions", "faults", "switches", "slope",
    "share", "self_share", "samples", "change_points", "index", "change", "littles_ratio", "window_p99", "mean_of_p99",
    "merged_p99", "averaging_error", "growth_per_hour", "time_to_limit", "scans", "searches", "cautions", "unknowns", "attainment", "bad_share", "objective", "burn_rate", "budget_left",
    "budget", "spent", "budget_spent", "spent_when_fired", "apdex", "exhausted_in", "answered", "pages", "tickets", "fired", "fired_at", "peak_burn", "recall", "false_pages", "item_time", "throughput", "item_cost", "shared_cost", "balance", "collections_error", "knee", "alpha", "beta", "peak", "gc_time", "closed_users", "closed_rate", "closed_mean", "closed_p99", "mean_over_closed", "p99_over_closed",
  ]
  static let load = Set(Metric.all.map(\.name)).subtracting(Metric.ofTelemetryOnly).subtracting(elsewhere).subtracting(simOnly).subtracting(cost.subtracting(["p99"]))
  static let request: Set<String> = [
    "http_reqs", "rate", "http_req_failed", "checks", "mean", "http_req_duration", "p50", "p90", "p95", "p99", "p999", "max",
  ]
  static let closedTwin: Set<String> = ["closed_users", "closed_rate", "closed_mean", "closed_p99", "mean_over_closed", "p99_over_closed"]
  static let loadWhole: Set<String> = ["che_error"]
  static let bench: Set<String> = [
    "time", "cpu", "user", "system", "max_rss", "allocations", "instructions", "faults", "switches", "vm_steps",
    "scan_steps", "rows",
  ]
  /// Of work that is done in items, messages or objects.
  static let items: Set<String> = ["item_time", "throughput", "fsyncs_per_msg", "collections", "gc_share", "gc_pause_mean", "gc_pause_max"]
  static let hyperbola: Set<String> = ["item_cost", "shared_cost", "balance"]
  static let scalability: Set<String> = ["alpha", "beta", "peak"]
  static let line: Set<String> = ["item_cost", "shared_cost", "line_error"]
  static let benchWhole: Set<String> = ["parity", "injected"]
  /// Of any model; each has its own, `SimModel.metrics`.
  static let sim = SimModel.all.reduce(into: Set<String>()) { $0.formUnion($1.metrics) }
  /// Known of simulations only.
  static let simOnly: Set<String> = [
    "waiting_share", "utilisation", "urgent_wait", "goodput", "good_per_first_attempt", "recovered", "tokens_per_second",
    "under_capacity_minutes", "under_capacity_minutes_p95", "cost_index", "cost_index_p95", "reclaims", "violation_minutes",
    "violation_minutes_p95", "instance_hours", "shield_hit_ratio", "origin_share", "ttfb", "rate_bound",
    "write_mean", "write_p95", "worst_region_mean", "page_time", "transfer_rate", "retransmitted_share", "iops", "commits_per_flush", "cold_share",
    "burst_peak", "completion", "lost_share", "young_interval", "daly_interval", "best_interval",
  ]
  static let profile: Set<String> = ["share", "self_share"]
  static let profileWhole: Set<String> = ["samples"]
  static let changePoints: Set<String> = ["change_points", "index", "change"]
  static let littlesLaw: Set<String> = ["concurrency", "rate", "mean", "littles_ratio"]
  static let window: Set<String> = ["http_reqs", "window_p99"]
  static let mergedQuantiles: Set<String> = ["mean_of_p99", "merged_p99", "averaging_error"]
  static let memoryTrend: Set<String> = ["rss", "rss_growth", "growth_per_hour", "time_to_limit"]
  static let plan: Set<String> = ["scans", "searches"]
  static let machine: Set<String> = ["cautions", "unknowns"]
  static let alert: Set<String> = ["fired", "fired_at", "peak_burn", "spent_when_fired"]
  static let release: Set<String> = ["attainment", "burn_rate", "pages", "tickets", "fired_at"]
  static let objective: Set<String> = [
    "attainment", "bad_share", "objective", "burn_rate", "budget", "spent", "budget_spent", "budget_left", "exhausted_in",
  ]
  /// Of a recording, however many objectives there are.
  static let calls: Set<String> = ["pages", "tickets"]
  static let releases: Set<String> = ["objective", "recall", "false_pages"]
  /// Of any formula.
  static let cost = CostFormula.all.reduce(into: Set<String>()) { $0.formUnion($1.columns.map(\.name) + $1.returns) }
}
