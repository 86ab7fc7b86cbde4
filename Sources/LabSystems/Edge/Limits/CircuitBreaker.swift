import ExperimentModel

/// Stops asking an instance that only fails (Nygard, Release It!):
///
///     closed ── failures in a row, or their share ──→ open ── cool-down ──→ half open: one attempt
///        ↑                                              ↑                        │
///        └───────────── it succeeds ────────────────────┼────────────────────────┤
///                                                       └────── it fails ────────┘
struct CircuitBreaker {
  private enum State { case closed, open(until: Int64), trying }

  private let spec: BreakerSpec
  private var state = State.closed
  private var inARow = 0
  /// The last `window` results, a failure is true.
  private var results: [Bool] = []
  private var next = 0
  private(set) var opens = 0

  init(_ spec: BreakerSpec) { self.spec = spec }

  /// Whether an attempt may start now.
  func admits(now: Int64) -> Bool {
    switch state {
    case .closed: true
    case .open(let until): now >= until
    case .trying: false
    }
  }

  /// An attempt that was admitted starts.
  mutating func begins(now: Int64) {
    if case .open = state { state = .trying }
  }

  mutating func ends(failed: Bool, now: Int64) {
    if case .trying = state {
      if failed { open(now) } else { close() }
      return
    }
    // The rest of what was under way when it opened says nothing about after the cool-down.
    guard case .closed = state else { return }
    inARow = failed ? inARow + 1 : 0
    if results.count < spec.window { results.append(failed) } else { results[next] = failed }
    next = (next + 1) % spec.window
    let isOverShare = spec.share.map { share in
      results.count == spec.window && Double(results.count { $0 }) >= share * Double(spec.window)
    }
    if inARow >= spec.failures || isOverShare == true { open(now) }
  }

  /// An attempt was called off before it could show anything: the next one is the trial.
  mutating func calledOff(now: Int64) {
    if case .trying = state { state = .open(until: now) }
  }

  private mutating func open(_ now: Int64) {
    state = .open(until: now + spec.cooldown.rawValue)
    opens += 1
  }

  private mutating func close() {
    state = .closed
    inARow = 0
    results.removeAll(keepingCapacity: true)
    next = 0
  }

  mutating func resetCounters() { opens = 0 }
}
