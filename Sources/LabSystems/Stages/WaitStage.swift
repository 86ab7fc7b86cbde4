import ExperimentModel

/// Stands for a remote party: waits until an absolute deadline, arrival at the stage plus a seeded draw. The declared and
/// the real wait are both counted, so the timer cannot lie. The worker is held meanwhile, or free for others (`async`).
final class WaitStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  private let distribution: WaitDistribution
  private let isAsync: Bool
  private let environment: any Environment
  private var random: SeededRandom
  private var calls = 0
  private var declared: Int64 = 0
  private var waited: Int64 = 0
  private var overshootMax: Int64 = 0

  init(_ spec: WaitSpec, name: String, seed: UInt64, environment: any Environment) {
    self.name = name
    probe = StageProbe(name, .declaredWait)
    distribution = spec.distribution
    isAsync = spec.isAsync
    self.environment = environment
    random = SeededRandom(seed: seed, stream: "wait:" + name)
  }

  func enter(_ exchange: Exchange) -> StageStep {
    let wait = distribution.draw(&random)
    let start = environment.now
    probe.enter()
    environment.at(start + wait) { [self] in
      probe.leave()
      let real = environment.now - start
      calls += 1
      declared += wait
      waited += real
      overshootMax = max(overshootMax, real - wait)
      let role = exchange.route.role
      if isAsync { role.resumeParked(exchange) } else { role.resume(exchange) }
    }
    if isAsync { exchange.route.role.park(exchange) }
    return .later
  }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "calls", calls)
    counters.add(name, "declared_ns", Int(declared))
    counters.add(name, "waited_ns", Int(waited))
    counters.peak(name, "overshoot_max_ns", Int(overshootMax))
  }

  func resetCounters() { calls = 0; declared = 0; waited = 0; overshootMax = 0 }
}
