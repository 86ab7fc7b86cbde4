// How much of the start of a simulated series to cut.

/// MSER-5 (White 1997; White, Cobb and Spratt 2000): batches of five; the cut that minimises the
/// squared standard error of what is left. Looks at the first half only: a later minimum means that
/// no steady state was reached.
///
/// - Returns: the number of samples to drop; nil when the series is shorter than 50 or not steady.
public func warmUpMSER5(_ samples: [Double]) -> Int? {
  let batches = (0..<samples.count / 5).map { sampleMean(Array(samples[$0 * 5..<$0 * 5 + 5])) }
  guard batches.count >= 10 else { return nil }
  // Sums from the end give every cut's mean and squares in one pass.
  var sum = 0.0
  var squares = 0.0
  var best = (cut: 0, error: Double.infinity)
  for cut in batches.indices.reversed() {
    sum += batches[cut]
    squares += batches[cut] * batches[cut]
    let left = Double(batches.count - cut)
    guard left >= 5 else { continue }
    let error = max(0, squares - sum * sum / left) / (left * left)
    if error <= best.error { best = (cut, error) }
  }
  return best.cut <= batches.count / 2 ? best.cut * 5 : nil
}
