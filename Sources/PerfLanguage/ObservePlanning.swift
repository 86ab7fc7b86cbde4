// `observe` blocks → ObserveCell: a profile of a code fence, or the changes of a recorded series.

import ExperimentModel
import StrictYAML
import TextModel

extension Planning {
  func planObserve(_ block: Block, _ fields: Fields) -> CellDraft? {
    guard let query = fields.text("query") else { return nil }
    let isProfile = query == "profile"
    for key in isProfile ? ["file"] : ["fence", "n", "duration"] where fields.has(key) {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(key)` means nothing to the query `\(query)`", remedy: "leave it out", at: fields.place(key))
    }
    guard let cell = isProfile ? profileQuery(block, fields) : seriesQuery(block, fields) else { return nil }
    let face = BlockFace(
      id: block.id, kind: "observe", arms: isProfile ? ["top"] : [], params: isProfile ? [[:]] : [], isComparison: false,
      metrics: isProfile ? MetricSets.profile : [], wholeMetrics: isProfile ? MetricSets.profileWhole : MetricSets.changePoints)
    let standard = PlotSpec(kind: isProfile ? .flame : .timeline)
    return finish(block, fields, .observe(cell), face, readPlots(fields, face) ?? [standard])
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
    // A notebook reads nothing outside its course.
    let isInside = !file.hasPrefix("/") && !file.split(separator: "/").contains("..")
    guard isInside, let text = context.data(file) else {
      findings.error(
        PerfDiagnosticID.badData, isInside ? "there is no data file `\(file)`" : "`\(file)` is not in the course's folder",
        remedy: "name a file relative to the folder of course.yml", at: place)
      return nil
    }
    guard let points = readSeries(text, file, place) else { return nil }
    return .changePoints(SeriesQuery(file: file, points: points))
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
