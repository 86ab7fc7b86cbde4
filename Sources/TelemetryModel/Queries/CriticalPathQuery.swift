// Where slow traces lose their time: the self time of each kind of span on the critical path, of the slow against the fast.
// The stretches of a critical path add up to the root's duration, so the differences of the means add up to the difference of
// the mean durations: nothing is left unexplained, and nothing is explained twice.

import ExperimentModel

/// A kind of span on the critical path. Times are means over all traces of a side, also those without it, in nanoseconds.
public struct CriticalPathRow: Hashable, Sendable {
  public var service: String
  public var name: String
  /// Of the traces that `where` chose.
  public var mean: Double
  /// Of those that it is held against; 0 without `versus`.
  public var base: Double
  public var delta: Double { mean - base }
  /// Of the excess; without `versus` of the mean duration. All shares add up to 1; one that is faster in slow traces is negative.
  public var share: Double
  /// Traces that have it on their critical path.
  public var traces: Int
}

public struct CriticalPathReport: Hashable, Sendable {
  /// Largest difference first.
  public var rows: [CriticalPathRow]
  public var chosen: Int
  public var base: Int
  /// Mean duration of the chosen minus that of the base, nanoseconds.
  public var excess: Double
  /// Traces without exactly one root, which have no critical path; on either side.
  public var broken: Int
}

/// How much of its time a trace's root cannot account for.
public struct UnaccountedTime: Hashable, Sendable {
  /// Of all roots' durations, the part in which no child ran; nil without time. Roots without children are not counted:
  /// they have nothing to account to.
  public var share: Double?
  public var traces: Int
  /// Of each service whose spans are roots, largest share first.
  public var services: [(service: String, share: Double)]
  public static func == (a: Self, b: Self) -> Bool { a.share == b.share && a.traces == b.traces && a.services.elementsEqual(b.services, by: ==) }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(share)
    hasher.combine(traces)
  }
}

extension TelemetryCapture {
  /// Kinds of spans that are kept apart; further ones are one kind named `…`.
  static let kindsMax = 4_096

  /// Conditions are about the roots of traces. Memory: two integers for each kind of span.
  public func criticalPath(where filter: TelemetryFilter, versus other: TelemetryFilter? = nil) -> CriticalPathReport {
    struct Kind: Hashable {
      var service: String
      var name: String
    }
    let roots = traces.lazy.map { spans[$0.root] }
    let slow = TelemetrySelection(filter, over: roots)
    let fast = other.map { TelemetrySelection($0, over: roots) }
    // Integer sums: exact in every order. 2⁶³ ns are 292 years of traces.
    var sums: [Kind: (slow: Int, fast: Int, traces: Int, last: Int)] = [:]
    var durations = (slow: 0, fast: 0)
    var counts = (slow: 0, fast: 0)
    var broken = 0
    for (n, trace) in traces.enumerated() {
      let isSlow = slow.contains(spans[trace.root])
      let isFast = fast?.contains(spans[trace.root]) ?? false
      guard isSlow || isFast else { continue }
      let tree = tree(trace)
      guard tree.roots.count == 1 else {
        broken += 1
        continue
      }
      if isSlow { counts.slow += 1 }
      if isFast { counts.fast += 1 }
      for stretch in tree.criticalPath() {
        let one = tree.spans[stretch.place]
        var kind = Kind(service: one.origin.service, name: one.span.name)
        if sums[kind] == nil, sums.count >= Self.kindsMax { kind = Kind(service: "…", name: "…") }
        let time = Int(clamping: stretch.end - stretch.start)
        var sum = sums[kind] ?? (0, 0, 0, -1)
        if isSlow {
          sum.slow = sum.slow &+ time
          durations.slow = durations.slow &+ time
          if sum.last != n { sum.traces += 1 }
        }
        if isFast {
          sum.fast = sum.fast &+ time
          durations.fast = durations.fast &+ time
        }
        sum.last = n
        sums[kind] = sum
      }
    }
    func mean(_ sum: Int, _ count: Int) -> Double { count > 0 ? Double(sum) / Double(count) : 0 }
    let excess = mean(durations.slow, counts.slow) - mean(durations.fast, counts.fast)
    let rows = sums.map { kind, sum -> CriticalPathRow in
      let (one, base) = (mean(sum.slow, counts.slow), mean(sum.fast, counts.fast))
      return CriticalPathRow(
        service: shortened(kind.service), name: shortened(kind.name), mean: one, base: base, share: excess == 0 ? 0 : (one - base) / excess,
        traces: sum.traces)
    }
    return CriticalPathReport(
      rows: rows.sorted { ($1.delta, $0.service, $0.name) < ($0.delta, $1.service, $1.name) }, chosen: counts.slow, base: counts.fast,
      excess: excess, broken: broken)
  }

  /// Time of roots in which none of their children ran: work that nobody instrumented, or the root's own.
  ///
  /// A root without children is all its own: left out, a request would count for better instrumented when its last span is taken away.
  public func unaccounted(where filter: TelemetryFilter = .all) -> UnaccountedTime {
    let selection = TelemetrySelection(filter, over: traces.lazy.map { spans[$0.root] })
    var own: [String: (own: Int, all: Int)] = [:]
    var count = 0
    for trace in traces where trace.hasRoot && selection.contains(spans[trace.root]) {
      let tree = tree(trace)
      guard tree.roots.count == 1, let root = tree.roots.first else { continue }
      let service = own.count < Self.groupsMax ? tree.spans[root].origin.service : "…"
      count += 1
      let sum = own[service] ?? (0, 0)
      own[service] = (sum.own &+ Int(clamping: tree.selfTime(root)), sum.all &+ Int(max(0, tree.spans[root].span.duration)))
    }
    let all = own.values.reduce(0) { $0 &+ $1.all }
    let services = own.filter { $0.value.all > 0 }.map { (service: shortened($0.key), share: Double($0.value.own) / Double($0.value.all)) }
    return UnaccountedTime(
      share: all > 0 ? Double(own.values.reduce(0) { $0 &+ $1.own }) / Double(all) : nil, traces: count,
      services: services.sorted { ($1.share, $0.service) < ($0.share, $1.service) })
  }
}
