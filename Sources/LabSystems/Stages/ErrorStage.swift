import ExperimentModel

/// A share of calls, exact at any length: of every thousand a whole number, whose fractions are carried over, at places
/// that are drawn without replacement (Knuth, TAOCP 2, 3.4.2, algorithm S).
struct ExactShare {
  private static let window = 1_000
  private let share: Double
  private var random: SeededRandom
  private var windows = 0
  private var left = 0
  private var chosen = 0

  init(_ share: Double, seed: UInt64, stream: String) {
    self.share = share
    random = SeededRandom(seed: seed, stream: stream)
  }

  mutating func next() -> Bool {
    if left == 0 {
      left = Self.window
      chosen = total(windows + 1) - total(windows)
      windows += 1
    }
    let isChosen = random.next(upperBound: UInt64(left)) < UInt64(chosen)
    left -= 1
    if isChosen { chosen -= 1 }
    return isChosen
  }

  /// Chosen in the first windows together.
  private func total(_ windows: Int) -> Int { Int((Double(windows * Self.window) * share).rounded()) }
}

/// Breaks calls on purpose. With a key the same keys fail at every attempt, as a poisoned message does; without one an exact
/// share of the calls. The slow ones are drawn apart from those that fail: a call may be slow and then fail.
final class ErrorStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  private let spec: ErrorSpec
  private let key: KeyTemplate?
  private let environment: any Environment
  private var failures: ExactShare
  private var slowness: ExactShare
  private var calls = 0
  private var failed = 0
  private var slow = 0

  init(_ spec: ErrorSpec, name: String, key: KeyTemplate?, environment: any Environment) {
    self.spec = spec; self.name = name; self.key = key; self.environment = environment
    // Slowness stands for a remote party, as a wait does.
    probe = StageProbe(name, spec.slow == nil ? .real : .declaredWait)
    failures = ExactShare(spec.share, seed: spec.seed, stream: "error:" + name)
    slowness = ExactShare(spec.slow?.share ?? 0, seed: spec.seed, stream: "slow:" + name)
  }

  func enter(_ exchange: Exchange) -> StageStep {
    calls += 1
    let fails = draw(&failures, spec.share, "error:", exchange)
    guard let slowBy = spec.slow, draw(&slowness, slowBy.share, "slow:", exchange) else {
      return fails ? fail(exchange) : .next
    }
    slow += 1
    probe.enter()
    environment.at(environment.now + slowBy.by.rawValue) { [self] in
      probe.leave()
      let role = exchange.route.role
      guard fails else { return role.resume(exchange) }
      _ = fail(exchange)
      role.complete(exchange)
    }
    return .later
  }

  private func draw(_ exact: inout ExactShare, _ share: Double, _ stream: String, _ exchange: Exchange) -> Bool {
    guard let key else { return exact.next() }
    // 53 bits, as of any other draw.
    let hash = mix64(spec.seed ^ fnv1a(stream + name) ^ mix64(fnv1a(key.key(exchange.variables))))
    return Double(hash >> 11) * 0x1p-53 < share
  }

  private func fail(_ exchange: Exchange) -> StageStep {
    failed += 1
    exchange.fail(spec.status, "\(name): failed on purpose")
    return .answer
  }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "calls", calls)
    counters.add(name, "failed", failed)
    counters.add(name, "slow", slow)
  }

  /// The draws go on where they are.
  func resetCounters() { calls = 0; failed = 0; slow = 0 }
}
