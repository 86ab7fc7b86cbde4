// A load cell's result: arms, comparisons, validity, plots.

import ExperimentModel
import LoadKernel
import Statistics

extension LoadExecution {
  func measure(_ arms: [LoadArm], _ slices: [[Slice]], _ closed: [Slice]?, into result: inout CellResult) throws {
    let measured = zip(arms, slices).map { ArmMeasurement($0, $1) }
    for arm in measured {
      var row = ArmResult(name: arm.arm.name, params: arm.arm.params, metrics: arm.metrics())
      row.requests = arm.requests
      row.theory = Theories.values(arm.arm, row.metrics)
      if let asked = predicted { row.theory.merge(Theories.responseTimes(arm.arm).filter { asked.contains($0.key) }) { a, _ in a } }
      result.arms.append(row)
      qualify(arm, &result)
    }
    if runner.recordings.wanted.contains(cell.id), measured.count == 1 {
      runner.recordings.keep(
        LoadRecording(requests: measured[0].slices.flatMap(\.requests), memory: measured[0].memory, elapsed: measured[0].merged.elapsed,
          guessed: measured[0].slices.reduce(0) { $0 + $1.guessed }, metrics: measured[0].metrics()),
        of: cell.id)
    }
    if case .compare(let comparison) = load.design {
      compare(measured, comparison, into: &result)
      Theories.addMixture(to: &result.arms, arms: arms)
      result.change = changeText(arms)
    }
    addCheError(&result)
    judgeStretches(measured, &result)
    addTwins(measured, closed, into: &result)
    let simulated = load.twin == .sim ? addSimulatedTwins(measured, &result) : []
    if measured.contains(where: { $0.countsPerRun }) {
      result.doubts.append(Doubt(id: "per-run", text: "counts are the mean over \(slices[0].count) runs"))
    }
    result.columns = columns(result)
    result.plots = plots(measured, simulated, result)
  }

  /// Thresholds about windows, which only the slices can answer; the rest is judged from the result.
  private func judgeStretches(_ measured: [ArmMeasurement], _ result: inout CellResult) {
    guard let full = partLength(cell.thresholds) else { return }
    for threshold in cell.thresholds {
      guard let window = threshold.window else { continue }
      let address = threshold.address
      let arms = measured.filter { one in
        (address.arm.isEmpty || address.arm.first == one.arm.name || address.arm.first == "baseline" && one.arm.name == measured[0].arm.name)
          && address.at.allSatisfy { one.arm.params[$0.key] == $0.value }
      }
      result.thresholds.append(judgeWindows(threshold, window, arms.count == 1 ? arms[0].slices.map(\.record) : [], full: full))
    }
  }

  /// Response times whose closed form the block asks for; nil: none. In every table they would be noise.
  private var predicted: Set<String>? {
    let names = cell.expects.filter { $0.theory != nil && $0.value == nil }.map(\.address.metric) + cell.plots.filter { $0.overlay != nil }.flatMap(\.y)
    return names.isEmpty ? nil : Set(names)
  }

  /// The generator's verdict on itself, and what it had to count.
  private func qualify(_ arm: ArmMeasurement, _ result: inout CellResult) {
    let record = arm.merged
    if record.verdict == .invalid || record.verdict == .degraded && result.validity == .valid {
      result.validity = record.verdict
      result.validityReason = "\(arm.arm.name): \(record.reason ?? "the generator fell behind")"
    }
    if let doubt = record.steadyDoubt(above: 0.1, of: "\(arm.arm.name): ") { result.doubts.append(doubt) }
    if let limits = arm.limitText { result.doubts.append(Doubt(id: "limits", text: limits)) }
    for (kind, count) in arm.merged.errors.sorted(by: { $0.key < $1.key }) where count > 0 {
      result.doubts.append(Doubt(id: "errors", text: "\(arm.arm.name): \(count) requests failed (\(kind))"))
    }
  }

  /// Largest distance from Che's approximation over the arms that have one, as a figure of the block. Its interval
  /// is that of the worst arm's hit ratio: the true distance may be zero where the line lies inside it.
  private func addCheError(_ result: inout CellResult) {
    guard case .sweep = load.design else { return }
    let errors = result.arms.compactMap { arm -> Estimate? in
      guard let theory = arm.theory["hit_ratio"], let measured = arm.metrics["hit_ratio"]?.estimate else { return nil }
      let distance = abs(measured.value - theory) * 100
      guard let low = measured.low, let high = measured.high else { return Estimate(distance) }
      let far = max(abs(low - theory), abs(high - theory)) * 100
      let near = low <= theory && theory <= high ? 0 : min(abs(low - theory), abs(high - theory)) * 100
      return Estimate(distance, low: near, high: far)
    }
    guard result.arms.count > 1, let worst = errors.max(by: { $0.value < $1.value }) else { return }
    result.arms.append(ArmResult(name: "", metrics: ["che_error": MetricValue(worst, .points)]))
  }

  /// What the block asks about, then the usual ones, as far as an arm has them.
  private func columns(_ result: CellResult) -> [String] {
    var names: [String] = []
    func add(_ name: String) {
      let known = result.arms.contains { !$0.name.isEmpty && $0.metrics[name] != nil }
      if known, !names.contains(name) { names.append(name) }
    }
    let isSweep = if case .sweep = load.design { true } else { false }
    if !isSweep { ["rate", "mean", "p50", "p99"].forEach(add) }
    cell.plots.flatMap(\.y).forEach(add)
    let asked = cell.thresholds.map(\.address) + cell.expects.map(\.address) + cell.gates.map(\.address)
    asked.filter { ($0.block == nil || $0.block == cell.id) && $0.request == nil }.map(\.metric).forEach(add)
    if load.twin == .sim { ["mean_over_sim", "p99_over_sim"].forEach(add) }
    add("hit_ratio")
    // In a closed loop a rate says how fast this machine is today, which is not what a sweep asks.
    let isOpen = load.arms.allSatisfy { $0.profile.rate != nil }
    if isOpen { add("origin_rps") }
    if names.isEmpty { ["rate", "p50", "p99"].forEach(add) }
    return names
  }

  /// What differs between baseline and candidates, for the log.
  private func changeText(_ arms: [LoadArm]) -> String {
    arms.dropFirst().map { "\(arms[0].name) → \($0.name)" }.joined(separator: ", ")
  }
}
