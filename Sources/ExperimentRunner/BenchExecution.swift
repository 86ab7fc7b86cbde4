// Bench cells: samples taken in turns become arms, comparisons and checks; with sizes the whole is repeated for each,
// and the growth over them is fitted.

import ExperimentModel
import MeasureKernel
import Statistics

extension Runner {
  func runBench(_ cell: Cell, _ bench: BenchCell, into result: inout CellResult) throws {
    let budget = (options.quick ? cell.blockTime?.quick : cell.blockTime?.full) ?? Nanoseconds(seconds: 3)
    var setting = BenchSetting()
    // With sizes each has little time; a quick run has none to spare.
    if bench.comparison != nil, bench.sizes == nil, !options.quick { setting.injectedShare = 0.02 }
    let points = try measurePoints(bench, id: cell.id, budget: budget, setting: setting)
    result.rowLabel = "subject"
    for point in points {
      for (index, subject) in bench.subjects.enumerated() {
        var row = ArmResult(
          name: subject.name, params: point.size.map { [bench.sizeName: Double($0)] } ?? [:], metrics: benchMetrics(point, index, isProgram: subject.isProgram))
        row.metrics.merge(itemMetrics(point.record.samples[index], iterations: point.record.iterations)) { a, _ in a }
        row.theory = itemTheory(subject, subject.system ?? bench.system(at: point.size))
        result.arms.append(row)
      }
    }
    if bench.comparison != nil { compareSubjects(bench, points, into: &result) }
    if bench.fitsSlope == true { fitSlopes(bench, points, into: &result) }
    if bench.fitsLine == true { fitLines(bench, points, into: &result) }
    if bench.fitsHyperbola == true { fitHyperbolas(bench, points, into: &result) }
    if bench.fitsKnee == true || bench.fitsScalability == true { fitReaders(bench, points, into: &result) }
    if bench.variesReaders == true { addReaderTheory(bench, processors: processorsAvailable(), into: &result) }
    result.columns = Self.benchColumns.filter { name in result.arms.contains { $0.metrics[name] != nil } }
    // What a scan found is of interest where something was scanned.
    if !result.arms.contains(where: { ($0.metrics["scan_steps"]?.estimate.value ?? 0) > 0 }) {
      result.columns.removeAll { $0 == "scan_steps" || $0 == "rows" }
    }
    addPrinted(bench, points, into: &result)
    checkParity(bench, points, into: &result)
    addCollectionsError(bench, points, into: &result)
    if let injected = points.first?.record.injected { tellInjected(injected, bench, into: &result) }
    if bench.countsInstructions == true, !result.arms.contains(where: { $0.metrics["instructions"] != nil }) {
      result.doubts.append(Doubt(id: "no-counter", text: "instructions are unknown: this processor does not count them here, and `valgrind` is not installed"))
    }
    if let confined = confinementDoubt(bench.subjects.map(\.work)) { result.doubts.append(confined) }
    for point in points {
      for text in point.record.doubts {
        let isEverywhere = points.allSatisfy { $0.record.doubts.contains(text) }
        let doubt = Doubt(id: "bench", text: isEverywhere ? text : point.size.map { "\(bench.sizeName) = \($0): \(text)" } ?? text)
        if !result.doubts.contains(doubt) { result.doubts.append(doubt) }
      }
    }
    result.change = bench.comparison == nil ? nil : bench.subjects.dropFirst().map { "\(bench.subjects[0].name) → \($0.name)" }.joined(separator: ", ")
    result.plots = benchPlots(cell, bench, points, result)
  }

  private static let benchColumns = [
    "time", "cpu", "item_time", "throughput", "fsyncs_per_msg", "collections", "gc_time", "gc_share", "gc_pause_max", "user", "system", "max_rss", "allocations",
    "instructions", "vm_steps", "scan_steps", "rows", "slope", "item_cost", "shared_cost", "line_error", "balance",
  ]

  // MARK: Numbers

