/// At most `burst` + rate × t requests in any time t. Exact in nanoseconds: the level is kept as the time at which the bucket
/// would be full (the "theoretical arrival time" of the generic cell rate algorithm, ITU-T I.371), so nothing has to be refilled.
struct TokenBucket {
  /// Nanoseconds until the bucket is full again, counted from the clock's zero; any past time is full.
  private var fullAt = Int64.min

  /// - Parameter perToken: nanoseconds in which one token comes.
  mutating func take(now: Int64, perToken: Int64, burst: Int) -> Bool {
    let start = max(fullAt, now)
    guard start - now <= perToken * Int64(burst - 1) else { return false }
    fullAt = start + perToken
    return true
  }

  /// Whole tokens that are there.
  func tokens(now: Int64, perToken: Int64, burst: Int) -> Int {
    let missing = max(fullAt, now) - now
    return max(0, burst - Int((missing + perToken - 1) / perToken))
  }

  /// Nanoseconds until a token is there.
  func wait(now: Int64, perToken: Int64, burst: Int) -> Int64 {
    max(0, max(fullAt, now) - now - perToken * Int64(burst - 1))
  }

  /// Nanoseconds until all are there.
  func refill(now: Int64) -> Int64 { max(fullAt, now) - now }
}
