import ExperimentModel
import Testing

@testable import ExperimentRunner
@testable import MeasureKernel

/// Blocks that this machine cannot run: no failure, and nothing of them holds here.
@Suite struct RequirementTests {
  private static let options = RunOptions(
    quick: false, launcher: LabLauncher(executable: "none", serveArguments: []), subjectArguments: [], fenceCache: "/tmp")
  private static let absent = Requirements(tools: ["no-such-program-anywhere"])

  @Test("what a machine lacks is said in the same words whatever it has", arguments: [
    (Requirements(tools: ["java"], cores: 4), "`java` and 4 CPUs"), (Requirements(os: .macos), "macOS"),
    (Requirements(os: .linux, tools: ["sh"], cores: 2, disk: 1_000), nil),
    (Requirements(cores: 3, disk: 2 << 30, diskText: "2GiB"), "3 CPUs and 2GiB of free disk"),
    (Requirements(os: .macos, tools: ["sh", "java", "k6"]), "macOS, `java` and `k6`"),
  ])
  func lacking(_ requirements: Requirements, _ expected: String?) {
    #expect(requirements.lacking(os: .linux, cores: 2.5, disk: 1 << 30) { $0 == "sh" } == expected)
  }

  @Test("what is not known is not held against a machine")
  func unknown() {
    #expect(Requirements(cores: 64, disk: .max).lacking(os: .linux, cores: nil, disk: nil) { _ in true } == nil)
  }

  private func bench(_ id: String, _ requires: Requirements?) -> Cell {
    let subject = SubjectSpec(name: "true", work: .command(CommandSpec(text: "true", usesShell: false)))
    var cell = Cell(
      id: id, work: .bench(BenchCell(subjects: [subject], comparison: nil, pairs: 6, system: nil, seed: 1)),
      thresholds: [Judgement(text: "time<=1h", address: Address(block: nil, arm: [], metric: "time"), op: .lessOrEqual, limit: Quantity(3.6e12, .nanoseconds))],
      blockTime: BlockTime(full: Nanoseconds(200_000_000), quick: Nanoseconds(200_000_000)), inputs: id)
    cell.requires = requires
    return cell
  }

  private func run(_ cells: [Cell], known: [String: CellResult] = [:], save: (CellResult) -> CellResult = { $0 }) throws -> [String: CellResult] {
    let results = try Runner(Self.options, cancelled: { false }, report: { _ in }).run(cells, known: known, save: save)
    return Dictionary(uniqueKeysWithValues: results.map { ($0.id, $0) })
  }

  @Test("a cell whose needs are unmet has no numbers, no judgements and no failure")
  func skipped() throws {
    let results = try run([bench("here", nil), bench("elsewhere", Self.absent)])
    let (here, elsewhere) = try (#require(results["here"]), #require(results["elsewhere"]))
    #expect(here.unmet == nil && here.hasNumbers && here.thresholds.map(\.outcome) == [.pass])
    #expect(elsewhere.unmet == "`no-such-program-anywhere`" && elsewhere.failure == nil && !elsewhere.hasNumbers)
    #expect(elsewhere.arms.isEmpty && elsewhere.thresholds.isEmpty)
  }

  private func cost(_ block: String) -> Cell {
    var inputs: [String: CostInput] = ["cpu_per_req": .reference(Address(block: block, arm: [], metric: "time"))]
    for (name, value, unit) in [
      ("usd_per_vcpu_hour", 0.036, MetricUnit.usdPerHour), ("target_utilisation", 0.5, .share), ("rate", 100, .perSecond), ("vcpu_per_instance", 2, .count),
    ] { inputs[name] = .quantity(Quantity(value, unit)) }
    return Cell(id: "money", work: .cost(CostCell(formula: "F3", inputs: inputs, sources: [])), needs: [block], inputs: "money")
  }

  @Test("who reads its numbers does not run either and says why, with an earlier result too")
  func dependents() throws {
    let words = "the result of `elsewhere`, which needs `no-such-program-anywhere`"
    #expect(try run([bench("elsewhere", Self.absent), cost("elsewhere")])["money"]?.unmet == words)
    var earlier = CellResult(id: "elsewhere", kind: "bench", inputs: "elsewhere", quick: false, evidence: .real)
    earlier.arms = [ArmResult(name: "true", metrics: ["time": MetricValue(Estimate(1e6), .nanoseconds)])]
    #expect(try run([cost("elsewhere")], known: ["elsewhere": earlier])["money"]?.hasNumbers == true)
    // What is kept of it says that it was not run here.
    let kept = try run([bench("elsewhere", Self.absent), cost("elsewhere")], known: ["elsewhere": earlier]) { result in
      guard result.id == "elsewhere" else { return result }
      var kept = earlier
      kept.unmet = result.unmet
      return kept
    }
    #expect(kept["money"]?.unmet == words)
  }

  @Test("a gate on its value is open, whatever an earlier run found, and the reader is told")
  func gates() throws {
    var earlier = CellResult(id: "elsewhere", kind: "bench", inputs: "elsewhere", quick: false, evidence: .real)
    earlier.arms = [ArmResult(name: "true", metrics: ["time": MetricValue(Estimate(1e6), .nanoseconds)])]
    var check = Cell(id: "exercise", work: .check(CheckCell(editParams: [], hintAfter: nil)), needs: ["elsewhere"], inputs: "exercise")
    check.gates = [
      Judgement(
        text: "elsewhere.time<=1s", address: Address(block: "elsewhere", arm: [], metric: "time"), op: .lessOrEqual, limit: Quantity(1e9, .nanoseconds))
    ]
    #expect(try run([check], known: ["elsewhere": earlier])["exercise"]?.gates.map(\.outcome) == [.pass])
    earlier.unmet = "`java`"
    let result = try #require(try run([check], known: ["elsewhere": earlier])["exercise"])
    #expect(result.gates.map(\.outcome) == [.inconclusive])
    #expect(result.doubts.map(\.text) == ["`elsewhere` was not run here: it needs `java`"])
  }

  @Test("a claim that an earlier run verified is not verified here")
  func claims() {
    var result = CellResult(id: "jvm", kind: "bench", inputs: "", quick: false, evidence: .real)
    result.thresholds = [JudgementResult(text: "", measured: nil, outcome: .pass)]
    let claim = Claim(id: "law", text: "", verifiedBy: "jvm.thresholds")
    #expect(claimStatus(claim, in: ["jvm": result]) == .verified)
    result.unmet = "`java`"
    #expect(claimStatus(claim, in: ["jvm": result]) == .inconclusive)
  }
}

/// Throughput of readers beside the asymptotic bounds.
@Suite struct ReaderFigureTests {
  private let runner = Runner(
    RunOptions(quick: false, launcher: LabLauncher(executable: "none", serveArguments: []), subjectArguments: [], fenceCache: "/tmp"),
    cancelled: { false }, report: { _ in })

