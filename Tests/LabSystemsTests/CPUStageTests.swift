import ExperimentModel
import NIOCore
import Testing

@testable import LabSystems

/// The stage that computes: judged by its counts, on the virtual clock.
@Suite struct CPUStageTests {
  private func run(_ work: CPUWork, _ units: Int, stream: String = "cpu:test") -> Computation.Outcome {
    Computation(CPUSpec(work: work, units: units), seed: 7, stream: stream).run()
  }

  private func cpu(_ work: CPUWork, _ units: Int, name: String = "cpu") -> StageSpec {
    StageSpec(name: name, work: .cpu(CPUSpec(work: work, units: units)))
  }

  @Test func sameSeedSameResultAndEveryUnitCounts() {
    for work in CPUWork.allCases {
      let first = run(work, 64)
      #expect(first == run(work, 64), "\(work)")
      #expect(first.operations > 0 && first.checksum != 0)
      #expect(first.checksum != run(work, 65).checksum, "\(work)")
      #expect(first.checksum != run(work, 64, stream: "cpu:other").checksum, "\(work)")
    }
  }

  /// Twice the numbers: four times the comparisons without an index, twice the look-ups with one.
  @Test(arguments: [500, 1_000, 2_000])
  func quadraticAndLinearGrowth(units: Int) {
    let quadratic = Double(run(.dedupeQuadratic, 2 * units).operations) / Double(run(.dedupeQuadratic, units).operations)
    #expect((3.7...4.3).contains(quadratic), "\(quadratic)")
    #expect(run(.dedupeHash, 2 * units).operations == 2 * run(.dedupeHash, units).operations)
    #expect(run(.spin, 2 * units).operations == 2 * run(.spin, units).operations)
    let sort = Double(run(.sort, 2 * units).operations) / Double(run(.sort, units).operations)
    #expect((2.0...2.6).contains(sort), "n log n, not \(sort)")
  }

  @Test func bothWaysToDedupeKeepTheSame() {
    for units in [1, 2, 10, 500, 3_000] { #expect(run(.dedupeQuadratic, units).checksum == run(.dedupeHash, units).checksum) }
  }

  /// The examples of FIPS 180-2, and a hundred thousand letters by Python's hashlib.
  @Test func sha256OfPublishedMessages() {
    let cases: [(message: [UInt8], digest: String)] = [
      (Array("abc".utf8), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      ([], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      (
        Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (Array(repeating: UInt8(ascii: "a"), count: 100_000), "6d1cf22d7cc09b085dfc25ee1a1f3ae0265804c607bc2074ad253bcc82fd81ee"),
    ]
    for (message, expected) in cases {
      for piece in [1, 63, 64, 65, 100_000] where message.count / piece < 10_000 {
        var hash = SHA256()
        for start in stride(from: 0, to: message.count, by: piece) { hash.update(Array(message[start..<min(start + piece, message.count)])) }
        let digest = hash.finished().map { byte in ["", "0"][byte < 16 ? 1 : 0] + String(byte, radix: 16) }.joined()
        #expect(digest == expected, "\(message.count) bytes in pieces of \(piece)")
      }
    }
  }

  @Test func theWorkerIsHeldAndTheLoopIsFree() throws {
    let environment = VirtualEnvironment()
    let answer = StageSpec(name: "answer", work: .bytes(BytesSpec(size: 3, etag: false)))
    let system = Sample.system(
      workers: 1, rows: 0,
      routes: [
        RouteSpec(method: "GET", path: "/slow", stages: [cpu(.dedupeQuadratic, 100, name: "dedupe"), answer]),
        RouteSpec(method: "GET", path: "/hash", stages: [cpu(.sha256, 2, name: "hash")]),
      ])
    let core = try LabCore(system, environment: environment)
    let client = Collector(environment)
    for tag in 0..<3 { client.send(core, "GET", "/slow", tag: tag) }
    client.send(core, "GET", "/hash", tag: 3)
    // Nothing was computed inside `submit`: the one worker is busy and the others wait.
    #expect(client.seen.isEmpty && core.counter("dedupe.calls") == 0)
    environment.advance(by: 10_000)
    #expect(client.seen.map(\.tag) == [0, 1, 2, 3] && client.seen.allSatisfy { $0.status == 200 })
    // A computation takes 1 µs on the virtual clock, one after the other.
    #expect(client.seen.map { ($0.at - client.seen[0].at) / 1_000 } == [0, 1, 2, 3])
    #expect(client.seen[0].body.utf8.count == 3 && client.seen[3].body.isEmpty)
    #expect(core.counter("dedupe.calls") == 3 && core.counter("dedupe.units") == 300)
    #expect(core.counter("dedupe.operations") == 3 * Computation(CPUSpec(work: .dedupeQuadratic, units: 100), seed: 7, stream: "cpu:dedupe").run().operations)
    #expect(core.counter("hash.units") == 2 && core.counter("hash.operations") == 33 && core.counter("hash.checksum") > 0)
    core.stages.forEach { $0.resetCounters() }
    #expect(core.counter("dedupe.units") == 0 && core.counter("hash.checksum") == 0)
  }

  @Test func offIsAsIfItWereNotThere() throws {
    let environment = VirtualEnvironment()
    let core = try LabCore(
      Sample.system(rows: 0, routes: [RouteSpec(method: "GET", path: "/", stages: [cpu(.spin, 5)])]), environment: environment)
    core.stages[0].isOff = true
    let client = Collector(environment)
    client.send(core, "GET", "/", tag: 0)
    #expect(client.seen.count == 1 && core.counter("cpu.calls") == 0)
  }

  @Test func unitsHaveBounds() {
    for work in CPUWork.allCases {
      for units in [-1, 0, work.unitsMax + 1] {
        let system = Sample.system(rows: 0, routes: [RouteSpec(method: "GET", path: "/", stages: [cpu(work, units)])])
        #expect(throws: LabError.self) { try LabCore(system, environment: VirtualEnvironment()) }
      }
    }
  }

  @Test func threadsFollowWorkersAndPools() {
    func threads(_ workers: Int, _ stages: StageSpec...) -> Int {
      Sample.system(workers: workers, routes: [RouteSpec(method: "GET", path: "/", stages: stages)]).threadsWanted
    }
    #expect(threads(4) == 1 && threads(4, cpu(.spin, 1)) == 5 && threads(256, cpu(.spin, 1)) == 32)
    #expect(threads(4, cpu(.spin, 1), Sample.sql(Sample.select, pool: 3)) == 8)
  }
}
