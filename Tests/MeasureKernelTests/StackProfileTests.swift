import ExperimentModel
import Testing

@testable import MeasureKernel

/// Shares and folded text of profiles whose samples are written down.
@Suite struct StackProfileTests {
  private let profile = StackProfile(
    stacks: [
      .init(["main", "subject", "hot"], 70), .init(["main", "subject", "cold"], 10), .init(["main", "subject", "hot"], 10),
      .init(["main", "subject"], 5), .init(["main"], 5), .init(["main", "never"], 0), .init([], 9),
    ], rate: 997, cpuSeconds: 0.1)

  @Test func sharesAreSamplesOverAllSamples() throws {
    #expect(profile.samples == 100 && profile.stacks.count == 4)
    for (name, own, all) in [("hot", 80, 80), ("cold", 10, 10), ("subject", 5, 95), ("main", 5, 100), ("never", 0, 0)] {
      let share = try #require(profile.share(of: name))
      #expect(share.ownSamples == own && share.allSamples == all && share.samples == 100, "\(name)")
      #expect(share.own.value == Double(own) / 100 && share.total.value == Double(all) / 100)
      #expect(try #require(share.own.low) <= share.own.value && share.own.value <= (try #require(share.own.high)))
    }
    #expect(profile.top(2).map(\.function) == ["hot", "cold"])
    #expect(profile.functions.map(\.function) == ["hot", "cold", "main", "subject"])
    #expect(StackProfile(stacks: [], rate: 997, cpuSeconds: 0).share(of: "main") == nil)
  }

  @Test func recursionCountsOncePerSample() throws {
    let deep = StackProfile(
      stacks: [.init(["subject", "fib", "fib", "fib"], 6), .init(["subject", "fib", "add"], 3), .init(["subject"], 1)], rate: 997, cpuSeconds: 1)
    let fib = try #require(deep.share(of: "fib"))
    #expect(fib.allSamples == 9 && fib.ownSamples == 6)
    #expect(deep.functions.first { $0.function == "fib" }?.allSamples == 9)
  }

  @Test func namesMatchByTheirLastPart() throws {
    let names = StackProfile(
      stacks: [
        .init(["fence.subject", "fence.dedupe"], 5), .init(["fence.subject", "closure #1 in fence.dedupe"], 3),
        .init(["fence.subject", "libc.so.6`dedupe"], 1), .init(["fence.subject", "fence.undedupe"], 1),
      ], rate: 997, cpuSeconds: 1)
    #expect(try #require(names.share(of: "dedupe")).allSamples == 6)
    #expect(try #require(names.share(of: "closure #1 in fence.dedupe")).allSamples == 3)
    #expect(try #require(names.share(of: "subject")).allSamples == 10)
  }

  @Test func rootingLeavesOutTheHarness() {
    let (inner, outside) = profile.rooted(at: "subject")
    #expect(outside == 5 && inner.samples == 95)
    #expect(inner.stacks.allSatisfy { $0.frames.first == "subject" })
    #expect(profile.rooted(at: "nobody").outside == 100)
  }

  @Test func foldedTextThereAndBack() throws {
    #expect(profile.folded == "main 5\nmain;subject 5\nmain;subject;cold 10\nmain;subject;hot 80\n")
    let again = try #require(StackProfile(folded: "# made by hand\n\n" + profile.folded, rate: 997, cpuSeconds: 0.1))
    #expect(again == profile)
    let hostile = StackProfile(stacks: [.init(["a b", "x;y\nz 7"], 3)], rate: 1, cpuSeconds: 1)
    #expect(hostile.folded == "a b;x:y z 7 3\n")
    for text in ["main", "main;x -3", "7", "main x", ";; 3"] {
      #expect(StackProfile(folded: text, rate: 1, cpuSeconds: 1) == nil, "\(text)")
    }
  }

  @Test func signaturesBecomeNames() {
    let cases = [
      ("main", "main"), ("libc.so.6`qsort_r", "libc.so.6`qsort_r"), ("libc.so.6`[unknown]", "libc.so.6`[unknown]"),
      ("fence.dedupe(Swift.Array<Swift.Int>) -> Swift.Int", "fence.dedupe"),
      ("closure #1 (Swift.Int, Swift.Int) -> Swift.Bool in fence.sorted(Swift.Array<Swift.Int>) -> Swift.Int", "closure #1 in fence.sorted"),
      ("generic specialization <Swift.Int> of Swift.Set._Variant.insert(__owned A) -> (inserted: Swift.Bool, memberAfterInsert: A)", "Swift.Set._Variant.insert"),
      ("libswiftCore.so`(extension in Swift):Swift.Sequence< where A.Element: Swift.Equatable>.contains(A.Element) -> Swift.Bool", "libswiftCore.so`Swift.Sequence.contains"),
      ("libswiftCore.so`protocol witness for static Swift.Equatable.== infix(A, A) -> Swift.Bool in conformance Swift.Int : Swift.Equatable in Swift", "libswiftCore.so`protocol witness for static Swift.Equatable.=="),
      ("generic specialization <Swift.Int> of static Swift.Comparable.< infix(A, A) -> Swift.Bool", "static Swift.Comparable.<"),
      ("libswiftCore.so`Swift._StringGuts.(grow in _408A76AB)(totalCount: Swift.Int)", "libswiftCore.so`Swift._StringGuts.grow"),
      ("Swift.Array.count.getter : Swift.Int", "Swift.Array.count.getter"),
      ("Swift.Array.subscript.read : (Swift.Int) -> A with unmangled suffix \".resume.0\"", "Swift.Array.subscript.read"),
      ("bool swift::RefCounts<swift::Bits<(swift::Inlined)1> >::doDecrement<(swift::Deinit)1>(unsigned int)", "bool swift::RefCounts::doDecrement"),
      ("generic specialization <Swift.String> of Swift._Buffer._create(bufferIsUnique: Swift.Bool, minimumCapa", "Swift._Buffer._create"),
      ("std::operator>>(int)", "std::operator>>(int)"), ("(", "("), ("", ""), ("`", "`"),
    ]
    for (name, expected) in cases { #expect(readableFunctionName(name) == expected, "\(name)") }
  }

  @Test func answersAreChecked() throws {
    func read(_ lines: [String]) throws(MeasureError) -> StackProfile? {
      var answer = ProfileAnswer()
      for line in lines { if let profile = try answer.take(line) { return profile } }
      return nil
    }
    let head = "profile samples=300 dropped=2 idle=1 hz=997 cpu_ns=300000000 thread_cpu_ns=100000000 wall_ns=900000000"
    let profile = try #require(try read([head, "stack 200 main;fence.subject(Swift.Int) -> Swift.Int", "stack 100 main", "profile end"]))
    #expect(profile.samples == 300 && profile.dropped == 2 && profile.rate == 997 && profile.cpuSeconds == 0.3)
    #expect(profile.stacks.map(\.frames) == [["main"], ["main", "fence.subject"]])
    #expect(profile.doubts.count == 3 && profile.doubts[1].hasPrefix("67 % of the CPU time was on other threads"))
    #expect(try read([head, "stack 200 main"]) == nil)
    for lines in [["profile end"], [head, "profile end"], [head, head], ["stack x main"], ["stack 0 main"], ["ns=3"], ["error: no"], [""]] {
      #expect(throws: MeasureError.self, "\(lines)") { try read(lines) }
    }
  }
}
