import ExperimentModel

/// Whether an instance is in service: `fall` failed checks in a row take it out, `rise` passed ones bring it back.
struct HealthState {
  private(set) var isUp = true
  private var streak = 0
  private(set) var falls = 0

  /// The result of one active check. Returns whether the state changed.
  @discardableResult mutating func checked(_ passed: Bool, _ spec: HealthSpec) -> Bool {
    guard passed != isUp else {
      streak = 0
      return false
    }
    streak += 1
    guard streak >= (isUp ? spec.fall : spec.rise) else { return false }
    turn()
    return true
  }

  /// Its port refuses connections: nobody listens, which no further check would tell better.
  mutating func refused(_ spec: HealthSpec) {
    guard spec.passive else { return }
    if isUp { turn() } else { streak = 0 }
  }

  private mutating func turn() {
    isUp.toggle()
    streak = 0
    if !isUp { falls += 1 }
  }

  mutating func resetCounters() { falls = 0 }
}
