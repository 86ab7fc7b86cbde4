import ExperimentModel

/// Computes for real, on a thread, while the worker waits: the event loop stays free for the other requests, as
/// that of any server would. Handing over costs some ten microseconds, so calls below 100 µs measure that too.
final class CPUStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  private let spec: CPUSpec
  private let computation: Computation
  private let environment: any Environment
  private var calls = 0
  private var operations = 0
  /// The results are added up and handed out, so that no compiler can leave the work out.
  private var checksum: UInt64 = 0

  init(_ spec: CPUSpec, name: String, seed: UInt64, environment: any Environment) {
    self.spec = spec; self.name = name; self.environment = environment
    probe = StageProbe(name, .real)
    computation = Computation(spec, seed: seed, stream: "cpu:" + name)
  }

  func enter(_ exchange: Exchange) -> StageStep {
    let (computation, probe) = (computation, probe)
    environment.offload { probe.inside { computation.run() } } then: { [self] outcome in
      calls += 1
      operations += outcome.operations
      checksum &+= outcome.checksum
      exchange.route.role.resume(exchange)
    }
    return .later
  }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "calls", calls)
    counters.add(name, "units", calls * spec.units)
    counters.add(name, "operations", operations)
    // 32 bits: stages of one name are added up, and readers of JSON lose bits above 53.
    counters.add(name, "checksum", Int(checksum >> 32 ^ checksum & 0xFFFF_FFFF))
  }

  func resetCounters() { calls = 0; operations = 0; checksum = 0 }
}
