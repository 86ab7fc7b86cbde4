import ExperimentModel

/// Computes a network's answer for several requests at a time, on one thread. A batch reads the weights from memory once,
/// which is most of its cost while it is small.
///
/// A request may wait here for company (`max_delay`) or for the thread; that is queueing, counted as `queued_ns`, and no
/// thread sleeps for it.
final class InferStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  private let spec: InferSpec
  private let network: Network
  private let environment: any Environment
  private var queue: BatchQueue<Exchange>
  private var isTimerSet = false
  /// Which input the next request takes.
  private var nextInput = 0

  private var calls = 0
  private var batches = 0
  private var largest = 0
  private var queued: Int64 = 0
  private var processor: Int64 = 0
  private var checksum: UInt64 = 0

  init(_ spec: InferSpec, name: String, seed: UInt64, environment: any Environment) {
    self.spec = spec; self.name = name; self.environment = environment
    probe = StageProbe(name, .real)
    network = Network(spec.model, spec.precision, batch: spec.batch, seed: seed)
    queue = BatchQueue(batch: spec.batch, maxDelay: spec.maxDelay.rawValue)
  }

  func enter(_ exchange: Exchange) -> StageStep {
    queue.arrive(exchange, now: environment.now)
    start()
    return .later
  }

  private func start() {
    guard let (requests, waited) = queue.take(now: environment.now) else { return setTimer() }
    queued += waited
    let (network, first, count, probe) = (network, nextInput, requests.count, probe)
    nextInput = (nextInput + count) % Network.inputs
    environment.offload { probe.inside { network.run(first: first, count: count) } } then: { [self] outcome in
      calls += count
      batches += 1
      largest = max(largest, count)
      processor += outcome.processor
      checksum &+= outcome.checksum
      queue.finish()
      // The next batch first: the thread must not wait until these have been answered.
      start()
      for exchange in requests { exchange.route.role.resume(exchange) }
    }
  }

  /// One timer suffices: the first request that waits is the first to be due.
  private func setTimer() {
    guard !isTimerSet, let due = queue.due else { return }
    isTimerSet = true
    environment.at(due) { [self] in
      isTimerSet = false
      start()
    }
  }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "calls", calls)
    counters.add(name, "batches", batches)
    counters.peak(name, "batch_max", largest)
    counters.add(name, "queued_ns", Int(queued))
    counters.add(name, "compute_ns", Int(processor))
    // What memory has to deliver: all weights, once for each batch.
    counters.add(name, "weight_bytes", batches * spec.model.weights * spec.precision.bytes)
    // 32 bits: stages of one name are added up, and readers of JSON lose bits above 53.
    counters.add(name, "checksum", Int(checksum >> 32 ^ checksum & 0xFFFF_FFFF))
  }

  func resetCounters() { calls = 0; batches = 0; largest = 0; queued = 0; processor = 0; checksum = 0; nextInput = 0 }
}
