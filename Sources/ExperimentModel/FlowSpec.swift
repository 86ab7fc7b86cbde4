// Stages that hold requests back, turn them away or break them: `lock`, `limit`, `error`.

/// Mutual exclusion around the stages up to the matching `unlock`. Stages stay one flat list, so that whoever asks what a
/// route does (which pools, does it wait) sees what is inside a lock too.
public struct LockSpec: Codable, Hashable, Sendable {
  /// Stages of one name exclude each other, wherever they are.
  public var lock: String
  public init(lock: String) { self.lock = lock }
}

/// A token bucket for each key: `burst` tokens, refilled at `rate`.
public struct LimitSpec: Codable, Hashable, Sendable {
  /// Thousandths of a token per second: an integer, so that a bucket holds exactly what it should.
  public var milliTokensPerSecond: Int
  public var burst: Int
  /// Template over the route's variables; empty: one bucket for all.
  public var key: String
  /// Sends RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers) with every answer.
  public var headers: Bool
  public init(milliTokensPerSecond: Int, burst: Int, key: String = "", headers: Bool = false) {
    self.milliTokensPerSecond = milliTokensPerSecond; self.burst = burst; self.key = key; self.headers = headers
  }
}

/// Breaks a share of the calls, and makes a share of them slow. By a key the same ones every time; without one an exact share
/// of the calls, at seeded places.
public struct ErrorSpec: Codable, Hashable, Sendable {
  /// 0…1.
  public var share: Double
  public var status: Int
  public var seed: UInt64
  /// Template over the route's variables; empty: each call on its own.
  public var key: String
  public var slow: Slow?
  public init(share: Double, status: Int = 500, seed: UInt64 = 1, key: String = "", slow: Slow? = nil) {
    self.share = share; self.status = status; self.seed = seed; self.key = key; self.slow = slow
  }

  public struct Slow: Codable, Hashable, Sendable {
    public var share: Double
    public var by: Nanoseconds
    /// The remote party whose slowness this is.
    public var standsFor: String
    public init(share: Double, by: Nanoseconds, standsFor: String) {
      self.share = share; self.by = by; self.standsFor = standsFor
    }
  }
}

/// How often a stage of a worker runs.
public enum StageScope: String, Codable, Sendable, CaseIterable {
  case message
  /// Once for all messages of the batch that got that far.
  case batch
}
