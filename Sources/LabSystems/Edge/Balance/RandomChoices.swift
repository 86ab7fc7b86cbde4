/// Every candidate with the same probability: no state to share, and queues as if each had a random stream of its own (M/M/1).
struct RandomChoice: Balancer {
  private var random: SeededRandom
  init(seed: UInt64) { random = SeededRandom(seed: seed, stream: "balance:random") }

  mutating func pick(_ candidates: [Candidate], key: UInt64) -> Int { candidates[Int(random.unit() * Double(candidates.count))].index }
}

/// Two different candidates at random, the less busy of them: an exponentially shorter longest queue for one look more
/// (Mitzenmacher 2001).
struct TwoChoices: Balancer {
  private var random: SeededRandom
  init(seed: UInt64) { random = SeededRandom(seed: seed, stream: "balance:p2c") }

  mutating func pick(_ candidates: [Candidate], key: UInt64) -> Int {
    guard candidates.count > 1 else { return candidates[0].index }
    let first = Int(random.unit() * Double(candidates.count))
    var second = Int(random.unit() * Double(candidates.count - 1))
    if second >= first { second += 1 }
    return (candidates[second].load < candidates[first].load ? candidates[second] : candidates[first]).index
  }
}

/// The least busy of all, over its weight; a tie is drawn, or the first would get all the traffic of a quiet edge.
struct LeastConnections: Balancer {
  private var random: SeededRandom
  init(seed: UInt64) { random = SeededRandom(seed: seed, stream: "balance:least_conn") }

  mutating func pick(_ candidates: [Candidate], key: UInt64) -> Int {
    var best = candidates[0]
    var ties = 1
    for candidate in candidates.dropFirst() {
      if candidate.load < best.load {
        (best, ties) = (candidate, 1)
      } else if candidate.load == best.load {
        ties += 1
        if random.unit() * Double(ties) < 1 { best = candidate }
      }
    }
    return best.index
  }
}

extension Candidate {
  /// With the attempt that would be added, so that an idle strong instance wins over an idle weak one.
  var load: Double { Double(inFlight + 1) / weight }
}
