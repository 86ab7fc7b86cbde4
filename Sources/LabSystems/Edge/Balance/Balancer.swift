import ExperimentModel

/// An instance that may be asked now.
struct Candidate: Equatable {
  /// From 0, the same as long as the edge lives.
  var index: Int
  /// Above 0.
  var weight: Double
  /// Attempts under way at this instance, of this edge.
  var inFlight: Int
}

/// Which instance gets the next attempt. A value without clock, sockets or health: the edge says who is in service.
protocol Balancer {
  /// - Parameters:
  ///   - candidates: never empty, in order of their index.
  ///   - key: a hash of what keeps requests together; only the hashing policies look at it.
  /// - Returns: the `index` of one of the candidates.
  mutating func pick(_ candidates: [Candidate], key: UInt64) -> Int
}

func makeBalancer(_ spec: EdgeSpec, seed: UInt64) -> any Balancer {
  switch spec.balance {
  case .roundRobin: RoundRobin()
  case .weightedRoundRobin: SmoothWeightedRoundRobin()
  case .random: RandomChoice(seed: seed)
  case .twoChoices: TwoChoices(seed: seed)
  case .leastConnections: LeastConnections(seed: seed)
  case .hash: RendezvousHash()
  case .boundedHash: BoundedLoadHash(bound: spec.bound)
  }
}
