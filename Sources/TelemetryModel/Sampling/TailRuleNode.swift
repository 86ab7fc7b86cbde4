// A rule at work: the rule with what it has spent of its rate. The answer is a verdict and how probable it was: with the same R
// in all policies, "or" is the largest probability and "and" the smallest, and estimates from the kept traces stay unbiased.

/// What a rule says of one trace.
struct TailVerdict {
  var keeps: Bool
  /// P(keeps) over R, given the trace; nil when it depends on other traces too (rates).
  var probability: Double?
  /// Only of a `drop` rule.
  var drops = false

  static func certain(_ keeps: Bool) -> TailVerdict { TailVerdict(keeps: keeps, probability: keeps ? 1 : 0) }
}

/// Spans that may still pass in the current second.
struct RateWindow {
  let perSecond: Int
  private var second: UInt64 = 0
  private var spent = 0

  init(perSecond: Int) { self.perSecond = perSecond }

  /// Takes room for a whole trace, or nothing.
  mutating func take(_ spans: Int, at unixNano: UInt64) -> Bool {
    let now = unixNano / 1_000_000_000
    if now != second {
      second = now
      spent = 0
    }
    guard spent + spans <= perSecond else { return false }
    spent += spans
    return true
  }
}

final class TailRuleNode {
  private let rule: TailRule
  private var children: [TailRuleNode] = []
  private var window: RateWindow
  /// Those of a composite's parts.
  private var shares: [RateWindow] = []

  init(_ rule: TailRule) {
    self.rule = rule
    var rate = 0
    switch rule {
    case .and(let rules), .drop(let rules): children = rules.map(TailRuleNode.init)
    case .not(let inner): children = [TailRuleNode(inner)]
    case .composite(let perSecond, let parts):
      rate = perSecond
      children = parts.map { TailRuleNode($0.rule) }
      shares = parts.map { RateWindow(perSecond: perSecond * $0.percent / 100) }
    case .rateLimiting(let perSecond): rate = perSecond
    default: break
    }
    window = RateWindow(perSecond: rate)
  }

  func judge(_ trace: PendingTrace, at now: UInt64) -> TailVerdict {
    switch rule {
    case .alwaysSample: return .certain(true)
    case .latency(let min, let max):
      let duration = trace.duration
      return .certain(max.map { duration > min && duration <= $0 } ?? (duration >= min))
    case .statusCode(let codes): return .certain(trace.spans.contains { codes.contains($0.span.status.code) })
    case .stringAttribute(let key, let values, let invert):
      return .certain(trace.hasAttribute(key) { $0.string.map(values.contains) ?? false } != invert)
    case .numericAttribute(let key, let range, let invert):
      return .certain(trace.hasAttribute(key) { $0.int.map(range.contains) ?? false } != invert)
    case .booleanAttribute(let key, let value, let invert): return .certain(trace.hasAttribute(key) { $0.bool == value } != invert)
    case .probabilistic(let threshold):
      return TailVerdict(keeps: threshold.keeps(trace.randomness), probability: threshold.probability)
    case .rateLimiting: return TailVerdict(keeps: window.take(trace.spans.count, at: now), probability: nil)
    case .spanCount(let min, let max): return .certain(trace.spans.count >= min && max.map { trace.spans.count <= $0 } ?? true)
    case .traceState(let key, let values):
      return .certain(trace.spans.contains { TraceState($0.span.traceState)?[key].map(values.contains) ?? false })
    case .and: return all(trace, now)
    case .not:
      let inner = children[0].judge(trace, at: now)
      // The part of R that the inner rule leaves is no upper part, so a share between 0 and 1 does not combine with others.
      let probability = inner.probability.flatMap { $0 == 0 || $0 == 1 ? 1 - $0 : nil }
      return TailVerdict(keeps: !inner.keeps, probability: probability)
    case .drop:
      let inner = all(trace, now)
      let isCertain = inner.probability == 0 || inner.probability == 1
      return TailVerdict(keeps: false, probability: isCertain ? 0 : nil, drops: inner.keeps)
    case .composite: return composite(trace, now)
    }
  }

  /// Stops at the first that says no, so that a rate within is only spent by traces that all before it want.
  private func all(_ trace: PendingTrace, _ now: UInt64) -> TailVerdict {
    var verdict = TailVerdict(keeps: true, probability: 1)
    for child in children {
      let one = child.judge(trace, at: now)
      if !one.keeps, one.probability == 0 { return .certain(false) }
      verdict.keeps = verdict.keeps && one.keeps
      verdict.probability = verdict.probability.flatMap { a in one.probability.map { min(a, $0) } }
      if !verdict.keeps { return verdict }
    }
    return verdict
  }

  private func composite(_ trace: PendingTrace, _ now: UInt64) -> TailVerdict {
    for (i, child) in children.enumerated() where child.judge(trace, at: now).keeps {
      var share = shares[i], whole = window
      if share.take(trace.spans.count, at: now), whole.take(trace.spans.count, at: now) {
        shares[i] = share
        window = whole
        return TailVerdict(keeps: true, probability: nil)
      }
    }
    return TailVerdict(keeps: false, probability: nil)
  }
}
