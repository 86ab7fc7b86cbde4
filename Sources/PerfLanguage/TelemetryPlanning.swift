// `observe` blocks that ask what the roles of a load block's lab said of themselves → cells. How the question itself is read
// is TelemetryQueryReading's.

import ExperimentModel
import StrictYAML
import TextModel

let telemetryQueryKeys: [Shape: [Key]] = [
  .sampling: [
    Key("head", .share, "of the traces, decided at the root by the trace id"),
    Key("tail", .list("policies"), "or what is kept of whole traces; one policy that agrees is enough"),
    Key("decision_wait", .duration, "of `tail`: after which a trace is judged, from its first span", standard: "30s"),
  ],
  .samplingPolicy: [
    Key("latency", .duration, "keeps traces that last as long"),
    Key("status", .word(["error"]), "keeps traces with a span that failed"),
    Key("attribute", .text, "keeps traces with a span that has one of the `values` under this key"),
    Key("values", .texts("texts"), "of `attribute`"),
    Key("probabilistic", .share, "keeps this share of the traces, by the trace id"),
    Key("rate", .other("spans per second, such as 100/s"), "keeps so many spans a second"),
  ],
]

extension Planning {
  func telemetryQuery(_ kind: TelemetryQuery.Kind, _ block: Block, _ fields: Fields) -> CellDraft? {
    guard let from = recordingSource(fields) else { return nil }
    guard let query = fields.telemetryQuery(kind) else { return nil }
    let columns = kind.columns.map(\.name)
    let asked = query.show.filter(columns.contains)
    let face = BlockFace(
      id: block.id, kind: "observe", arms: columns.isEmpty ? [] : ["top"], params: columns.isEmpty ? [] : [[:]], isComparison: false,
      metrics: Set(asked.isEmpty ? columns : asked), wholeMetrics: Set(kind.wholeColumns.map(\.name)))
    // Pictures follow from the query; `plots: []` leaves them out.
    for item in fields.items("plots") {
      findings.error(
        PerfDiagnosticID.doesNotApply, "pictures of telemetry follow from the query", remedy: "leave `plots` out, or write `plots: []` for none", at: item.range)
    }
    var draft = finish(
      block, fields, .observe(.telemetry(from: from, arm: fields.text("arm"), query, rows: fields.integer("rows") ?? 8)), face,
      fields.has("plots") ? [] : [PlotSpec(kind: .picture)])
    draft.source = PendingSource(
      id: from, place: fields.contents("from")?.range ?? fields.place("from"),
      telemetry: PendingSource.Telemetry(
        arm: fields.text("arm").map { ($0, fields.contents("arm")?.range ?? fields.place("arm")) },
        signals: kind.signals(query.source, metric: query.metric), query: kind.rawValue))
    return draft
  }
}