  private func benchMetrics(_ point: BenchPoint, _ index: Int, isProgram: Bool) -> [String: MetricValue] {
    let record = point.record
    let rows = record.samples[index]
    let k = Double(record.iterations)
    var metrics: [String: MetricValue] = [:]
    func put(_ name: String, _ values: [Double], isCount: Bool = false) {
      guard !values.isEmpty, let unit = Metric.named(name)?.unit else { return }
      let starts = values.count == rows.count ? rows.map(\.start) : nil
      let interval = isCount ? nil : quantileInterval(values, q: 0.5, confidence: 0.95, starts: starts)
      metrics[name] = MetricValue(Estimate(medianOf(values), low: interval?.low, high: interval?.high), unit)
    }
    /// Only where every sample has it: an unknown part makes the whole unknown.
    func putUse(_ name: String, _ use: KeyPath<ResourceUse, Int64?>, per: Double, isCount: Bool) {
      let values = rows.compactMap { $0.use[keyPath: use] }.map { Double($0) / per }
      if values.count == rows.count { put(name, values, isCount: isCount) }
    }
    put("time", rows.map { Double($0.ns) / k })
    put("cpu", rows.map { Double($0.cpu) / k })
    // Of one process; the kernel's ticks are too coarse to split a call.
    if isProgram {
      putUse("user", \.user, per: 1, isCount: false)
      putUse("system", \.system, per: 1, isCount: false)
    }
    putUse("max_rss", \.maxRSS, per: 1, isCount: true)
    putUse("allocations", \.allocations, per: k, isCount: true)
    putUse("instructions", \.instructions, per: k, isCount: true)
    if point.instructions.indices.contains(index), let count = point.instructions[index] {
      metrics["instructions"] = MetricValue(Estimate(count), .count)
    }
    putUse("faults", \.minorFaults, per: k, isCount: true)
    putUse("switches", \.involuntarySwitches, per: k, isCount: true)
    let steps = rows.compactMap { $0.extras["vm_steps"] }
    if !steps.isEmpty, steps.contains(where: { $0 > 0 }) {
      metrics["vm_steps"] = MetricValue(Estimate(medianOf(steps) / k), .count)
    }
    for name in ["scan_steps", "rows"] {
      let counts = rows.compactMap { $0.extras[name] }
      if !counts.isEmpty { metrics[name] = MetricValue(Estimate(medianOf(counts) / k), .count) }
    }
    return metrics
  }

  // MARK: Comparisons

  /// One after the other: no sample has a neighbour, so that the two lots are compared as they are.
  private func compareLots(_ bench: BenchCell, _ points: [BenchPoint], into result: inout CellResult) {
    for point in points {
      let lots = point.record.samples.map { $0.map { Double($0.ns) } }
      if result.control == nil, let control = controlAA(lots[0]) {
        result.control = Estimate(control.ratio, low: control.interval.low, high: control.interval.high)
      }
      for index in bench.subjects.indices.dropFirst() {
        guard let found = comparePooled(baseline: lots[0], candidate: lots[index]) else { continue }
        result.comparisons.append(
          ComparisonResult(
            candidate: bench.subjects[index].name, at: point.size.map { ["n": Double($0)] }, metric: "time",
            ratio: ["time": Estimate(found.ratio, low: found.interval.low, high: found.interval.high)], delta: [:],
            verdict: point.record.parity ? Verdict(found.verdict, better: .lower, isTime: true) : .unresolved))
      }
    }
    result.doubts.append(
      Doubt(id: "sequential", text: "measured one after the other: what the machine did between the two is in the ratio, and no interval can show it"))
  }

  private func compareSubjects(_ bench: BenchCell, _ points: [BenchPoint], into result: inout CellResult) {
    guard bench.order != .sequential else { return compareLots(bench, points, into: &result) }
    var found: [PairedComparison?] = []
    for point in points {
      let record = point.record
      let baseline = record.samples[0].map { Double($0.ns) }
      if result.control == nil, let control = controlAA(baseline) {
        result.control = Estimate(control.ratio, low: control.interval.low, high: control.interval.high)
      }
      for index in bench.subjects.indices.dropFirst() {
        let candidate = record.samples[index].map { Double($0.ns) }
        let least = leastDifference(bench, record)
        var outcome = comparePaired(baseline: baseline, candidate: candidate, equivalence: least.share, starts: record.pairStarts)
        if let one = outcome, least.mayBeChance(one) { outcome?.verdict = .unresolved }
        found.append(outcome)
        guard let outcome else {
          result.doubts.append(
            Doubt(id: "dependent-pairs", text: "\(bench.subjects[index].name): the pairs are too few or depend on each other too much to be compared"))
          continue
        }
        for text in outcome.doubts {
          let doubt = Doubt(id: "pairs", text: "\(bench.subjects[index].name): \(text)")
          if !result.doubts.contains(doubt) { result.doubts.append(doubt) }
        }
        var ratio = ["time": Estimate(outcome.ratio, low: outcome.interval.low, high: outcome.interval.high)]
        let (before, after) = (record.samples[0].map { Double($0.cpu) }, record.samples[index].map { Double($0.cpu) })
        if let cpu = comparePaired(baseline: before, candidate: after, starts: record.pairStarts) {
          ratio["cpu"] = Estimate(cpu.ratio, low: cpu.interval.low, high: cpu.interval.high)
        }
        result.comparisons.append(
          ComparisonResult(
            candidate: bench.subjects[index].name, at: point.size.map { [bench.sizeName: Double($0)] }, metric: "time", ratio: ratio, delta: [:],
            verdict: record.parity ? Verdict(outcome.verdict, better: .lower, isTime: true) : .unresolved))
      }
    }
    if points.contains(where: { leastDifference(bench, $0.record) == .ofOneStart }) {
      result.doubts.append(Doubt(id: "one-start", text: "each subject was started once: \(LeastDifference.oneStart)"))
    }
    let lost = withdrawn(found)
    guard !lost.isEmpty else { return }
    let given = found.indices.filter { found[$0] != nil }
    for (place, index) in given.enumerated() where lost.contains(index) { result.comparisons[place].verdict = .unresolved }
    result.doubts.append(
      Doubt(id: "many-rows", text: "\(found.count) comparisons were made: \(lost.count) of them would be found by chance too often (Holm), and say unresolved"))
  }

