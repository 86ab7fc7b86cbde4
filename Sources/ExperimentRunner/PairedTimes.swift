// Two readings of the same requests, such as measured and predicted times: how far one lies above the other, without the
// luck of the arrivals that both share.

import ExperimentModel
import Statistics

/// Pairs of times, in order of arrival, cut into blocks long enough that what a block has in common with the next hardly counts.
struct PairedTimes: Sendable {
  static let blocks = 32
  private static let resamples = 999
  private let tops: [[Int64]]
  private let bottoms: [[Int64]]

  /// - Parameter runs: of each run both readings, of equal length. Blocks never reach over the end of a run.
  /// - Returns: nil: readings are missing, or there are fewer than 20 pairs a block.
  init?(_ runs: [(top: [Int64], bottom: [Int64])]) {
    let all = runs.reduce(0) { $0 + $1.bottom.count }
    guard all >= 20 * Self.blocks, runs.allSatisfy({ $0.top.count == $0.bottom.count && !$0.top.isEmpty }) else { return nil }
    var tops: [[Int64]] = []
    var bottoms: [[Int64]] = []
    for run in runs {
      let n = run.top.count
      let here = max(1, Int((Double(Self.blocks * n) / Double(all)).rounded()))
      for i in 0..<here {
        let range = i * n / here..<(i + 1) * n / here
        tops.append(Array(run.top[range]))
        bottoms.append(Array(run.bottom[range]))
      }
    }
    self.tops = tops
    self.bottoms = bottoms
  }

  /// Σ tops / Σ bottoms with its 95 % interval; see `ratioEstimate`.
  func meanRatio() -> Estimate? {
    func sums(_ blocks: [[Int64]]) -> [Double] { blocks.map { $0.reduce(0) { $0 + Double($1) } } }
    return ratioEstimate(sums(tops), sums(bottoms))
  }

  /// Quantile `q` of the tops over that of the bottoms, with a 95 % percentile interval from 999 seeded resamples of whole blocks
  /// (Künsch's bootstrap with blocks side by side): both readings of a block are drawn together.
  func quantileRatio(_ q: Double, seed: UInt64 = 1) -> Estimate? {
    let above = (RankedBlocks(tops), RankedBlocks(bottoms))
    func ratio(_ weights: [Int]) -> Double? {
      guard let top = above.0.quantile(q, weights), let bottom = above.1.quantile(q, weights), bottom > 0 else { return nil }
      return Double(top) / Double(bottom)
    }
    guard let value = ratio(tops.map { _ in 1 }) else { return nil }
    let count = tops.count
    let interval = bootstrapOverPairs(pairs: count, seed: seed, resamples: Self.resamples) { indices in
      var weights = [Int](repeating: 0, count: count)
      for index in indices { weights[index] += 1 }
      return ratio(weights)
    }
    return Estimate(value, low: interval?.low, high: interval?.high)
  }
}

/// The values of several blocks in descending order, each with its block: a quantile of any mixture of the blocks is a walk from the top.
private struct RankedBlocks {
  private let values: [(time: Int64, block: Int)]
  private let sizes: [Int]

  init(_ blocks: [[Int64]]) {
    sizes = blocks.map(\.count)
    values = blocks.enumerated().flatMap { block, times in times.map { ($0, block) } }.sorted { ($0.time, $0.block) > ($1.time, $1.block) }
  }

  /// The value that a share q of the mixture does not exceed.
  func quantile(_ q: Double, _ weights: [Int]) -> Int64? {
    let count = zip(sizes, weights).reduce(0) { $0 + $1.0 * $1.1 }
    // From the top: all but the first ⌈q·n⌉.
    var left = count - max(1, Int((q * Double(count)).rounded(.up)))
    for value in values {
      left -= weights[value.block]
      if left < 0 { return value.time }
    }
    return nil
  }
}
