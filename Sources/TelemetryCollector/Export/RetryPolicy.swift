// When a request is sent again: as OTLP/HTTP says (https://opentelemetry.io/docs/specs/otlp/#failures-1). After 429, 502, 503
// and 504, and after a connection that failed; at the time of Retry-After where there is one, else after a wait that doubles,
// with jitter. Never after any other status, and never because of a partial success.

import Glibc

public struct RetryPolicy: Sendable, Hashable {
  /// Seconds before the first repetition, the factor of each further one, and the longest wait.
  public var firstSeconds = 1.0
  public var factor = 2.0
  public var longestSeconds = 30.0
  /// From the first attempt on; then the receiver counts as gone.
  public var giveUpSeconds = 300.0

  public init() {}

  public static func isRetried(status: Int) -> Bool { [429, 502, 503, 504].contains(status) }

  /// Seconds to wait after so many failed attempts.
  /// - Parameters:
  ///   - retryAfter: what the receiver asked for, in seconds; kept exactly, for it knows better.
  ///   - jitter: from 0 to 1. The wait lies between half and the whole of its exponential value, so that senders that failed
  ///     together do not come back together.
  public func delay(afterAttempts attempts: Int, retryAfter: Double?, jitter: Double) -> Double {
    if let retryAfter { return retryAfter }
    let whole = min(longestSeconds, firstSeconds * pow(factor, Double(attempts - 1)))
    return whole * (0.5 + 0.5 * jitter)
  }

  /// The seconds of a Retry-After field (RFC 9110, 10.2.3): a number, or a date such as "Sun, 06 Nov 1994 08:49:37 GMT".
  public static func seconds(retryAfter text: String, nowUnixSeconds: Double) -> Double? {
    if let number = UInt32(text) { return Double(number) }
    let words = text.split(separator: " ")
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard words.count == 6, words[5] == "GMT", let day = Int32(words[1]), let month = months.firstIndex(of: String(words[2])), let year = Int32(words[3])
    else { return nil }
    let clock = words[4].split(separator: ":").compactMap { Int32($0) }
    guard clock.count == 3, (1...31).contains(day), (1970...9999).contains(year) else { return nil }
    var time = tm()
    (time.tm_year, time.tm_mon, time.tm_mday) = (year - 1900, Int32(month), day)
    (time.tm_hour, time.tm_min, time.tm_sec) = (clock[0], clock[1], clock[2])
    return max(0, Double(timegm(&time)) - nowUnixSeconds)
  }
}