  func leastDifference(_ bench: BenchCell, _ record: BenchRecord) -> LeastDifference {
    record.starts > 1 || bench.subjects.allSatisfy(\.isProgram) ? .usual : .ofOneStart
  }

  /// The comparisons whose difference does not survive that others were made beside them: Holm's adjusted p is above
  /// 5 %. A refused one belongs to the family with p = 1.
  func withdrawn(_ comparisons: [PairedComparison?]) -> [Int] {
    guard comparisons.count > 1 else { return [] }
    let adjusted = holm(comparisons.map { $0?.pValue ?? 1 })
    return comparisons.indices.filter { index in
      guard let one = comparisons[index], one.verdict == .faster || one.verdict == .slower else { return false }
      return adjusted[index] > 0.05
    }
  }

  /// Faster but different is a failure.
  private func checkParity(_ bench: BenchCell, _ points: [BenchPoint], into result: inout CellResult) {
    let parity = points.allSatisfy(\.record.parity)
    result.arms.append(ArmResult(name: "", metrics: ["parity": MetricValue(Estimate(parity ? 1 : 0), .plain)]))
    // Without a comparison the subjects may do different work.
    guard !parity, bench.comparison != nil else { return }
    result.doubts.append(Doubt(id: "parity", text: "the subjects gave different checksums: faster but different is a failure"))
    result.thresholds.append(JudgementResult(text: "parity==true", measured: MetricValue(Estimate(0), .plain), outcome: .fail))
    result.failureNotes = differing(bench, points)
  }

  /// What the instrument made of a slow-down of known size.
  private func tellInjected(_ injected: InjectedSlowDown, _ bench: BenchCell, into result: inout CellResult) {
    guard let found = comparePaired(baseline: injected.slowed, candidate: injected.plain, equivalence: 0),
      let whole = result.arms.firstIndex(where: { $0.name.isEmpty })
    else { return }
    result.arms[whole].metrics["injected"] = MetricValue(
      Estimate(found.ratio - 1, low: found.interval.low - 1, high: found.interval.high - 1), .share)
    guard found.interval.low <= 1 else { return }
    let percent = (injected.share * 1_000).rounded() / 10
    result.doubts.append(
      Doubt(
        id: "injected", text: "`\(bench.subjects[0].name)` was given \(percent) % more work on purpose, and \(injected.plain.count) pairs did not show it: differences of that size are missed here"))
  }

  /// The fences whose checksums are not the first subject's.
  private func differing(_ bench: BenchCell, _ points: [BenchPoint]) -> [FailureNote] {
    bench.subjects.enumerated().compactMap { index, subject in
      guard index > 0, case .fence(let fence) = subject.work else { return nil }
      for point in points {
        let samples = point.record.samples
        for round in samples[0].indices where samples[index].indices.contains(round) {
          let (wanted, found) = (samples[0][round].checksum, samples[index][round].checksum)
          guard wanted != found else { continue }
          let at = point.size.map { " at n = \($0)" } ?? ""
          return FailureNote(
            isError: true, line: max(1, fence.line - 1), column: nil,
            text: "`\(subject.name)` returns \(found)\(at) where `\(bench.subjects[0].name)` returns \(wanted), over \(point.record.iterations) iterations")
        }
      }
      return nil
    }
  }

  /// The exponent of each subject, in an arm without a point.
  private func fitSlopes(_ bench: BenchCell, _ points: [BenchPoint], into result: inout CellResult) {
    let sizes = points.compactMap { $0.size.map(Double.init) }
    for (index, subject) in bench.subjects.enumerated() {
      let times = points.map { point in point.record.samples[index].map { Double($0.ns) / Double(point.record.iterations) } }
      guard let fit = growthExponent(sizes: sizes, times: times) else { continue }
      result.arms.append(
        ArmResult(
          name: subject.name, metrics: ["slope": MetricValue(Estimate(fit.value, low: fit.interval?.low, high: fit.interval?.high), .plain)]))
    }
  }

