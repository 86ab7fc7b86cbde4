import ExperimentModel

/// Turns away what comes faster than its key may: 429 with Retry-After (RFC 6585, 4; RFC 9110, 10.2.3), and when asked with
/// the fields RateLimit and RateLimit-Policy of draft-ietf-httpapi-ratelimit-headers, on admitted answers too.
final class LimitStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  private let spec: LimitSpec
  private let key: KeyTemplate?
  private let environment: any Environment
  private var buckets: TokenBuckets
  /// The field that does not change: quota and the window, in seconds, in which it fills.
  private let policy: String
  private var admitted = 0
  private var limited = 0

  init(_ spec: LimitSpec, name: String, key: KeyTemplate?, environment: any Environment) {
    self.spec = spec; self.name = name; self.key = key; self.environment = environment
    probe = StageProbe(name, .real)
    buckets = TokenBuckets(milliTokensPerSecond: spec.milliTokensPerSecond, burst: spec.burst)
    policy = "RateLimit-Policy: \"\(name)\";q=\(spec.burst);w=\(Self.seconds(buckets.window))\r\n"
  }

  func enter(_ exchange: Exchange) -> StageStep {
    let decision = buckets.take(key?.key(exchange.variables) ?? "", now: environment.now)
    if spec.headers {
      exchange.fields += policy
      // `t` is when there will be more; while there is some left that is of no use to anybody, and may be left out.
      let reset = decision.remaining > 0 ? "" : ";t=\(Self.seconds(decision.wait))"
      exchange.fields += "RateLimit: \"\(name)\";r=\(decision.remaining)\(reset)\r\n"
    }
    if decision.isAdmitted {
      admitted += 1
      return .next
    }
    limited += 1
    exchange.fields += "Retry-After: \(Self.seconds(decision.wait))\r\n"
    exchange.fail(429, "\(name): too many requests")
    return .answer
  }

  /// Whole seconds, not fewer: who waits them is admitted.
  private static func seconds(_ nanoseconds: Int) -> Int { (nanoseconds + 999_999_999) / 1_000_000_000 }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "admitted", admitted)
    counters.add(name, "limited", limited)
    counters.peak(name, "keys", buckets.count)
    counters.add(name, "forgotten", buckets.forgotten)
  }

  /// Buckets stay as they are; `forgotten` counts from the start.
  func resetCounters() { admitted = 0; limited = 0 }
}
