// Sampling at the end: whole traces wait until they are likely to be complete, then policies decide. Errors and slow traces
// are kept at any volume; the price is memory for rate × decision wait. That memory is bounded: the oldest trace goes when a
// new one comes and there is no room, undecided, and is counted.
//
// Time is an argument, in nanoseconds of any clock that does not go back. Not Sendable: one for each loop.

public final class TailSampler {
  public struct Configuration: Hashable, Sendable {
    /// From a trace's first span to its decision, nanoseconds. Longer than nearly all traces take.
    public var decisionWait: UInt64 = 30_000_000_000
    /// Traces that wait at the same time.
    public var tracesMax = 50_000
    /// Spans of one waiting trace; more are cut and counted.
    public var spansPerTraceMax = 10_000
    /// Decisions remembered for spans that come late.
    public var decisionsMax = 100_000
    public var policies: [TailPolicy]

    public init(policies: [TailPolicy]) { self.policies = policies }
  }

  public struct Counts: Hashable, Sendable {
    public var traces = 0
    public var spans = 0
    public var keptTraces = 0
    public var keptSpans = 0
    public var droppedTraces = 0
    public var droppedSpans = 0
    /// Traces that had to go undecided, because `tracesMax` others came within the wait.
    public var evictedTraces = 0
    public var evictedSpans = 0
    /// Spans over `spansPerTraceMax`.
    public var cutSpans = 0
    /// Spans after the decision on their trace; they share its fate, and are in `keptSpans` or `droppedSpans` too.
    public var lateSpans = 0
  }

  /// A trace that is kept.
  public struct Kept: Sendable {
    public var traceID: TraceID
    public var spans: [OriginatedSpan]
    /// The first policy that wanted it.
    public var policy: String
    /// How many traces it stands for; nil when a rate decided, whose probability nobody knows.
    public var adjustedCount: Double?
    /// Came after the decision: more spans of a trace that was kept before.
    public var isLate: Bool
  }

  private enum Fate { case dropped, kept(policy: String, adjustedCount: Double?) }

  public let configuration: Configuration
  public private(set) var counts = Counts()
  private let nodes: [(name: String, node: TailRuleNode)]
  private var origins = OriginTable()
  private var pending: [TraceID: PendingTrace] = [:]
  /// The keys of `pending`, in the order of their first span.
  private var line = FirstInFirstOut<TraceID>()
  private var fates: [TraceID: Fate] = [:]
  private var decided = FirstInFirstOut<TraceID>()

  public init(_ configuration: Configuration) {
    self.configuration = configuration
    nodes = configuration.policies.map { ($0.name, TailRuleNode($0.rule)) }
  }

  public var waitingTraces: Int { pending.count }

  /// Takes spans in. Returns those of traces that were already kept.
  public func add(_ batch: TraceBatch, at now: UInt64) -> [Kept] {
    var late: [TraceID: Kept] = [:]
    for group in batch.resources {
      for scope in group.scopes {
        let origin = origins.origin(group, scope)
        for span in scope.records { add(OriginatedSpan(span, origin), now, &late) }
      }
    }
    return late.values.sorted { $0.traceID < $1.traceID }
  }

  private func add(_ one: OriginatedSpan, _ now: UInt64, _ late: inout [TraceID: Kept]) {
    counts.spans += 1
    let id = one.span.traceID
    if let place = pending.index(forKey: id) {
      if pending.values[place].spans.count < configuration.spansPerTraceMax {
        pending.values[place].spans.append(one)
      } else {
        pending.values[place].cut += 1
        counts.cutSpans += 1
      }
      return
    }
    switch fates[id] {
    case .dropped?:
      counts.lateSpans += 1
      counts.droppedSpans += 1
    case .kept(let policy, let adjustedCount)?:
      counts.lateSpans += 1
      counts.keptSpans += 1
      late[id, default: Kept(traceID: id, spans: [], policy: policy, adjustedCount: adjustedCount, isLate: true)].spans.append(one)
    case nil:
      if pending.count >= configuration.tracesMax { evictOldest() }
      counts.traces += 1
      pending[id] = PendingTrace(traceID: id, firstSeen: now, spans: [one])
      line.append(id)
    }
  }

  private func evictOldest() {
    guard let id = line.popFirst(), let trace = pending.removeValue(forKey: id) else { return }
    counts.evictedTraces += 1
    counts.evictedSpans += trace.spans.count
  }

  /// Decides on every trace that has waited long enough, oldest first.
  public func decide(at now: UInt64) -> [Kept] {
    var kept: [Kept] = []
    while let id = line.first, let trace = pending[id] {
      guard now >= trace.firstSeen, now - trace.firstSeen >= configuration.decisionWait else { break }
      decideFirst(trace, now, &kept)
    }
    return kept
  }

  /// Decides on everything that still waits, at the end of a recording.
  public func flush(at now: UInt64) -> [Kept] {
    var kept: [Kept] = []
    while let id = line.first, let trace = pending[id] { decideFirst(trace, now, &kept) }
    return kept
  }

  private func decideFirst(_ trace: PendingTrace, _ now: UInt64, _ kept: inout [Kept]) {
    _ = line.popFirst()
    pending.removeValue(forKey: trace.traceID)
    let fate = judge(trace, now)
    remember(trace.traceID, fate)
    switch fate {
    case .dropped:
      counts.droppedTraces += 1
      counts.droppedSpans += trace.spans.count
    case .kept(let policy, let adjustedCount):
      counts.keptTraces += 1
      counts.keptSpans += trace.spans.count
      kept.append(Kept(traceID: trace.traceID, spans: trace.spans, policy: policy, adjustedCount: adjustedCount, isLate: false))
    }
  }

  /// Every policy is asked, as in the Collector: a drop rule anywhere outweighs the others.
  private func judge(_ trace: PendingTrace, _ now: UInt64) -> Fate {
    var policy: String?
    var drops = false
    var probability: Double? = 0
    for (name, node) in nodes {
      let verdict = node.judge(trace, at: now)
      drops = drops || verdict.drops
      if verdict.keeps, policy == nil { policy = name }
      if verdict.probability == 1 { probability = 1 }
      if probability != 1 { probability = probability.flatMap { a in verdict.probability.map { max(a, $0) } } }
    }
    guard let policy, !drops else { return .dropped }
    // Head and tail compare the same R, so the rarer of the two counts, not their product.
    return .kept(policy: policy, adjustedCount: probability.map { max(trace.headWeight, 1 / $0) })
  }

  private func remember(_ id: TraceID, _ fate: Fate) {
    if fates.count >= configuration.decisionsMax, let oldest = decided.popFirst() { fates.removeValue(forKey: oldest) }
    if configuration.decisionsMax > 0 {
      fates[id] = fate
      decided.append(id)
    }
  }
}
