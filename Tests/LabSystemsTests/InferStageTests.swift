import CLabShims
import ExperimentModel
import Testing

@testable import LabSystems

@Suite struct NetworkTests {
  private func outputs(_ precision: InferSpec.Precision, _ model: InferSpec.Model = .tiny, batch: Int, first: Int = 0) -> [Float] {
    let network = Network(model, precision, batch: batch, seed: 11)
    _ = network.run(first: first, count: batch)
    return Array(network.output)
  }

  /// Against plain loops: in double precision for fp32, in whole numbers and exactly for int8.
  @Test(arguments: [1, 3, 4, 6])
  func layersAreMatrixTimesVector(batch: Int) {
    let width = 64
    func aligned<Number>(_ count: Int, _ type: Number.Type) -> UnsafeMutablePointer<Number> {
      UnsafeMutableRawPointer.allocate(byteCount: count * MemoryLayout<Number>.stride, alignment: 64).bindMemory(to: type, capacity: count)
    }
    let (weights, x, y) = (aligned(width * width, Float.self), aligned(batch * width, Float.self), aligned(batch * width, Float.self))
    let (rounded, factors, scratch) = (aligned(width * width, Int8.self), aligned(width, Float.self), aligned(batch * width, Int16.self))
    defer { weights.deallocate(); x.deallocate(); y.deallocate(); rounded.deallocate(); factors.deallocate(); scratch.deallocate() }
    inf_fill(weights, Int64(width * width), 5, 0.3)
    inf_fill(x, Int64(batch * width), 6, 1)
    #expect((0..<width * width).allSatisfy { abs(weights[$0]) <= 0.3 } && (0..<width).contains { weights[$0] > 0.2 })
    for relu in [Int32(0), 1] {
      inf_layer_fp32(weights, x, y, Int32(width), Int32(batch), relu)
      for b in 0..<batch {
        for o in 0..<width {
          var exact = 0.0
          for i in 0..<width { exact += Double(weights[o * width + i]) * Double(x[b * width + i]) }
          let expected = relu == 1 ? max(0, exact) : exact
          #expect(abs(Double(y[b * width + o]) - expected) < 1e-5, "\(b) \(o)")
        }
      }
      inf_quantize(weights, rounded, factors, Int32(width))
      inf_layer_int8(rounded, factors, x, scratch, y, Int32(width), Int32(batch), relu)
      for b in 0..<batch {
        var most: Float = 0
        for i in 0..<width { most = max(most, abs(x[b * width + i])) }
        for o in 0..<width {
          var whole = 0
          for i in 0..<width { whole += Int(rounded[o * width + i]) * Int(scratch[b * width + i]) }
          let sum: Float = Float(whole) * factors[o] * (most / 127)
          #expect(y[b * width + o] == (relu == 1 ? max(0, sum) : sum))
        }
      }
    }
    // Rounded to half a step at most, and one entry of each row to the end of the range.
    for o in 0..<width {
      let row = (0..<width).map { Int(rounded[o * width + $0]) }
      #expect(row.map(abs).max() == 127)
      for i in 0..<width {
        let exact: Float = weights[o * width + i] / factors[o]
        #expect(abs(exact - Float(row[i])) < 0.501)
      }
    }
  }

  @Test(arguments: InferSpec.Precision.allCases)
  func aSampleDoesNotDependOnItsBatch(precision: InferSpec.Precision) {
    let alone = (0..<7).map { outputs(precision, batch: 1, first: $0) }
    for batch in [2, 3, 4, 5, 7] {
      #expect(outputs(precision, batch: batch) == alone.prefix(batch).flatMap { $0 }, "\(batch) together")
    }
    var sum: UInt64 = 0
    let network = Network(.tiny, precision, batch: 7, seed: 11)
    for first in 0..<7 { sum &+= network.run(first: first, count: 1).checksum }
    #expect(network.run(first: 0, count: 7).checksum == sum)
  }

  /// Bits, not nearly: the same on every machine, with and without AVX2, optimised or not.
  @Test func theBitsAreKnown() {
    #expect(Network(.tiny, .fp32, batch: 4, seed: 11).run(first: 0, count: 4).checksum == fp32Bits)
    #expect(Network(.tiny, .int8, batch: 4, seed: 11).run(first: 0, count: 4).checksum == int8Bits)
    #expect(Network(.tiny, .fp32, batch: 4, seed: 12).run(first: 0, count: 4).checksum != fp32Bits)
  }
  private let fp32Bits: UInt64 = 3_643_661_645_668_612_224
  private let int8Bits: UInt64 = 8_001_725_690_686_686_437

  @Test func wholeNumbersAreNearlyTheSame() {
    for model in [InferSpec.Model.tiny, .small] {
      let (exact, rounded) = (outputs(.fp32, model, batch: 4), outputs(.int8, model, batch: 4))
      func norm(_ numbers: [Float]) -> Double { numbers.map { Double($0) * Double($0) }.reduce(0, +).squareRoot() }
      let difference = zip(exact, rounded).map { a, b in a - b }
      let error = norm(difference) / norm(exact)
      #expect(error > 0 && error < 0.05, "\(model): \(error)")
    }
  }
}

