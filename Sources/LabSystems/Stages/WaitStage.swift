import ExperimentModel

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Stands for a remote party: holds the worker until an absolute deadline, arrival at the stage plus a
/// seeded draw. The declared and the real wait are both counted, so the timer cannot lie.
final class WaitStage: Stage {
  let name: String
  var isOff = false
  private let distribution: WaitDistribution
  private let environment: any Environment
  private var random: SeededRandom
  private var calls = 0
  private var declared: Int64 = 0
  private var waited: Int64 = 0
  private var overshootMax: Int64 = 0

  init(_ spec: WaitSpec, name: String, seed: UInt64, environment: any Environment) {
    self.name = name
    distribution = spec.distribution
    self.environment = environment
    random = SeededRandom(seed: seed, stream: "wait:" + name)
  }

  func enter(_ exchange: Exchange) -> StageStep {
    let wait = draw()
    let start = environment.now
    environment.at(start + wait) { [self] in
      let real = environment.now - start
      calls += 1
      declared += wait
      waited += real
      overshootMax = max(overshootMax, real - wait)
      exchange.route.role.resume(exchange)
    }
    return .later
  }

  /// Nanoseconds of one wait. Exponential by inversion: −mean · ln(1 − u).
  private func draw() -> Int64 {
    switch distribution {
    case .constant(let mean): mean.rawValue
    case .uniform(let low, let high):
      low.rawValue + Int64(random.unit() * Double(high.rawValue - low.rawValue))
    case .exponential(let mean): exponential(mean)
    case .mixture(let mean, let share, let low, let slow):
      random.unit() < share ? low.rawValue + exponential(slow) : exponential(mean)
    }
  }

  private func exponential(_ mean: Nanoseconds) -> Int64 { Int64(-Double(mean.rawValue) * log(1 - random.unit())) }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "calls", calls)
    counters.add(name, "declared_ns", Int(declared))
    counters.add(name, "waited_ns", Int(waited))
    counters.peak(name, "overshoot_max_ns", Int(overshootMax))
  }

  func resetCounters() { calls = 0; declared = 0; waited = 0; overshootMax = 0 }
}
