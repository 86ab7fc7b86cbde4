// The requests of a scenario one by one, under the table of arms: a mean over a cheap and a dear request is of neither.

import ExperimentModel

/// Which figures of a request are shown, in order.
let requestColumns = ["http_reqs", "rate", "http_req_failed", "p50", "p95", "p99", "checks"]

/// What a results file must keep of each request.
public let requestMetricsShown = Set(requestColumns)

/// One row a request, of each arm that has several; nil: no arm has.
func requestTable(_ result: CellResult) -> String? {
  let rows = result.arms.flatMap { arm in (arm.requests ?? []).map { (arm: arm.label ?? arm.name, request: $0) } }
  guard !rows.isEmpty else { return nil }
  let namesArms = result.arms.count { $0.requests != nil } > 1
  // Checks only where some request has them.
  let columns = requestColumns.filter { name in rows.contains { $0.request.metrics[name] != nil } }
  var table = MarkdownTable(columns: (namesArms ? [(escapedMarkdown(metricTitle(result.rowLabel)), .left)] : []) + [("request", .left)])
  for name in columns { table.columns.append((escapedMarkdown(metricTitle(name)), .right)) }
  for row in rows {
    let values = columns.map { name in row.request.metrics[name].map { format(MetricValue(Estimate($0.estimate.value), $0.unit)) } ?? "–" }
    table.rows.append((namesArms ? [escapedMarkdown(row.arm)] : []) + [escapedMarkdown(row.request.name)] + values)
  }
  return table.text
}
