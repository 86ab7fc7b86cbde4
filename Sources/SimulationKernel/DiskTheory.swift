// Closed forms of disks: seeks, a closed queue, commits that share a flush. Times in one unit, rates in its inverse.

/// How long a head moves: `least` for the shortest way, then with the square root of the distance, so that the mean between two
/// places that are anywhere is `mean` (E√|U − V| = 8/15).
public struct SeekCurve: Hashable, Sendable {
  public var least: Double
  public var mean: Double
  public init(least: Double, mean: Double) { self.least = least; self.mean = mean }

  /// - Parameter distance: 0…1, of the whole way.
  public func time(_ distance: Double) -> Double { least + (mean - least) * (15.0 / 8) * distance.squareRoot() }
  /// Between independent places: E|U − V| = 1/3.
  public var variance: Double {
    let scale = (mean - least) * 15 / 8
    return scale * scale * (1.0 / 3 - 64.0 / 225)
  }
}

/// N customers who think (exponential, mean Z) and are served by c servers (exponential, mean S) in turn: M/M/c//N, the machine repair
/// model, exact from its birth and death rates.
///
/// - Returns: what all get done, and the time from thought to answer; their product and Z make N (Little's law).
public func machineRepair(customers: Int, think: Double, servers: Int, service: Double) -> (throughput: Double, response: Double) {
  precondition(customers > 0 && servers > 0 && think > 0 && service > 0)
  var (weight, total, inside, busy) = (1.0, 1.0, 0.0, 0.0)
  for n in 1...customers {
    weight *= Double(customers - n + 1) / think * service / Double(min(n, servers))
    total += weight
    inside += Double(n) * weight
    busy += Double(min(n, servers)) * weight
    if total > 1e200 { (weight, total, inside, busy) = (weight * 1e-200, total * 1e-200, inside * 1e-200, busy * 1e-200) }
  }
  let throughput = busy / total / service
  return (throughput, inside / total / throughput)
}

/// Poisson commits at `rate`; whoever waits when a flush begins shares it, and a flush of b takes `flush` + b·`each`. The sizes of
/// successive flushes are a Markov chain, max(1, Poisson(rate·(flush + b·each))), solved by iteration; a commit waits half of the flush
/// that it finds, in the mean, and then for its own.
///
/// - Returns: commits of a flush, and time of a commit; nil where the chain has more than 600 states that count, or no steady state.
public func groupCommit(rate: Double, flush: Double, each: Double) -> (commitsPerFlush: Double, response: Double)? {
  guard rate > 0, rate * each < 1 else { return nil }
  let centre = max(1, rate * flush / (1 - rate * each))
  let count = Int(centre + 12 * (centre / (1 - rate * each)).squareRoot()) + 20
  guard count <= 600 else { return nil }
  func length(_ b: Int) -> Double { flush + Double(b) * each }
  // Row b: how many come during a flush of b; what is beyond the last state counts as the last.
  let rows = (1...count).map { b in
    let mean = rate * length(b)
    var (row, term, sum) = ([Double](repeating: 0, count: count + 1), Portable.exp(-mean), 0.0)
    for k in 0..<count {
      row[k] = term
      sum += term
      term *= mean / Double(k + 1)
    }
    row[count] = max(0, 1 - sum)
    return row
  }
  var share = [Double](repeating: 1 / Double(count), count: count + 1)
  share[0] = 0
  for _ in 0..<20_000 {
    var next = [Double](repeating: 0, count: count + 1)
    for b in 1...count where share[b] > 1e-18 {
      for k in 0...count { next[max(1, k)] += share[b] * rows[b - 1][k] }
    }
    let moved = zip(share, next).reduce(0) { $0 + abs($1.0 - $1.1) }
    share = next
    if moved < 1e-13 { break }
  }
  var (commits, time) = (0.0, 0.0)
  for b in 1...count {
    // Who comes to an idle disk begins a flush alone.
    commits += share[b] * (rate * length(b) + rows[b - 1][0])
    time += share[b] * (rate * length(b) * length(b) / 2 + rows[b - 1][0] * length(1))
    for k in 1...count { time += share[b] * rows[b - 1][k] * Double(k) * length(k) }
  }
  let size = (1...count).reduce(0) { $0 + Double($1) * share[$1] }
  return (size, time / commits)
}
