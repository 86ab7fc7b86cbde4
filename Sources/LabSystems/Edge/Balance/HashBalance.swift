#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Consistent hashing by the highest random weight (Thaler and Ravishankar 1998): each candidate draws a number from the key, the
/// largest wins. When one leaves, only its own keys move, about 1/n of all; no ring has to be kept, and n is small here.
struct RendezvousHash: Balancer {
  func pick(_ candidates: [Candidate], key: UInt64) -> Int {
    candidates.max { Self.score(key, $0) < Self.score(key, $1) }!.index
  }

  /// −w / ln u: an exponential race, in which each wins in proportion to its weight.
  static func score(_ key: UInt64, _ candidate: Candidate) -> Double {
    let drawn = mix64(key ^ mix64(UInt64(candidate.index) &+ 0x9E37_79B9_7F4A_7C15))
    let unit = (Double(drawn >> 11) + 0.5) * 0x1p-53
    return -candidate.weight / log(unit)
  }
}

/// Consistent hashing with bounded loads (Mirrokni, Thorup and Zadimoghaddam 2018): the key's first choice that has room. Nobody
/// has more than ⌈bound × mean⌉ under way, the mean over all candidates with the new attempt counted.
struct BoundedLoadHash: Balancer {
  /// 1 + ε.
  let bound: Double

  func pick(_ candidates: [Candidate], key: UInt64) -> Int {
    let total = candidates.reduce(1) { $0 + $1.inFlight }
    let room = (bound * Double(total) / Double(candidates.count)).rounded(.up)
    // Someone has room: not all can be at or above a bound over their own mean.
    let open = candidates.filter { Double($0.inFlight + 1) <= room }
    return (open.isEmpty ? candidates : open).max { RendezvousHash.score(key, $0) < RendezvousHash.score(key, $1) }!.index
  }
}