  /// time = shared + item·x over the sizes x, in an arm without a point, and how far a size's median is from it.
  private func fitLines(_ bench: BenchCell, _ points: [BenchPoint], into result: inout CellResult) {
    for (index, subject) in bench.subjects.enumerated() {
      let sizes = points.compactMap { point in
        point.size.map { (Double($0), point.record.samples[index].map { Double($0.ns) / Double(point.record.iterations) }) }
      }
      let x = sizes.flatMap { size in size.1.map { _ in size.0 } }
      guard let line = fitRelativeLine(x, sizes.flatMap(\.1)) else { continue }
      let farthest = sizes.map { abs(medianOf($0.1) / line.value(at: $0.0) - 1) }.max() ?? 0
      result.arms.append(
        ArmResult(
          name: subject.name,
          metrics: [
            "item_cost": MetricValue(Estimate(line.b, low: line.bInterval.low, high: line.bInterval.high), .nanoseconds),
            "shared_cost": MetricValue(Estimate(line.a, low: line.aInterval.low, high: line.aInterval.high), .nanoseconds),
            "line_error": MetricValue(Estimate(farthest), .share),
          ]))
    }
  }

  // MARK: Pictures

  private func benchPlots(_ cell: Cell, _ bench: BenchCell, _ points: [BenchPoint], _ result: CellResult) -> [PlotData] {
    cell.plots.compactMap { plot in
      switch plot.kind {
      case .curve: bench.sizes == nil ? nil : growthPlot(cell, bench, result, plot.y.first ?? "time")
      case .distribution: points.first.map { distributionPlot(cell, bench, $0) }
      case .timeline, .flame, .picture: nil
      }
    }
  }

  /// A metric over size, a series of dots for each subject, and what its closed form or the fitted hyperbola says as a line.
  private func growthPlot(_ cell: Cell, _ bench: BenchCell, _ result: CellResult, _ metric: String) -> PlotData {
    var series: [PlotSeries] = []
    for subject in bench.subjects {
      let arms = result.arms.filter { $0.name == subject.name && $0.params[bench.sizeName] != nil }
      let rows = arms.compactMap { arm in arm.metrics[metric].map { (arm.params[bench.sizeName]!, $0.estimate) } }
      series.append(
        PlotSeries(
          name: subject.name, mark: .dots, x: rows.map(\.0), y: rows.map(\.1.value), low: rows.map { $0.1.low ?? $0.1.value },
          high: rows.map { $0.1.high ?? $0.1.value }))
      let theory = arms.compactMap { arm in arm.theory[metric].map { (arm.params[bench.sizeName]!, $0) } }
      if theory.count > 1 { series.append(PlotSeries(name: "predicted", mark: .line, x: theory.map(\.0), y: theory.map(\.1))) }
    }
    let yLabel = metric == "time" ? "time of one call" : Metric.named(metric)?.meaning ?? metric
    return PlotData(
      title: cell.title ?? "Over size", xLabel: bench.sizeName, yLabel: yLabel, xUnit: bench.sizeUnit, yUnit: Metric.named(metric)?.unit ?? .plain,
      logX: bench.isOnLogAxis, series: series)
  }

  /// Cumulative distribution of the samples' times, one step line per subject.
  private func distributionPlot(_ cell: Cell, _ bench: BenchCell, _ point: BenchPoint) -> PlotData {
    let k = Double(point.record.iterations)
    let series = zip(bench.subjects, point.record.samples).map { subject, samples in
      let sorted = samples.map { Double($0.ns) / k }.sorted()
      let kept = thinned(sorted.count, to: 120)
      return PlotSeries(
        name: subject.name, mark: .step, x: kept.map { sorted[$0] }, y: kept.map { Double($0 + 1) / Double(sorted.count) })
    }
    return PlotData(
      title: cell.title ?? "Time of one call, cumulative", xLabel: "time of one call", yLabel: "share of samples", xUnit: .nanoseconds,
      yUnit: .share, logX: false, series: series)
  }
}

/// The share below which two subjects are as good as equal.
enum LeastDifference {
  /// δ of the method.
  case usual
  /// Each was started once. Two starts of one SQL statement, with its tables in memory, differ with a standard deviation of 1.8 %
  /// here, which no number of pairs can show.
  case ofOneStart

  var share: Double { self == .usual ? 0.02 : 0.05 }

  /// Whether a difference that was found may be that of two starts: its interval reaches below the share.
  func mayBeChance(_ found: PairedComparison) -> Bool {
    self == .ofOneStart && found.interval.low < 1 + share && found.interval.high > 1 / (1 + share)
      && (found.verdict == .faster || found.verdict == .slower)
  }

  static let oneStart = "a difference below \(Int(LeastDifference.ofOneStart.share * 100)) % may be that of two starts, and counts as none"
}
