import ExperimentModel

/// A token bucket for each key, and what the answer says about it: `RateLimit` and `RateLimit-Policy` of
/// draft-ietf-httpapi-ratelimit-headers (still a draft), `Retry-After` of RFC 9110.
final class RateLimiter {
  enum Decision: Equatable {
    /// With the fields to add to the answer.
    case admitted([HeaderField])
    case refused([HeaderField])
  }

  private let spec: EdgeLimitSpec
  private let perToken: Int64
  /// The least recently seen key gives way: its bucket is full by then, as a new one is.
  private let buckets: any BoundedCache<String, TokenBucket> = makeCache(.lru, capacity: 10_000, byteLimit: nil)

  /// nil when the spec has no rate.
  init?(_ spec: EdgeLimitSpec) {
    guard let rate = spec.rate, rate > 0 else { return nil }
    self.spec = spec
    perToken = max(1, Int64((1e9 / rate).rounded()))
  }

  func admit(_ request: ProxyRequest, now: Int64) -> Decision {
    let key = spec.header.map { request.fields[$0] ?? "" } ?? ""
    var bucket = buckets.value(for: key, now: now) ?? TokenBucket()
    let isAdmitted = bucket.take(now: now, perToken: perToken, burst: spec.burst)
    buckets.insert(bucket, for: key, cost: 1, expires: .max)
    let left = bucket.tokens(now: now, perToken: perToken, burst: spec.burst)
    let window = Self.seconds(perToken * Int64(spec.burst))
    var fields = [
      HeaderField("RateLimit-Policy", "\"default\";q=\(spec.burst);w=\(window)"),
      HeaderField("RateLimit", "\"default\";r=\(left);t=\(Self.seconds(bucket.refill(now: now)))"),
    ]
    if isAdmitted { return .admitted(fields) }
    fields.append(HeaderField("Retry-After", "\(max(1, Self.seconds(bucket.wait(now: now, perToken: perToken, burst: spec.burst))))"))
    return .refused(fields)
  }

  /// Whole seconds, rounded up: who comes then is welcome.
  private static func seconds(_ time: Int64) -> Int64 { (time + 999_999_999) / 1_000_000_000 }
}
