import ExperimentModel
import Foundation
import Testing

@testable import LabSystems

/// A `cpu` stage costs processor time in proportion to its work: the thread's own clock, not the wall's, against what the
/// work counts. Of each size the cheapest of several runs, since whatever disturbs only adds.
@Suite(.serialized) struct CPUScalingTests {
  @Test(arguments: CPUWork.allCases)
  func processorTimeIsProportionalToWork(work: CPUWork) {
    let sizes = Self.sizes(work).map { Computation(CPUSpec(work: work, units: $0), seed: 7, stream: "cpu:scaling") }
    var best = [Double](repeating: .infinity, count: sizes.count)
    let operations = sizes.map { Double($0.run().operations) }
    var found = 0.0
    for _ in 0..<80 {
      for (i, computation) in sizes.enumerated() {
        let start = ThreadClock.processorTime()
        let outcome = computation.run()
        best[i] = min(best[i], Double(ThreadClock.processorTime() - start))
        #expect(Double(outcome.operations) == operations[i])
      }
      found = determination(operations, best)
      if found >= 0.99 { break }
    }
    #expect(found >= 0.99, "\(work): R² \(found) of \(best) over \(operations)")
  }

  /// Five sizes up to about five milliseconds without optimisation. A hash table doubles its room at three quarters of a
  /// power of two, so its sizes are powers of two.
  private static func sizes(_ work: CPUWork) -> [Int] {
    switch work {
    case .sha256: [1, 2, 3, 4, 5].map { $0 * 2 }
    case .sort: [1, 2, 3, 4, 5].map { $0 * 400 }
    case .json: [1, 2, 3, 4, 5].map { $0 * 10 }
    case .dedupeQuadratic: [1, 2, 3, 4, 5].map { $0 * 60 }
    case .dedupeHash: [256, 512, 1_024, 2_048, 4_096]
    case .spin: [1, 2, 3, 4, 5].map { $0 * 4 }
    }
  }

  /// R² of the straight line of least squares.
  private func determination(_ x: [Double], _ y: [Double]) -> Double {
    let n = Double(x.count)
    let (mx, my) = (x.reduce(0, +) / n, y.reduce(0, +) / n)
    var (xy, xx, yy) = (0.0, 0.0, 0.0)
    for (a, b) in zip(x, y) {
      xy += (a - mx) * (b - my)
      xx += (a - mx) * (a - mx)
      yy += (b - my) * (b - my)
    }
    return xy * xy / (xx * yy)
  }
}
