import Statistics
import Testing

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

@Suite struct KneeTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var x: [Double]
    var y: [Double]
    var curve: KneeCurve
    var direction: KneeDirection
    var sensitivity = 1.0
    /// nil for none.
    var knee: Double?
  }

  private static let tens = (0..<10).map { Double($0) }
  private static let figure2 = (0..<10).map { Double($0) / 9 }

  /// Reported task completions over days, a curve that turns slowly.
  private static let bumpy: [Double] = [
    7305, 6979, 6666.6, 6463.2, 6326.5, 6048.8, 6032.8, 5762, 5742.8, 5398.2, 5256.8, 5227, 5001.7, 4942, 4854.2, 4734.6, 4558.7,
    4491.1, 4411.6, 4333, 4234.6, 4139.1, 4056.8, 4022.5, 3868, 3808.3, 3745.3, 3692.3, 3645.6, 3618.3, 3574.3, 3504.3, 3452.4,
    3401.2, 3382.4, 3340.7, 3301.1, 3247.6, 3190.3, 3180, 3154.2, 3089.5, 3045.6, 2989, 2993.6, 2941.3, 2875.6, 2866.3, 2834.1,
    2785.1, 2759.7, 2763.2, 2720.1, 2660.1, 2690.2, 2635.7, 2632.9, 2574.6, 2556, 2545.7, 2513.4, 2491.6, 2496, 2466.5, 2442.7,
    2420.5, 2381.5, 2388.1, 2340.6, 2335, 2318.9, 2319, 2308.2, 2262.2, 2235.8, 2259.3, 2221, 2202.7, 2184.3, 2170.1, 2160,
    2127.7, 2134.7, 2102, 2101.4, 2066.4, 2074.3, 2063.7, 2048.1, 2031.9,
  ]

  /// The curves of kneed 0.9.0's data generator, the first that of the paper's figure 2, with the knees of kneed 0.9.0; the
  /// module agreed with kneed on all of 4,000 random curves as well, even and uneven, of all four shapes.
  static let cases: [Case] = [
    Case(
      testDescription: "paper, figure 2", x: figure2, y: figure2.map { -1 / ($0 + 0.1) + 5 }, curve: .concave,
      direction: .increasing, knee: 2.0 / 9),
    Case(
      testDescription: "convex increasing", x: tens, y: [1, 2, 3, 4, 5, 10, 15, 20, 40, 100], curve: .convex,
      direction: .increasing, knee: 7),
    Case(
      testDescription: "convex decreasing", x: tens, y: [100, 40, 20, 15, 10, 5, 4, 3, 2, 1], curve: .convex,
      direction: .decreasing, knee: 2),
    Case(
      testDescription: "concave decreasing", x: tens, y: [99, 98, 97, 96, 95, 90, 85, 80, 60, 0], curve: .concave,
      direction: .decreasing, knee: 7),
    Case(
      testDescription: "concave increasing", x: tens, y: [0, 60, 80, 85, 90, 95, 96, 97, 98, 99], curve: .concave,
      direction: .increasing, knee: 2),
    Case(
      testDescription: "bumpy", x: bumpy.indices.map { Double($0) }, y: bumpy, curve: .convex, direction: .decreasing, knee: 26),
    Case(testDescription: "straight", x: tens, y: tens.map { 0.1 * $0 + 0.3 }, curve: .concave, direction: .increasing, knee: nil),
    Case(testDescription: "straight down", x: tens, y: tens.map { 7 - $0 / 3 }, curve: .convex, direction: .decreasing, knee: nil),
    Case(testDescription: "bends the other way", x: tens, y: tens.map { $0 * $0 }, curve: .concave, direction: .increasing, knee: nil),
  ]

  @Test("kneed's examples, and none on a straight line", arguments: cases) func oracle(_ oracle: Case) {
    let index = kneeIndex(
      x: oracle.x, y: oracle.y, curve: oracle.curve, direction: oracle.direction, sensitivity: oracle.sensitivity)
    #expect(index.map { oracle.x[$0] } == oracle.knee)
    // Scale and place of the axes do not matter.
    let moved = kneeIndex(
      x: oracle.x.map { 3 + 16 * $0 }, y: oracle.y.map { 8 * $0 - 64 }, curve: oracle.curve, direction: oracle.direction,
      sensitivity: oracle.sensitivity)
    #expect(moved == index)
  }

  @Test("the four shapes are mirrors of each other on uneven x") func mirrors() {
    let x = [0, 0.3, 1, 1.2, 2, 3.5, 4, 6, 9, 10]
    let y = x.map { 1 - exp(-$0) }
    let mirroredX = x.reversed().map { 10 - $0 }
    let wanted = kneeIndex(x: x, y: y, curve: .concave, direction: .increasing)
    #expect(wanted == 4)
    #expect(kneeIndex(x: x, y: y.map { -$0 }, curve: .convex, direction: .decreasing) == wanted)
    #expect(kneeIndex(x: mirroredX, y: y.reversed(), curve: .concave, direction: .decreasing) == wanted.map { 9 - $0 })
    #expect(kneeIndex(x: mirroredX, y: y.reversed().map { -$0 }, curve: .convex, direction: .increasing) == wanted.map { 9 - $0 })
  }

  @Test("what is refused") func refused() {
    #expect(kneeIndex(x: [1, 2], y: [1, 2], curve: .concave, direction: .increasing) == nil)
    #expect(kneeIndex(x: [1, 2, 2], y: [1, 2, 2], curve: .concave, direction: .increasing) == nil)
    #expect(kneeIndex(x: [1, 2, 3], y: [1, 2], curve: .concave, direction: .increasing) == nil)
    #expect(kneeIndex(x: [1, 2, 3], y: [5, 5, 5], curve: .concave, direction: .increasing) == nil)
    #expect(kneeIndex(x: [1, 2, 3], y: [1, .nan, 2], curve: .concave, direction: .increasing) == nil)
    #expect(knee(x: [1, 2, 3], samples: [[1], [2], [2]], curve: .concave, direction: .increasing) == nil)
  }

  @Test("repeated samples: an interval around the knee, which repeats by seed") func repeated() throws {
    var random = SeededRandom(seed: 4)
    let x = (0..<12).map { Double($0) }
    let samples = x.map { x in (0..<5).map { _ in 100 * (1 - 0.9 * exp(-x / 3)) * (1 + 0.02 * random.gaussian()) } }
    let found = try #require(knee(x: x, samples: samples, curve: .concave, direction: .increasing, seed: 2))
    #expect(found == knee(x: x, samples: samples, curve: .concave, direction: .increasing, seed: 2))
    #expect(found.interval.contains(4) && found.interval.width <= 3 && found.found > 0.99)
    // Exact samples leave no doubt.
    let exact = x.map { [1 - exp(-$0 / 3), 1 - exp(-$0 / 3)] }
    let sure = try #require(knee(x: x, samples: exact, curve: .concave, direction: .increasing))
    #expect(sure.interval.width == 0 && sure.found == 1)
  }
}
