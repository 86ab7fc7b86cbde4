import ExperimentModel

/// How many retries and hedges the traffic can carry: every request pays in its share, every retry takes out one (as in
/// Finagle). Over n requests there are at most `reserve` + share × n of them, whatever fails.
struct RetryBudget {
  /// What a quiet edge may spend at once.
  static let reserve = 10.0

  private let share: Double?
  private var balance = RetryBudget.reserve

  init(share: Double?) { self.share = share }

  mutating func requested() {
    if let share { balance = min(balance + share, Self.reserve) }
  }

  /// Whether one more may be sent; takes it out of the balance.
  mutating func take() -> Bool {
    guard share != nil else { return true }
    // A sum of many tenths: 0.1 ten times is a little less than 1.
    guard balance >= 1 - 1e-9 else { return false }
    balance -= 1
    return true
  }
}

extension RetrySpec {
  /// Nanoseconds before retry `number`, from 1. Full jitter is uniform in 0…the exponential time: it spreads what failed
  /// together (Brooker 2015, "Exponential backoff and jitter").
  func pause(_ number: Int, using random: inout SeededRandom) -> Int64 {
    guard backoff != .none else { return 0 }
    let doubled = Double(base.rawValue) * Double(1 << min(number - 1, 40))
    let full = min(doubled, Double(cap.rawValue))
    return Int64(backoff == .fullJitter ? full * random.unit() : full)
  }
}
