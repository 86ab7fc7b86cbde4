import ExperimentModel

/// Reads and writes a file for real, `depth` operations of a request at the same time, each on a thread of its own. The
/// request goes on when the last one is done; the event loop is free meanwhile.
final class IOStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  private let spec: IOSpec
  private let file: SeededFile
  private let environment: any Environment
  private var random: SeededRandom
  /// Where the next sequential operation begins.
  private var next = 0
  /// Buffers that no operation uses.
  private var buffers: [Buffer] = []

  private var calls = 0
  private var operations = 0
  private var bytes = 0
  private var fsyncs = 0
  private var errors = 0
  private var waited: Int64 = 0

  /// O_DIRECT wants memory that begins at a block's boundary.
  private final class Buffer: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer
    init(_ size: Int) {
      bytes = .allocate(byteCount: size, alignment: IOSpec.directUnit)
      bytes.initializeMemory(as: UInt8.self, repeating: 0x6E)
    }
    deinit { bytes.deallocate() }
  }

  /// One request's operations.
  private final class Fan {
    let exchange: Exchange
    var open: Int
    var failure: String?
    init(_ exchange: Exchange, depth: Int) { self.exchange = exchange; open = depth }
  }

  /// - Throws: `LabError` when the file cannot be made as wanted.
  init(_ spec: IOSpec, name: String, seed: UInt64, environment: any Environment, place: String) throws {
    self.spec = spec; self.name = name; self.environment = environment
    probe = StageProbe(name, .real)
    random = SeededRandom(seed: seed, stream: "io:" + name)
    file = try SeededFile(size: spec.file, direct: spec.direct, seed: seed, place: place)
  }

  func enter(_ exchange: Exchange) -> StageStep {
    calls += 1
    let fan = Fan(exchange, depth: spec.depth)
    for _ in 0..<spec.depth { start(fan) }
    return .later
  }

  private func start(_ fan: Fan) {
    let buffer = buffers.popLast() ?? Buffer(spec.size)
    let (file, offset, operation, probe) = (file, offset(), spec.operation, probe)
    let asked = environment.now
    environment.offload {
      probe.inside {
        operation == .read
          ? file.read(buffer.bytes, at: offset) : file.write(buffer.bytes, at: offset, sync: operation == .fsync)
      }
    } then: { [self] outcome in
      buffers.append(buffer)
      waited += environment.now - asked
      operations += 1
      switch outcome {
      case .done(let count, let synced):
        bytes += count
        fsyncs += synced
      case .failed(let reason):
        errors += 1
        fan.failure = reason
      }
      fan.open -= 1
      if fan.open == 0 { finish(fan) }
    }
  }

  private func finish(_ fan: Fan) {
    let role = fan.exchange.route.role
    guard let failure = fan.failure else { return role.resume(fan.exchange) }
    fan.exchange.fail(500, "\(name): \(failure)")
    role.complete(fan.exchange)
  }

  /// A multiple of the operation's size, so that aligned sizes give aligned places.
  private func offset() -> Int {
    let places = max(1, file.size / spec.size)
    if spec.access == .random { return Int(random.next() % UInt64(places)) * spec.size }
    defer { next = (next + 1) % places }
    return next * spec.size
  }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "calls", calls)
    counters.add(name, "ops", operations)
    counters.add(name, "bytes", bytes)
    counters.add(name, "fsyncs", fsyncs)
    counters.add(name, "errors", errors)
    // Of all operations, from asking for a thread to its answer: it contains the wait for a thread.
    counters.add(name, "waited_ns", Int(waited))
    counters.peak(name, "tmpfs", file.isOnTmpfs ? 1 : 0)
  }

  func resetCounters() { calls = 0; operations = 0; bytes = 0; fsyncs = 0; errors = 0; waited = 0 }
}