  /// Points of an ideal machine with `cores` processors, 1 ms an answer, and a little noise.
  private func points(_ readers: [Int], cores: Int) -> [BenchPoint] {
    readers.map { n in
      let ns = 1_000_000 * n / min(n, cores)
      let samples = (0..<8).map { (i: Int) -> SubjectSample in
        SubjectSample(ns: Int64(ns + ns / 500 * (i % 3)), cpu: Int64(1_000_000 * n), checksum: "1", extras: ["answers": Double(n)])
      }
      return BenchPoint(size: n, record: BenchRecord(samples: [samples], iterations: 1, parity: true, doubts: []))
    }
  }

  private func result(_ bench: BenchCell, _ points: [BenchPoint]) -> CellResult {
    var result = CellResult(id: "b", kind: "bench", inputs: "", quick: false, evidence: .real)
    for point in points {
      var metrics = itemMetrics(point.record.samples[0], iterations: 1)
      metrics["time"] = MetricValue(Estimate(Double(point.record.samples[0][0].ns)), .nanoseconds)
      result.arms.append(ArmResult(name: "scan", params: ["readers": Double(point.size!)], metrics: metrics))
    }
    runner.fitReaders(bench, points, into: &result)
    runner.addReaderTheory(bench, processors: 4, into: &result)
    return result
  }

  private var bench: BenchCell {
    var bench = BenchCell(subjects: [SubjectSpec(name: "scan", work: .sql("SELECT 1"))], comparison: nil, pairs: 8, system: nil, seed: 1)
    bench.variesReaders = true
    return bench
  }

  @Test("on a machine of four processors the knee is at four, and the bounds are what was measured")
  func ideal() throws {
    var bench = bench
    bench.fitsKnee = true
    let result = result(bench, points([1, 2, 4, 8, 16, 32], cores: 4))
    let fit = try #require(result.arms.last)
    #expect(fit.params.isEmpty && fit.metrics["knee"]?.estimate.value == 4 && fit.theory["knee"] == 4)
    for arm in result.arms.dropLast() {
      let (measured, bound) = try (#require(arm.metrics["throughput"]).estimate.value, #require(arm.theory["throughput"]))
      #expect(abs(measured / bound - 1) < 0.01)
      // Little: N = X·R.
      #expect(abs(bound * (arm.theory["time"] ?? 0) / 1e9 / (arm.params["readers"] ?? 1) - 1) < 0.01)
    }
  }

  @Test("the scalability law has a contention for what cannot grow, and no knee is made up")
  func fits() throws {
    var bench = bench
    bench.fitsScalability = true
    let fit = try #require(result(bench, points([1, 2, 4, 8, 16, 32], cores: 2)).arms.last)
    #expect((0.2...0.6).contains(try #require(fit.metrics["alpha"]).estimate.value))
    bench.fitsScalability = nil
    bench.fitsKnee = true
    let straight = result(bench, points([1, 2, 4], cores: 4))
    #expect(straight.doubts.contains { $0.id == "no-knee" } && !straight.arms.contains { $0.metrics["knee"] != nil })
  }
}
