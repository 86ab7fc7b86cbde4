// `observe` blocks → ObserveCell: a profile of a code fence, the changes of a recorded series, or a question to the
// recording of a load block.

import ExperimentModel
import StrictYAML
import TextModel

extension Planning {
  /// Every query, those of telemetry last, with what it reads of an observe block beside what all blocks have.
  private static let queryTable: [(name: String, keys: Set<String>)] =
    [
      ("profile", ["fence", "n", "duration"]), ("change_points", ["file"]), ("littles_law", ["from"]), ("merged_quantiles", ["from", "windows"]),
      ("memory_trend", ["from", "limit"]), ("plan", ["from"]), ("machine", []),
    ] + TelemetryQuery.Kind.allCases.map { ($0.rawValue, $0.keys) }

  static let queryKeys = Dictionary(uniqueKeysWithValues: queryTable.map { ($0.name, $0.keys) })
  static let queries = queryTable.map(\.name)

  func planObserve(_ block: Block, _ fields: Fields) -> CellDraft? {
    guard let query = fields.text("query") else { return nil }
    fields.refuseKeys(apartFrom: Self.queryKeys[query] ?? [], of: query)
    if query == "machine" {
      let face = BlockFace(
        id: block.id, kind: "observe", arms: [], params: [], isComparison: false, metrics: [], wholeMetrics: MetricSets.machine)
      return finish(block, fields, .observe(.machine), face, readPlots(fields, face) ?? [])
    }
    if let kind = TelemetryQuery.Kind(rawValue: query) { return telemetryQuery(kind, block, fields) }
    let isProfile = query == "profile"
    guard isProfile || query == "change_points" else { return recordingQuery(query, block, fields) }
    guard let cell = isProfile ? profileQuery(block, fields) : seriesQuery(block, fields) else { return nil }
    let face = BlockFace(
      id: block.id, kind: "observe", arms: isProfile ? ["top"] : [], params: isProfile ? [[:]] : [], isComparison: false,
      metrics: isProfile ? MetricSets.profile : [], wholeMetrics: isProfile ? MetricSets.profileWhole : MetricSets.changePoints)
    let standard = PlotSpec(kind: isProfile ? .flame : .timeline)
    return finish(block, fields, .observe(cell), face, readPlots(fields, face) ?? [standard])
  }

  private func recordingQuery(_ query: String, _ block: Block, _ fields: Fields) -> CellDraft? {
    guard let from = recordingSource(fields) else { return nil }
    var face = BlockFace(id: block.id, kind: "observe", arms: [], params: [], isComparison: false, metrics: [])
    let cell: ObserveCell
    switch query {
    case "littles_law":
      cell = .littlesLaw(from: from)
      face.wholeMetrics = MetricSets.littlesLaw
    case "merged_quantiles":
      let windows = fields.integer("windows") ?? 10
      guard windows <= 100 else {
        findings.error(
          PerfDiagnosticID.outOfRange, "a recording is cut into at most 100 windows, not \(windows)", remedy: "write at most 100",
          at: fields.place("windows"))
        return nil
      }
      cell = .mergedQuantiles(from: from, windows: windows)
      face.arms = (1...windows).map { "window-\($0)" }
      face.params = face.arms.map { _ in [:] }
      face.metrics = MetricSets.window
      face.wholeMetrics = MetricSets.mergedQuantiles
    case "plan":
      cell = .plan(from: from)
      face.wholeMetrics = MetricSets.plan
    default:
      cell = .memoryTrend(from: from, limit: fields.value("limit")?.plain.map { Int($0) } ?? 512 << 20)
      face.wholeMetrics = MetricSets.memoryTrend
    }
    let standard = ["littles_law", "plan"].contains(query) ? [] : [PlotSpec(kind: .timeline)]
    var draft = finish(block, fields, .observe(cell), face, readPlots(fields, face) ?? standard)
    draft.source = PendingSource(id: from, place: fields.contents("from")?.range ?? fields.place("from"))
    draft.source?.isBench = query == "plan"
    return draft
  }

  /// The load block whose recording is asked; nil after a report.
  func recordingSource(_ fields: Fields) -> String? {
    if let from = fields.text("from") { return from }
    if !fields.mentions("from") {
      findings.error(
        PerfDiagnosticID.missingKey, "`\(fields.text("query") ?? "")` needs `from`: whose recording is asked", remedy: "name a \(fields.text("query") == "plan" ? "bench" : "load") block: `from: base`",
        at: fields.place("query"))
    }
    return nil
  }

  private func profileQuery(_ block: Block, _ fields: Fields) -> ObserveCell? {
    guard let id = fields.text("fence") else {
      if !fields.mentions("fence") {
        findings.error(
          PerfDiagnosticID.missingKey, "a profile needs the `fence` that runs", remedy: "such as `fence: recommend-slow`", at: fields.place("query"))
      }
      return nil
    }
    let place = fields.contents("fence")?.range ?? fields.place("fence")
    guard let fence = codeFences[id] else {
      findings.error(
        PerfDiagnosticID.unknownFence, "there is no code fence `#\(id)` to profile",
        remedy: suggestion(for: id, among: codeFences.keys.sorted(), what: "code fences"), at: place)
      return nil
    }
    guard let spec = codeSpec(fence, id, fields, at: place) else { return nil }
    guard [.swift, .c, .python].contains(spec.language), !spec.isProcess else {
      findings.error(
        PerfDiagnosticID.doesNotApply, "nb cannot sample the stack of `#\(id)`",
        remedy: "profile a swift, c or python fence that defines `subject(n)`", at: place)
      return nil
    }
    return .profile(ProfileQuery(fence: spec, duration: fields.duration("duration") ?? Nanoseconds(seconds: 2)))
  }

  private func seriesQuery(_ block: Block, _ fields: Fields) -> ObserveCell? {
    guard let file = fields.text("file") else {
      if !fields.mentions("file") {
        findings.error(
          PerfDiagnosticID.missingKey, "`change_points` needs a `file`", remedy: "such as `file: data/nightly.csv`", at: fields.place("query"))
      }
      return nil
    }
    let place = fields.contents("file")?.range ?? fields.place("file")
    guard let text = dataFile(file, place), let points = readSeries(text, file, place) else { return nil }
    return .changePoints(SeriesQuery(file: file, points: points))
  }

  /// A file of the course; nil after a report.
  func dataFile(_ file: String, _ place: SourceRange) -> String? {
    findings.courseFile(file, context.data, at: place)
  }

  /// `date,value[,commit]` with a heading line; nil after a report of the first mistake.
  private func readSeries(_ text: String, _ file: String, _ place: SourceRange) -> [SeriesPoint]? {
    var points: [SeriesPoint] = []
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false).map { String($0).trimmed }
      if index == 0 || line.allSatisfy(\.isWhitespace) { continue }
      guard cells.count >= 2, !cells[0].isEmpty, let value = Double(cells[1]), value.isFinite else {
        findings.error(
          PerfDiagnosticID.badData, "line \(index + 1) of `\(file)` is not `date,value,commit`", remedy: "such as 2026-11-01,12.5,ab12cd3", at: place)
        return nil
      }
      points.append(SeriesPoint(date: cells[0], value: value, commit: cells.count > 2 && !cells[2].isEmpty ? cells[2] : nil))
    }
    guard points.count >= 10, points.count <= 10_000 else {
      findings.error(
        PerfDiagnosticID.badData, "`\(file)` has \(points.count) points; changes of level can be told in 10 to 10,000", remedy: "give it more history",
        at: place)
      return nil
    }
    return points
  }
}