@Suite struct BatchQueueTests {
  @Test func aFullBatchGoesAtOnceAndOthersWaitForTheDelay() {
    var queue = BatchQueue<Int>(batch: 3, maxDelay: 100)
    queue.arrive(1, now: 0)
    queue.arrive(2, now: 40)
    #expect(queue.take(now: 99) == nil && queue.due == 100)
    #expect(queue.take(now: 100).map { "\($0)" } == "(requests: [1, 2], waited: 160)")
    for (request, now) in [(3, Int64(110)), (4, 120), (5, 130), (6, 140)] { queue.arrive(request, now: now) }
    // The thread is busy, and a full batch waits for it.
    #expect(queue.isBusy && queue.due == nil && queue.take(now: 500) == nil)
    queue.finish()
    #expect(queue.take(now: 200)?.requests == [3, 4, 5])
    queue.finish()
    #expect(queue.take(now: 201) == nil && queue.due == 240 && queue.take(now: 240)?.requests == [6])
  }

  @Test func withoutDelayNobodyWaitsForCompany() {
    var queue = BatchQueue<Int>(batch: 8, maxDelay: 0)
    queue.arrive(1, now: 5)
    #expect(queue.take(now: 5)?.requests == [1])
    for request in 2...4 { queue.arrive(request, now: 6) }
    queue.finish()
    #expect(queue.take(now: 7)?.requests == [2, 3, 4])
  }

  /// In order, none lost, none twice, never more than a batch: under random traffic.
  @Test func allAreTakenInOrder() {
    var random = SeededRandom(seed: 4)
    var queue = BatchQueue<Int>(batch: 4, maxDelay: 20)
    var (sent, taken) = (0, [Int]())
    for now in 0..<50_000 {
      if random.unit() < 0.2 {
        queue.arrive(sent, now: Int64(now))
        sent += 1
      }
      if queue.isBusy, random.unit() < 0.3 { queue.finish() }
      if let next = queue.take(now: Int64(now)) {
        #expect((1...4).contains(next.requests.count) && next.waited >= 0)
        taken += next.requests
      }
    }
    #expect(taken == Array(0..<taken.count) && sent - taken.count < 50 && sent > 9_000)
  }
}

/// The stage, on the virtual clock.
@Suite struct InferStageTests {
  private func run(
    _ spec: InferSpec, workers: Int = 8, arrivals: [Int64]
  ) throws -> (core: LabCore, seen: [Collector.Seen]) {
    let environment = VirtualEnvironment()
    let system = Sample.system(
      workers: workers, rows: 0, routes: [RouteSpec(method: "GET", path: "/", stages: [StageSpec(name: "net", work: .infer(spec))])])
    let core = try LabCore(system, environment: environment)
    let client = Collector(environment)
    for (tag, at) in arrivals.enumerated() {
      environment.advance(by: 1_000_000_000 + at - environment.now)
      client.send(core, "GET", "/", tag: tag)
    }
    environment.advance(by: 1_000_000_000)
    return (core, client.seen)
  }

  private func spec(_ precision: InferSpec.Precision = .fp32, batch: Int, maxDelay: Int64) -> InferSpec {
    InferSpec(model: .tiny, batch: batch, maxDelay: Nanoseconds(maxDelay), precision: precision)
  }

  @Test func gathersUntilFullOrDue() throws {
    // Three at once fill a batch of three; the fourth is alone, and waits two milliseconds for nobody.
    let (core, seen) = try run(spec(batch: 3, maxDelay: 2_000_000), arrivals: [0, 0, 0, 500_000])
    #expect(seen.map(\.tag) == [0, 1, 2, 3] && seen.allSatisfy { $0.status == 200 })
    #expect(seen.map { $0.at - 1_000_000_000 } == [1_000, 1_000, 1_000, 2_501_000])
    #expect(core.counter("net.calls") == 4 && core.counter("net.batches") == 2 && core.counter("net.batch_max") == 3)
    #expect(core.counter("net.queued_ns") == 2_000_000 && core.counter("net.compute_ns") > 0)
    #expect(core.counter("net.weight_bytes") == 2 * 4 * 128 * 128 * 4)
  }

  @Test func theAnswersAreTheSameInAnyBatch() throws {
    let arrivals = (0..<24).map { Int64($0) * 10 }
    for precision in InferSpec.Precision.allCases {
      let alone = try run(spec(precision, batch: 1, maxDelay: 0), arrivals: arrivals).core
      let together = try run(spec(precision, batch: 8, maxDelay: 1_000_000), arrivals: arrivals).core
      #expect(alone.counter("net.batches") == 24 && together.counter("net.batches") == 3)
      #expect(alone.counter("net.checksum") == together.counter("net.checksum") && alone.counter("net.checksum") > 0)
      #expect(alone.counter("net.weight_bytes") == 8 * together.counter("net.weight_bytes"))
    }
  }

  @Test func whatCannotBeServedIsRefused() {
    for (batch, workers) in [(0, 8), (9, 8), (257, 300)] {
      #expect(throws: LabError.self) { _ = try run(spec(batch: batch, maxDelay: 0), workers: workers, arrivals: []) }
    }
  }
}
