// A trace put together: who called whom, where its time went, and whether it is whole.

/// The spans of one trace as a tree. Links between them are the parent ids; nothing is guessed.
public struct TraceTree: Sendable {
  public let spans: [OriginatedSpan]
  /// Places in `spans` without a parent id. A whole trace has one.
  public let roots: [Int]
  /// Places whose parent is not here: propagation broke, or the parent was dropped.
  public let orphans: [Int]
  /// For each span the places of its children, by start.
  public let children: [[Int]]

  /// Spans that come twice (a retried request) count once. A cycle of parents hangs together with no root, and is in neither list.
  public init(_ received: [OriginatedSpan]) {
    var places: [SpanID: Int] = [:]
    var spans: [OriginatedSpan] = []
    for one in received where places[one.span.spanID] == nil {
      places[one.span.spanID] = spans.count
      spans.append(one)
    }
    var roots: [Int] = []
    var orphans: [Int] = []
    var children = [[Int]](repeating: [], count: spans.count)
    for (i, one) in spans.enumerated() {
      if one.span.isRoot {
        roots.append(i)
      } else if let parent = places[one.span.parentSpanID] {
        children[parent].append(i)
      } else {
        orphans.append(i)
      }
    }
    for i in children.indices { children[i].sort { (spans[$0].span.startUnixNano, $0) < (spans[$1].span.startUnixNano, $1) } }
    self.spans = spans
    self.roots = roots
    self.orphans = orphans
    self.children = children
  }

  /// One root, and every other span's parent is here.
  public var isWhole: Bool { roots.count == 1 && orphans.isEmpty && reached(from: roots[0]) == spans.count }

  private func reached(from root: Int) -> Int {
    var seen = 0
    var next = [root]
    while let i = next.popLast() {
      seen += 1
      next += children[i]
    }
    return seen
  }

  /// Time of a span in which none of its children runs, nanoseconds. Children that overlap count once; what of them lies outside
  /// the span (clocks that differ) not at all.
  public func selfTime(_ place: Int) -> UInt64 {
    let span = spans[place].span
    guard span.endUnixNano > span.startUnixNano else { return 0 }
    var covered: UInt64 = 0
    var end = span.startUnixNano
    for child in children[place] {
      let from = max(end, spans[child].span.startUnixNano)
      let to = min(span.endUnixNano, spans[child].span.endUnixNano)
      if to > from {
        covered += to - from
        end = to
      }
    }
    return span.endUnixNano - span.startUnixNano - covered
  }

  /// A stretch of the critical path: the span that the end waited for, nanoseconds.
  public struct Stretch: Hashable, Sendable {
    public var place: Int
    public var start: UInt64
    public var end: UInt64
  }

  /// What the end of the root waited for, first to last: going back from the end, always the child that ended last. The stretches
  /// are disjoint and add up to the root's duration; shortening anything else does not make the trace shorter.
  /// - Returns: nothing without exactly one root.
  public func criticalPath() -> [Stretch] {
    guard roots.count == 1, let root = roots.first else { return [] }
    var path: [Stretch] = []
    walk(root, spans[root].span.startUnixNano, spans[root].span.endUnixNano, &path)
    return path.reversed()
  }

  /// Appends, last first, what `place` spent between two moments. Without recursion: a chain of calls may be as long as a trace.
  private func walk(_ root: Int, _ start: UInt64, _ end: UInt64, _ path: inout [Stretch]) {
    /// A span with the moment up to which it is explained, and the children that are left, by end.
    struct Level {
      var place: Int
      var start: UInt64
      var now: UInt64
      var waiting: [Int]
    }
    func level(_ place: Int, _ start: UInt64, _ end: UInt64) -> Level {
      Level(
        place: place, start: start, now: end,
        waiting: children[place].sorted { (spans[$0].span.endUnixNano, $0) < (spans[$1].span.endUnixNano, $1) })
    }
    var stack = [level(root, start, end)]
    while var top = stack.popLast() {
      var inner: Level?
      while let child = top.waiting.popLast() {
        let span = spans[child].span
        let from = max(span.startUnixNano, top.start), to = min(span.endUnixNano, top.now)
        // One that had not begun at this moment, or lies outside, did not hold anything up.
        guard to > from else { continue }
        if to < top.now { path.append(Stretch(place: top.place, start: to, end: top.now)) }
        top.now = from
        inner = level(child, from, to)
        break
      }
      if let inner {
        stack.append(top)
        stack.append(inner)
      } else if top.now > top.start {
        path.append(Stretch(place: top.place, start: top.start, end: top.now))
      }
    }
  }
}
