import ExperimentModel
import Testing

@testable import MeasureKernel

/// A subject with made-up, exact times.
private final class Made: TimedSubject {
  let name: String
  let startsProcesses: Bool
  private let time: (Int) -> Double
  private(set) var calls: [Int] = []
  private(set) var isStopped = false
  init(_ name: String, startsProcesses: Bool = false, time: @escaping (Int) -> Double = { _ in 1_000 }) {
    self.name = name
    self.startsProcesses = startsProcesses
    self.time = time
  }
  func run(_ iterations: Int, timeout: Double) throws(MeasureError) -> SubjectSample {
    calls.append(iterations)
    return SubjectSample(ns: Int64(Double(iterations) * time(calls.count)), cpu: 1, checksum: "\(iterations)")
  }
  func stop() { isStopped = true }
}

@Suite struct MeasurementTests {
  private func run(
    _ subjects: [Made], _ policy: MeasurePolicy, decided: (([[SubjectSample]]) -> Bool)? = nil, notes: ((String) -> Void)? = nil
  ) throws -> BenchRecord {
    try measure(
      subjects.map(\.name), policy, start: { index in subjects[index] }, decided: decided, progress: { notes?($0) },
      cancelled: { false })
  }

  private func policy(_ pairs: Int, _ change: (inout MeasurePolicy) -> Void = { _ in }) -> MeasurePolicy {
    var policy = MeasurePolicy(pairs: pairs, budget: Nanoseconds(seconds: 60), seed: 5)
    change(&policy)
    return policy
  }

  @Test("looks come at their numbers of pairs, and the first yes ends the measuring", arguments: [
    (100, 1_000, [20, 40, 80, 100], false), (100, 40, [20, 40], true), (60, 1_000, [20, 40], false), (10, 1, [], false),
  ])
  func looks(_ pairs: Int, _ enough: Int, _ expected: [Int], _ early: Bool) throws {
    var seen: [Int] = []
    let subjects = [Made("a"), Made("b")]
    let record = try run(subjects, policy(pairs)) { samples in
      #expect(samples[0].count == samples[1].count)
      seen.append(samples[0].count)
      return samples[0].count >= enough
    }
    #expect(seen == expected)
    #expect(record.looks == expected.count && record.stoppedEarly == early)
    #expect(record.samples.map(\.count) == [early ? enough : pairs, early ? enough : pairs])
    #expect(subjects.map(\.isStopped) == [true, true])
  }

  @Test("sizes take turns, in an order that turns round: a machine that slows down does so for all of them")
  func sizes() throws {
    var order: [Int] = []
    // The machine becomes slower with every sample of whatever size; four times the size is four times the work.
    var age = 0.0
    let made = [1.0, 4.0].enumerated().map { size, work in
      Made("size \(size)", time: { _ in
        if order.last != size { order.append(size) }
        age += 1
        return work * 1e4 * (1 + age / 200)
      })
    }
    let records = try measureSizes(
      ["a"], policy(60), sizes: 2, start: { size, _ in made[size] }, progress: { _, _ in }, cancelled: { false })
    #expect(records.map { $0.samples[0].count } == [60, 60])
    // Calibrating and checking of each, then six parts, of which neighbours of one size are one stretch.
    #expect(order == [0, 1, 0, 1, 0, 1, 0, 1, 0])
    let middles = records.map { record in record.samples[0].map { Double($0.ns) / Double(record.iterations) }.sorted()[30] }
    #expect(abs(middles[1] / middles[0] - 4) < 0.3, "\(middles)")
    #expect(made.map(\.isStopped) == [true, true])
  }

  @Test("a process is the unit: every sample is one, and there is no work check")
  func processes() throws {
    let subjects = [Made("a", startsProcesses: true, time: { _ in 2e6 }), Made("b", startsProcesses: true, time: { _ in 3e6 })]
    let record = try run(subjects, policy(12))
    #expect(record.iterations == 1 && record.doubts.isEmpty)
    #expect(subjects.map(\.calls) == [Array(repeating: 1, count: 13), Array(repeating: 1, count: 13)])
    // 5 ms a pair: a budget of 50 ms allows 8 with a reserve.
    let short = try run(
      [Made("a", startsProcesses: true, time: { _ in 2e6 }), Made("b", startsProcesses: true, time: { _ in 3e6 })],
      policy(12) { $0.budget = Nanoseconds(seconds: 0.05) })
    #expect(short.samples[0].count == 8)
    #expect(short.doubts == ["8 pairs instead of 12: the block's time does not allow more"])
  }

  @Test("one after the other is possible, with the same number of samples")
  func sequential() throws {
    var notes: [String] = []
    let record = try run([Made("a"), Made("b")], policy(7) { $0.order = .sequential }, notes: { notes.append($0) })
    #expect(record.samples.map(\.count) == [7, 7])
    #expect(notes.suffix(14) == (1...7).map { "a \($0)/7" } + (1...7).map { "b \($0)/7" })
  }

  @Test("warming up ends when the times have settled, or says that they have not")
  func warming() throws {
    // From 8 µs down to 1 µs in about ten samples.
    let slow = Made("jit", time: { 1_000 + 7_000 * max(0, 1 - Double($0) / 20) })
    let warm = policy(6) {
      $0.settled = MeasurePolicy.hasSettled
      $0.warmUpMost = 60
    }
    let record = try run([slow], warm)
    #expect((10..<40).contains(record.warmUp[0].count))
    #expect(record.warmUp[0].first! > 1_500 && record.warmUp[0].last! == 1_000)
    #expect(record.samples[0].allSatisfy { $0.ns == Int64(record.iterations) * 1_000 })
    let never = try run([Made("wild", time: { Double(1_000 * $0) })], warm)
    #expect(never.warmUp[0].count == 60)
    #expect(never.doubts.contains("wild: its time still changed after 60 samples of warming up"))
  }

  @Test("receipts are taken when asked for; what is unknown is not quiet")
  func receipts() throws {
    let record = try run([Made("a")], policy(6) { $0.takesReceipts = true })
    let receipt = try #require(record.samples[0][0].receipt)
    #expect(receipt.elapsed >= 0 && receipt.pressure == nil)
    #expect(try run([Made("a")], policy(6)).samples[0][0].receipt == nil)
    var sample = SubjectSample(ns: 1_000_000, cpu: 0, checksum: "1")
    #expect(sample.contention == nil)
    for (wait, expected) in [(0, MachineState.quiet), (50_000, .busy), (500_000, .noisy)] {
      sample.use.runQueueWait = Int64(wait)
      #expect(sample.contention == expected)
    }
    sample.use.runQueueWait = 0
    sample.receipt = SampleReceipt(steal: 20_000_000, pressure: nil, elapsed: 100_000_000)
    #expect(sample.contention == .noisy)
  }

  @Test("an unknown part makes a sum unknown, and memory is a maximum")
  func sums() {
    var a = ResourceUse()
    (a.user, a.maxRSS, a.allocations) = (3, 10, 1)
    var b = ResourceUse()
    (b.user, b.maxRSS) = (4, 8)
    a.add(b)
    #expect(a.user == 7 && a.maxRSS == 10 && a.allocations == nil)
  }
}
