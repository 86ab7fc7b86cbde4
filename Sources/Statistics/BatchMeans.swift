// Means of batches that are long enough to have forgotten each other: the mean of a long series with memory.

/// A mean with an interval that allows for memory of any length below a batch.
public struct BatchMeans: Hashable, Sendable {
  /// Samples in each batch, a power of two.
  public var length: Int
  /// Mean of each whole batch, in order of time; at least `fewest`. What is left over at the end is not used.
  public var means: [Double]
  /// Lag-1 autocorrelation of `means`, below the limit that was asked for.
  public var lagOne: Double
  /// Mean of the batches ± Student's t with one degree fewer than batches, widened by √((1 + limit)/(1 − limit)) where
  /// batches were needed: a lag-1 that is measured below the limit may truly lie at it.
  public var interval: Interval

  /// Mean of all samples used.
  public var mean: Double { sampleMean(means) }
}

/// Batch means by doubling (Law and Carson 1979; Schmeiser 1982): batches of 1, 2, 4, … samples until the
/// lag-1 autocorrelation of their means is below `limit`, with at least `fewest` batches left.
///
/// - Parameter samples: in order of time.
/// - Returns: nil when no length is long enough: the series is too short for its memory, and longer measuring
///   is the remedy. Also nil below `fewest` samples or when one is not finite.
public func batchMeans(
  _ samples: [Double], fewest: Int = 20, limit: Double = 0.1, confidence: Double = 0.95
) -> BatchMeans? {
  precondition(fewest >= 3 && limit > 0 && limit < 1, "three batches, a limit inside (0, 1)")
  guard samples.allSatisfy({ $0.isFinite }) else { return nil }
  var found: BatchMeans?
  doubledBatches(samples, fewest: fewest, from: 1) { length, means in
    let lagOne = lagOneAutocorrelation(means)
    guard lagOne < limit else { return true }
    if let plain = meanInterval(means, confidence: confidence) {
      let reach = plain.width / 2 * (length > 1 ? ((1 + limit) / (1 - limit)).squareRoot() : 1)
      let mean = sampleMean(means)
      found = BatchMeans(
        length: length, means: means, lagOne: lagOne,
        interval: Interval(low: mean - reach, high: mean + reach, confidence: confidence))
    }
    return false
  }
  return found
}

/// Calls `visit` with the means of batches of `from`, 2·`from`, … samples while it returns true and there are
/// at least `fewest` batches.
func doubledBatches(
  _ samples: [Double], fewest: Int, from: Int, visit: (_ length: Int, _ means: [Double]) -> Bool
) {
  var length = from
  while samples.count / length >= fewest {
    let means = (0..<samples.count / length).map { batch in
      samples[batch * length..<(batch + 1) * length].reduce(0, +) / Double(length)
    }
    guard visit(length, means) else { return }
    length *= 2
  }
}
