import Statistics
import Testing

@Suite struct MannWhitneyTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var x: [Double]
    var y: [Double]
    var u: Double
    var p: Double
    var exact = true
    var tolerance = 1e-12
  }

  /// Numbers of `go test` runs from benchstat's testdata (golang/perf, old.txt, new.txt, issue19634.txt), with the
  /// p that its expected output prints; scipy 1.17 `mannwhitneyu` where there are no ties or n is large; a count
  /// of all arrangements in Python where there are ties, which scipy's exact method leaves out.
  static let cases: [Case] = [
    Case(
      testDescription: "benchstat gob, ties: p=0.446", x: [3069, 3075, 3069, 3067, 3207, 3064, 3064, 3058, 3059, 3062],
      y: [3075, 3065, 3059, 3065, 3060, 3081, 3186, 3135, 3087, 3062], u: 39.5, p: 0.4461018857303687),
    Case(
      testDescription: "benchstat json: p=0.000", x: [1726, 1723, 1707, 1707, 1713, 1729, 1736, 1707, 1705, 1774],
      y: [1423, 1416, 1411, 1413, 1412, 1426, 1422, 1424, 1447, 1425], u: 100, p: 1.082508822446903e-05),
    Case(
      testDescription: "benchstat issue19634: p=0.008", x: [115, 114, 115, 115, 115], y: [78.8, 78.8, 78.8, 78.8, 78.8],
      u: 25, p: 2.0 / 252),
    Case(testDescription: "scipy, separated", x: [2, 1, 3, 5], y: [12, 11, 13, 15], u: 0, p: 0.02857142857142857),
    Case(
      testDescription: "scipy, unequal sizes", x: [1.1, 2.3, 3.7, 0.2, 9.9, 5.5],
      y: [4.4, 6.1, 7.7, 8.8, 10.5, 3.1, 11.2], u: 8, p: 0.07342657342657342),
    Case(testDescription: "counted, ties", x: [1, 2, 3, 4, 5], y: [2, 3, 4, 4, 9, 10], u: 9, p: 0.3246753246753247),
    Case(testDescription: "counted, many ties", x: [1, 1, 1, 2], y: [1, 2, 2, 3, 3], u: 3.5, p: 0.20634920634920634),
    Case(
      testDescription: "scipy, 45 and 50, no ties", x: (0..<45).map { Double($0 * 37 % 101) },
      y: (0..<50).map { Double($0 * 53 % 97) + 8.5 }, u: 1017, p: 0.42473371563020057),
    Case(
      testDescription: "scipy, 60 and 40, ties: normal", x: (0..<60).map { Double($0 % 9) },
      y: (0..<40).map { Double($0 * $0 % 11) }, u: 1206.5, p: 0.9660855695847503, exact: false, tolerance: 1e-9),
    Case(
      testDescription: "scipy, 60 and 55: normal", x: (0..<60).map { Double($0 * 37 % 101) / 7 },
      y: (0..<55).map { Double($0 * 53 % 97) / 6.5 + 1 }, u: 1418, p: 0.19492164968275338, exact: false, tolerance: 1e-9),
  ]

  @Test("against benchstat's testdata, scipy and counted arrangements", arguments: cases)
  func oracle(_ oracle: Case) throws {
    let found = try #require(mannWhitneyU(oracle.x, oracle.y))
    #expect(found.u == oracle.u)
    #expect(abs(found.pValue - oracle.p) <= oracle.tolerance, "\(found.pValue)")
    #expect(found.exact == oracle.exact)
    let swapped = try #require(mannWhitneyU(oracle.y, oracle.x))
    #expect(swapped.u == Double(oracle.x.count * oracle.y.count) - oracle.u)
    #expect(abs(swapped.pValue - found.pValue) < 1e-12)
  }

  @Test("the limits of the exact distribution are benchstat's", arguments: [
    (50, false, true), (51, false, false), (25, true, true), (26, true, false),
  ])
  func limits(_ n: Int, _ tied: Bool, _ exact: Bool) throws {
    let x: [Double] = (0..<n).map { tied ? Double($0 / 2) : Double(2 * $0) }
    let y = x.map { $0 + 1 }
    #expect(try #require(mannWhitneyU(x, y)).exact == exact)
  }

  @Test("nothing to compare is refused: an empty side, nan, all values equal")
  func refused() {
    #expect(mannWhitneyU([], [1]) == nil)
    #expect(mannWhitneyU([1], []) == nil)
    #expect(mannWhitneyU([1, .nan], [1]) == nil)
    #expect(mannWhitneyU([2, 2], [2, 2, 2]) == nil)
  }
}
