// The same for models of several places: caches near users, sites, stations.

import Statistics

extension SelfProof {
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

  /// Open and closed networks of queues.
  public static let stations = SelfProof("closed forms of networks of queues", trials: 500) { trials in
    let cases: [Case] = [
      ("two stations, open", ["rate": 40, "customers": 1_000], [:], ["mean", "p50", "p90"]),
      ("three stations with feedback", ["rate": 30, "feedback": 0.25, "s2_c": 2, "s3_service": 5e6, "customers": 1_000], [:], ["mean", "in_flight"]),
      ("12 users at two stations", ["users": 12, "customers": 800], [:], ["mean", "rate"]),
      ("40 users at stations of 2 and 3", ["users": 40, "s1_c": 2, "s2_c": 3, "feedback": 0.2, "customers": 800], [:], ["rate", "utilisation"]),
    ]
    return cases.flatMap { covered("network", $0.name, $0.numbers, $0.words, $0.metrics, trials) }
  }

  /// Sites around the world, each with its regions.
  public static let sites = SelfProof("closed forms of regions and sites", trials: 500) { trials in
    let size: [String: Double] = ["customers": 600, "write_share": 0.3, "n": 20]
    let cases: [Case] = [
      ("three sites, writes at home", size, ["write_to": "home"], ["mean", "p95", "write_mean", "stale_share"]),
      ("three sites, a majority", size.merging(["jitter": 30e6]) { $1 }, ["write_to": "quorum"], ["write_mean", "stale_share"]),
      ("two sites of three, local writes", size.merging(["lost": 2]) { $1 }, ["write_to": "local"], ["worst_region_mean", "utilisation", "stale_share"]),
    ]
    return cases.flatMap { covered("regions", $0.name, $0.numbers, $0.words, $0.metrics, trials) }
  }
}
