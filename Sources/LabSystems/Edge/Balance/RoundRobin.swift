/// The candidate after the last one that was picked. Goes on by index, so that one that leaves and comes back disturbs nobody's turn.
struct RoundRobin: Balancer {
  private var last = -1

  mutating func pick(_ candidates: [Candidate], key: UInt64) -> Int {
    last = (candidates.first { $0.index > last } ?? candidates[0]).index
    return last
  }
}

/// Weights 5, 1, 1 give a a b a c a a and not a a a a a b c: each gains its weight every turn, the richest is picked and pays
/// the sum of all weights (the method of nginx's upstream module).
struct SmoothWeightedRoundRobin: Balancer {
  private var credit: [Int: Double] = [:]

  mutating func pick(_ candidates: [Candidate], key: UInt64) -> Int {
    var best = candidates[0].index
    var total = 0.0
    for candidate in candidates {
      credit[candidate.index, default: 0] += candidate.weight
      total += candidate.weight
      if credit[candidate.index]! > credit[best]! { best = candidate.index }
    }
    credit[best]! -= total
    return best
  }
}
