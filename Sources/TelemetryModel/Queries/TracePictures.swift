// One trace as a waterfall, and many as a flame graph.

import ExperimentModel

extension TelemetryCapture {
  /// Spans of a waterfall that are drawn; the others are counted.
  public static let barsMax = 200

  /// The trace whose duration is the median of those that a filter chooses: an example, and not the oddest of them.
  public func exampleTrace(where filter: TelemetryFilter) -> Trace? {
    let selection = TelemetrySelection(filter, over: traces.lazy.map { spans[$0.root] })
    let chosen = traces.indices.filter { selection.contains(spans[traces[$0].root]) }
      .sorted { (spans[traces[$0].root].span.duration, $0) < (spans[traces[$1].root].span.duration, $1) }
    return chosen.isEmpty ? nil : traces[chosen[(chosen.count - 1) / 2]]
  }

  /// - Parameter barsMax: spans that are drawn: what is on the critical path and what is long goes before the rest, and none
  ///   without the spans that called it.
  public func waterfall(_ trace: Trace, barsMax: Int = barsMax) -> TraceWaterfall {
    let tree = tree(trace)
    let first = tree.spans.map(\.span.startUnixNano).min() ?? 0
    let last = tree.spans.reduce(first) { max($0, $1.span.endUnixNano, $1.span.startUnixNano) }
    func offset(_ time: UInt64) -> Double { Double(max(time, first) - first) }
    var critical: [Int: [TraceWaterfall.Stretch]] = [:]
    for stretch in tree.criticalPath() {
      critical[stretch.place, default: []].append(TraceWaterfall.Stretch(offset(stretch.start), offset(stretch.end)))
    }
    let drawn = drawn(tree, isCritical: { critical[$0] != nil }, max: barsMax)
    var bars: [TraceWaterfall.Bar] = []
    var stack = (tree.roots + tree.orphans).sorted { (tree.spans[$1].span.startUnixNano, $1) < (tree.spans[$0].span.startUnixNano, $0) }
      .map { (place: $0, depth: 0) }
    let orphans = Set(tree.orphans)
    while let (place, depth) = stack.popLast() {
      guard drawn.contains(place) else { continue }
      let one = tree.spans[place]
      bars.append(
        TraceWaterfall.Bar(
          name: shortened(one.span.name), service: shortened(one.origin.service), depth: depth,
          time: TraceWaterfall.Stretch(offset(one.span.startUnixNano), offset(max(one.span.endUnixNano, one.span.startUnixNano))),
          selfTime: Double(tree.selfTime(place)), isError: SemanticConventions.hasFailed(one.span), isOrphan: orphans.contains(place),
          critical: Array((critical[place] ?? []).prefix(50))))
      stack += tree.children[place].reversed().map { ($0, depth + 1) }
    }
    var gaps: [TraceWaterfall.Stretch] = []
    if tree.roots.count == 1, let root = tree.roots.first, !tree.children[root].isEmpty {
      var end = tree.spans[root].span.startUnixNano
      func gap(to time: UInt64) { if time > end { gaps.append(TraceWaterfall.Stretch(offset(end), offset(time))) } }
      for child in tree.children[root] {
        gap(to: min(tree.spans[child].span.startUnixNano, tree.spans[root].span.endUnixNano))
        end = max(end, tree.spans[child].span.endUnixNano)
      }
      gap(to: tree.spans[root].span.endUnixNano)
    }
    return TraceWaterfall(
      traceID: trace.id.hex, duration: Double(last - first), bars: bars, gaps: Array(gaps.prefix(barsMax)), omitted: tree.spans.count - bars.count)
  }

  private func drawn(_ tree: TraceTree, isCritical: (Int) -> Bool, max limit: Int) -> Set<Int> {
    var places: [SpanID: Int] = [:]
    for (i, one) in tree.spans.enumerated() { places[one.span.spanID] = i }
    let ranked = tree.spans.indices.map { (isCritical: isCritical($0), duration: tree.spans[$0].span.duration, place: $0) }
      .sorted { ($0.isCritical ? 0 : 1, $1.duration, $0.place) < ($1.isCritical ? 0 : 1, $0.duration, $1.place) }
    var drawn: Set<Int> = []
    for one in ranked where drawn.count < limit && !drawn.contains(one.place) {
      var line: [Int] = []
      var at: Int? = one.place
      // A line that is too long, as a cycle of parents is, does not fit.
      while let place = at, !drawn.contains(place), line.count <= limit {
        line.append(place)
        at = tree.spans[place].span.isRoot ? nil : places[tree.spans[place].span.parentSpanID]
      }
      if drawn.count + line.count <= limit { drawn.formUnion(line) }
    }
    return drawn
  }

  /// Self times of spans under the spans that called them, as the stacks of a flame graph: `service`name`, counts in
  /// microseconds. Of traces with one root whose root passes the filter. Stacks below `share` are counted to their callers, so
  /// that the result stays small.
  public func flameProfile(where filter: TelemetryFilter = .all, share: Double = 0.002) -> (profile: StackProfile, traces: Int) {
    let selection = TelemetrySelection(filter, over: traces.lazy.map { spans[$0.root] })
    var counts: [[String]: Int] = [:]
    var used = 0
    for trace in traces where trace.hasRoot && selection.contains(spans[trace.root]) {
      let tree = tree(trace)
      guard tree.roots.count == 1, let root = tree.roots.first else { continue }
      used += 1
      var stack = [(place: root, path: [String]())]
      while let (place, callers) = stack.popLast() {
        let one = tree.spans[place]
        // Deeper than any picture shows; time below stays with the last caller that is shown.
        let path = callers.count < 64 ? callers + [shortened(one.origin.service, 60) + "`" + shortened(one.span.name, 60)] : callers
        let fits = counts[path] != nil || counts.count < 20_000
        let key = fits ? path : Array(path.prefix(1))
        counts[key] = (counts[key] ?? 0) &+ Int(clamping: tree.selfTime(place))
        stack += tree.children[place].map { ($0, path) }
      }
    }
    let stacks = counts.map { StackProfile.Stack($0.key, Int((Double($0.value) / 1e3).rounded())) }.filter { $0.count > 0 }
    let profile = StackProfile(stacks: stacks, rate: 1e6, cpuSeconds: Double(stacks.reduce(0) { $0 + $1.count }) / 1e6)
    return (profile.pruned(share: share), used)
  }
}
