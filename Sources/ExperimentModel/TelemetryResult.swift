// An answer of telemetry as a result, for a notebook's region and for a terminal alike.

extension TelemetryAnswer {
  /// Nothing was found that could be said.
  public var isEmpty: Bool { rows.isEmpty && whole.isEmpty && pictures.isEmpty }
}

extension CellResult {
  /// An answer as rows, of which the first is `top`, figures of the whole, pictures, and what a reader must know as doubts.
  public mutating func take(_ answer: TelemetryAnswer, rows: Int, pictures wanted: Bool) {
    columns = answer.columns.filter { name in answer.rows.contains { $0.values[name] != nil } }
    rowLabel = answer.labels.first ?? "row"
    if answer.labels.count > 1 { labelColumns = answer.labels }
    for (place, row) in answer.rows.prefix(rows).enumerated() {
      let name = row.labels.map { $0.isEmpty ? "–" : $0 }.joined(separator: " · ")
      var arm = ArmResult(name: place == 0 ? "top" : name, metrics: row.values, label: name)
      if answer.labels.count > 1 { arm.labels = row.labels }
      arms.append(arm)
    }
    if answer.rows.count > rows {
      let left = answer.rows.count - rows
      doubts.append(Doubt(id: "more", text: left == 1 ? "one more row is not shown" : "\(left) more rows are not shown"))
    }
    if !answer.whole.isEmpty { arms.append(ArmResult(name: "", metrics: answer.whole)) }
    if wanted, !answer.pictures.isEmpty { pictures = answer.pictures }
    doubts += answer.notes.enumerated().map { Doubt(id: "note-\($0.offset + 1)", text: $0.element) }
  }
}
