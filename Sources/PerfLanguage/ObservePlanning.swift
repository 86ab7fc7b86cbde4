// `observe` blocks → ObserveCell: the changes of level of a recorded series.

import ExperimentModel
import StrictYAML
import TextModel

extension Planning {
  func planObserve(_ block: Block, _ fields: Fields) -> CellDraft? {
    guard fields.text("query") != nil, let cell = seriesQuery(block, fields) else { return nil }
    let face = BlockFace(
      id: block.id, kind: "observe", arms: [], params: [], isComparison: false, metrics: [], wholeMetrics: MetricSets.changePoints)
    return finish(block, fields, .observe(cell), face, readPlots(fields, face) ?? [PlotSpec(kind: .timeline)])
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
