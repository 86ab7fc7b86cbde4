// Durations over time as counts in cells: where a line of p95 shows that it rose, the cells show whether all requests did or a
// few. Rows are logarithmic, because a slow request is a multiple of a usual one.

import ExperimentModel

extension TelemetryCapture {
  /// Requests as they came in, by the time of their start and by duration.
  ///
  /// - Parameters:
  ///   - columns: at most; fewer when a column would be shorter than a millisecond.
  ///   - marks: traces that are marked, the slowest of each of the columns that stand out.
  public func heatMap(where filter: TelemetryFilter = .all, columns: Int = 60, marks: Int = 8) -> LatencyHeatMap {
    struct Point {
      var start: UInt64
      var duration: Double
      var trace: TraceID
    }
    var points: [Point] = []
    var omitted = 0
    forEachEntry(filter) { one, _ in
      if one.span.duration > 0 {
        points.append(Point(start: one.span.startUnixNano, duration: Double(one.span.duration), trace: one.span.traceID))
      } else {
        omitted += 1
      }
    }
    guard let first = points.map(\.start).min(), let last = points.map(\.start).max(), let least = points.map(\.duration).min(),
      let most = points.map(\.duration).max()
    else { return LatencyHeatMap(columnWidth: 0, edges: [], counts: [], omitted: omitted) }
    let edges = Self.heatEdges(least, most)
    let span = Double(last - first)
    let count = max(1, min(columns, Int(span / 1e6)))
    let width = max(1, (span / Double(count)).nextUp)
    var counts = [[Int]](repeating: [Int](repeating: 0, count: edges.count - 1), count: count)
    var slowest = [(duration: Double, trace: TraceID)?](repeating: nil, count: count)
    let shape = ExplicitHistogram(bounds: edges)
    for point in points {
      let column = min(count - 1, Int(Double(point.start - first) / width))
      counts[column][max(1, min(shape.bucket(point.duration), edges.count - 1)) - 1] += 1
      if point.duration > slowest[column]?.duration ?? 0 { slowest[column] = (point.duration, point.trace) }
    }
    let marked = slowest.indices.filter { slowest[$0] != nil }.sorted { (slowest[$1]!.duration, $0) < (slowest[$0]!.duration, $1) }.prefix(marks)
    let exemplars = marked.sorted().map { column in
      let one = slowest[column]!
      return LatencyHeatMap.Exemplar(column: column, row: max(1, min(shape.bucket(one.duration), edges.count - 1)) - 1, traceID: one.trace.hex)
    }
    return LatencyHeatMap(columnWidth: width, edges: edges, counts: counts, omitted: omitted, exemplars: exemplars)
  }

  /// Edges at round numbers that hold all values: eight a decade where few decades are needed, else three, else one.
  static func heatEdges(_ least: Double, _ most: Double) -> [Double] {
    for steps in [[1, 1.25, 1.6, 2, 2.5, 3.2, 4, 5, 6.3, 8], [1, 1.5, 2, 3, 5, 7], [1, 2, 5], [1]] {
      var edges: [Double] = []
      var decade = 1.0
      while decade * 10 < least { decade *= 10 }
      while edges.last.map({ $0 < most }) ?? true {
        for step in steps {
          let edge = decade * step
          // The first edge is the last one below the least value.
          if edge < least { edges = [edge] } else if edges.last.map({ $0 < most }) ?? true { edges.append(edge) }
        }
        decade *= 10
      }
      if edges.count == 1 { edges.append(edges[0] * 10) }
      if edges.count <= 24 || steps.count == 1 { return edges }
    }
    return [1, 10]
  }
}
