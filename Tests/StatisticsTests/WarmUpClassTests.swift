import Statistics
import Testing

@Suite struct WarmUpClassTests {
  /// Levels, each for some iterations, with a CV of 1 % and optional spikes.
  private static func series(_ levels: [(Double, Int)], spikes: Double = 0, seed: UInt64 = 1) -> [Double] {
    var random = SeededRandom(seed: seed)
    return levels.flatMap { level, count in
      (0..<count).map { _ in
        level * (1 + 0.01 * random.gaussian()) * (random.uniform() < spikes ? 1 + random.uniform() : 1)
      }
    }
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var levels: [(Double, Int)]
    var kind: WarmUpClass
  }

  /// The shapes of Barrett et al. 2017, figure 1 and section 6.
  static let cases = [
    Case(testDescription: "flat", levels: [(100, 200)], kind: .flat),
    Case(testDescription: "warm-up", levels: [(130, 50), (100, 150)], kind: .warmUp(steadyFrom: 50)),
    Case(testDescription: "warm-up in two steps", levels: [(200, 30), (130, 40), (100, 130)], kind: .warmUp(steadyFrom: 70)),
    Case(testDescription: "slowdown", levels: [(100, 50), (120, 150)], kind: .slowdown(steadyFrom: 50)),
    Case(testDescription: "faster in between", levels: [(150, 40), (90, 40), (100, 120)], kind: .slowdown(steadyFrom: 80)),
    Case(testDescription: "late change", levels: [(100, 180), (80, 20)], kind: .noSteadyState),
    Case(testDescription: "cycles", levels: [(100, 40), (120, 40), (100, 40), (120, 40), (100, 40)], kind: .noSteadyState),
    Case(testDescription: "change at the quarter", levels: [(120, 150), (100, 50)], kind: .warmUp(steadyFrom: 150)),
    Case(testDescription: "change after the quarter", levels: [(120, 155), (100, 45)], kind: .noSteadyState),
    Case(testDescription: "below 1 % is the same level", levels: [(100.4, 400), (100, 400)], kind: .flat),
  ]

  @Test("the shapes of the paper", arguments: cases) func shapes(_ example: Case) throws {
    let found = try #require(classifyWarmUp(Self.series(example.levels)))
    #expect(found.kind == example.kind)
    #expect(found.segments.first?.range.lowerBound == 0)
    #expect(found.segments.last?.range.upperBound == example.levels.reduce(0) { $0 + $1.1 })
    #expect(zip(found.segments, found.segments.dropFirst()).allSatisfy { $0.range.upperBound == $1.range.lowerBound })
    // The unit does not matter.
    #expect(classifyWarmUp(Self.series(example.levels).map { $0 * 1e-9 })?.kind == example.kind)
  }

  @Test("levels are in the times' unit") func levels() throws {
    let found = try #require(classifyWarmUp(Self.series([(130, 50), (100, 150)], spikes: 0.1)))
    #expect(found.segments.count == 2)
    #expect(abs(found.segments[0].level / 130 - 1) < 0.01 && abs(found.segments[1].level / 100 - 1) < 0.01)
  }

  @Test("spikes of a tenth make no level, nor do a few slow first iterations") func spikes() {
    let flat = (1...100 as ClosedRange<UInt64>).count {
      classifyWarmUp(Self.series([(100, 200)], spikes: 0.1, seed: $0))?.kind == .flat
    }
    #expect(flat >= 98, "\(flat)")
    #expect(classifyWarmUp([900, 300, 150] + Self.series([(100, 200)]))?.kind == .flat)
  }

  @Test("what is refused") func refused() {
    #expect(classifyWarmUp([Double](repeating: 1, count: 39)) == nil)
    #expect(classifyWarmUp([Double](repeating: 1, count: 40))?.kind == .flat)
    #expect(classifyWarmUp([Double](repeating: 1, count: 40) + [0]) == nil)
    #expect(classifyWarmUp([Double](repeating: 1, count: 40) + [.infinity]) == nil)
    #expect(classifyWarmUp(processes: []) == nil)
    #expect(classifyWarmUp(processes: [Self.series([(1, 100)]), [1, 2]]) == nil)
  }

  @Test("several processes: the latest start when they agree, inconsistent when not") func processes() throws {
    let early = Self.series([(130, 40), (100, 160)])
    let late = Self.series([(130, 80), (100, 120)], seed: 2)
    let flat = Self.series([(100, 200)], seed: 3)
    let unsteady = Self.series([(100, 180), (80, 20)], seed: 4)
    let agreed = try #require(classifyWarmUp(processes: [early, late, early]))
    #expect(agreed.kind == .warmUp(steadyFrom: 80) && agreed.steadyFrom == 80)
    #expect(agreed.counts == ["warm-up": 3])
    let mixed = try #require(classifyWarmUp(processes: [early, flat]))
    #expect(mixed.kind == .inconsistent && mixed.kind.steadyFrom == nil && mixed.steadyFrom == 40)
    let bad = try #require(classifyWarmUp(processes: [flat, unsteady]))
    #expect(bad.kind == .inconsistent && bad.steadyFrom == nil)
    #expect(classifyWarmUp(processes: [unsteady, unsteady])?.kind == .noSteadyState)
    #expect(classifyWarmUp(processes: [flat])?.kind == .flat)
  }
}
