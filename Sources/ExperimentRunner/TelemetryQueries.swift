// Questions to what a lab said of itself while a load block ran: the capture answers, and the answer becomes a result. Span
// metrics are held against the generator's own count, which the lab knows nothing of.

import ExperimentModel
import TelemetryModel

extension Runner {
  func askTelemetry(
    _ cell: Cell, _ from: String, arm: String?, _ query: TelemetryQuery, rows: Int, into result: inout CellResult
  ) throws {
    let capture = try recordings.capture(of: from, arm: arm)
    var answer = capture.answer(query)
    guard !answer.isEmpty else {
      throw CellFailure("nothing that `\(from)` recorded answers this", remedy: "look with fewer conditions, or record more: `telemetry` of its system")
    }
    if query.kind == .spanMetrics {
      answer.whole.merge(againstGenerator(capture, query, try? recordings.recording(of: from).metrics)) { a, _ in a }
    }
    let told = try recordings.telemetry(of: from, arm: arm)
    answer.whole.merge(told.figures(query.kind)) { a, _ in a }
    result.doubts.append(Doubt(id: "recorded", text: "asked of \(capture.contents) that `\(from)` recorded; nothing was measured again"))
    result.take(answer, rows: rows, pictures: !cell.plots.isEmpty)
    if told.dropped > 0 {
      result.doubts.append(Doubt(id: "dropped", text: "\(told.dropped) spans and log records found no room and are in no number"))
    }
  }

  /// How far the spans are from what the load generator counted and timed; nothing where it has no single arm.
  private func againstGenerator(
    _ capture: TelemetryCapture, _ query: TelemetryQuery, _ generator: [String: MetricValue]?
  ) -> [String: MetricValue] {
    guard let requests = generator?["http_reqs"], let p95 = generator?["p95"]
    else { return [:] }
    let found = TelemetryCapture.agreement(
      capture.spanMetrics(where: query.where, groupBy: [], entries: true), count: requests.estimate.value, value: p95.estimate.value / 1e9)
    var whole = [
      "generator_requests": requests, "generator_p95": p95, "count_error": MetricValue(Estimate(found.countDifference), .count),
    ]
    whole["buckets_apart"] = found.bucketDistance.map { MetricValue(Estimate(Double($0)), .count) }
    return whole
  }
}

extension RecordedTelemetry {
  /// What a query of this kind says of the recording itself.
  fileprivate func figures(_ kind: TelemetryQuery.Kind) -> [String: MetricValue] {
    guard kind.wholeColumns.contains(where: { $0.name == "spans_dropped" }) else { return [:] }
    var figures = ["spans_dropped": MetricValue(Estimate(Double(dropped)), .count)]
    let spans = traces.resources.reduce(0) { $0 + $1.scopes.reduce(0) { $0 + $1.records.count } }
    if spans > 0 { figures["span_bytes"] = MetricValue(Estimate(Double(traceBytes) / Double(spans)), .bytes) }
    return figures
  }
}
