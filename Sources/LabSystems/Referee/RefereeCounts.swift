// What happened at the referee, as plain counts since the last reset.

struct RefereeCounts: Codable, Hashable {
  var connections = 0
  /// Answers given to the kernel, whole or not; resets are none.
  var answered = 0
  var resets = 0
  var halves = 0
  var garbage = 0
  var statuses = 0
  var closes = 0
  /// Connections that the client ended or reset.
  var ended = 0
  /// Requests that are no HTTP/1.x; their connection is closed.
  var malformed = 0
  /// Requests without a kernel stamp, whose reading time stands in for it.
  var unstamped = 0
  /// Answers whose client was gone when they were due.
  var orphaned = 0
  /// recvmsg calls that brought bytes, and requests in them beyond the first, which share its stamp.
  var reads = 0
  var sharedStamps = 0

  mutating func add(_ fate: Fate) {
    switch fate {
    case .normal: break
    case .reset: resets += 1
    case .half: halves += 1
    case .garbage: garbage += 1
    case .status: statuses += 1
    case .close: closes += 1
    }
  }
}

/// How late timed answers were, in doubling buckets: bucket k counts delays below 2^k ns.
struct Lateness {
  private var buckets = [Int](repeating: 0, count: 64)
  private(set) var count = 0
  private(set) var max: Int64 = 0

  @inline(__always)
  mutating func add(_ delay: Int64) {
    buckets[Int64.bitWidth - 1 - Swift.max(delay, 0).leadingZeroBitCount + 1] += 1
    count += 1
    if delay > max { max = delay }
  }

  /// An upper bound of the quantile, at most twice as large as it; nil without timed answers.
  func bound(_ quantile: Double) -> Int64? {
    if count == 0 { return nil }
    let rank = Swift.max(1, Int((quantile * Double(count)).rounded(.up)))
    var seen = 0
    for (k, n) in buckets.enumerated() {
      seen += n
      if seen >= rank { return Swift.min(max, k >= 62 ? .max : Int64(1) << k) }
    }
    return max
  }
}
