// The same for models of several places: caches near users, sites, stations.

import Statistics

extension SelfProof {
  private typealias Case = (name: String, numbers: [String: Double], words: [String: String], metrics: [String])

  /// Freshness in the caches of a CDN, with and without a shield and purges.
  public static let caches = SelfProof("closed forms of caches near users", trials: 500) { trials in
    let small: [String: Double] = ["n": 100, "pops": 5, "rate": 20, "ttl": 20e9, "requests": 300]
    let changing = small.merging(["purge_rate": 1, "purge_delay": 5e9, "requests": 1_000]) { $1 }
    let cases: [Case] = [
      ("a TTL at 5 POPs", small, [:], ["hit_ratio", "origin_rps", "ttfb"]),
      ("a TTL and purges", changing, [:], ["hit_ratio", "stale_share"]),
      ("a TTL and late purges of any key", changing.merging(["purge_delay": 30e9]) { $1 }, ["purge_by": "uniform"], ["stale_share"]),
      ("a TTL at POPs and shield", small, ["shield_policy": "ttl"], ["hit_ratio", "origin_share"]),
      ("a TTL at POPs and shield, and purges", changing, ["shield_policy": "ttl"], ["hit_ratio", "origin_share", "stale_share"]),
    ]
    return cases.flatMap { covered("cdn", $0.name, $0.numbers, $0.words, $0.metrics, trials) }
  }
}
