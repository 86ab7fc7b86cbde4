// Models of several places: caches near users, sites around the world, stations one after another.

extension SimModel {
  static let cdn = SimModel(
    name: "cdn", title: "caches near users (POPs), with or without a shield before the origin: what still reaches it, and how old answers are",
    parameters: [
      SimParameter("n", .whole(1...10_000_000), "20000", "keys"),
      SimParameter("s", .number(0...10), "0.9", "Zipf exponent"),
      SimParameter("pops", .whole(1...1_000), "50", "that share the requests, all alike"),
      SimParameter("rate", .rate, "500rps", "requests of all POPs together"),
      SimParameter("policy", .word(edgePolicies), "ttl", "which entry of a POP gives way; `ttl`: room for all keys"),
      SimParameter("capacity", .whole(0...10_000_000), "1000", "entries of a POP; not of `ttl`"),
      SimParameter("ttl", .time, nil, "for which an answer of the origin is fresh, in every cache on its way; without it 60 s under `ttl`, else for ever"),
      SimParameter("shield.policy", .word(["none"] + edgePolicies), "none", "the same of one cache between all POPs and the origin"),
      SimParameter("shield.capacity", .whole(0...10_000_000), "5000", "its entries; not of `ttl`"),
      SimParameter("purge.rate", .rate, nil, "changes of a key at the origin, each of which purges it from all caches; without it none"),
      SimParameter("purge.by", .word(["popularity", "uniform"]), "popularity", "which keys change: those that are asked for, or each alike"),
      SimParameter("purge.delay", .time, "1s", "from the change until the caches have dropped the key"),
      SimParameter("latency.pop", .time, "5ms", "to the first byte of a hit"),
      SimParameter("latency.shield", .time, "20ms", "more, when the POP asks the shield"),
      SimParameter("latency.origin", .time, "80ms", "more, when the origin is asked"),
      SimParameter("requests", .whole(1...100_000_000), "100000", "counted in one replication"),
    ],
    columns: ["hit_ratio", "origin_share", "origin_rps", "ttfb"], others: ["shield_hit_ratio", "stale_share", "lfu_bound"], metric: "hit_ratio",
    closedForm: "`ttl` exactly: λT/(1 + λT) of each key at each POP, with purges and a `ttl` shield too; Che (lru, fifo without `ttl`), "
      + "for a shield approximately, on the POPs’ misses; Σ of the most popular keys bounds every policy",
    event: "a request, a change or a purge")

  private static let edgePolicies = ["ttl"] + CachePolicy.allCases.map(\.rawValue)

  static let regions = SimModel(
    name: "regions", title: "six user regions and up to three sites around the world: where requests go, what writes wait for, and what is stale",
    parameters: [
      SimParameter("sites", .whole(1...3), "3", "the first so many of these"),
      SimParameter("site1", .word(City.sites.map(\.name)), "virginia", "where the first is, which is home"),
      SimParameter("site2", .word(City.sites.map(\.name)), "singapore", "where the second is"),
      SimParameter("site3", .word(City.sites.map(\.name)), "frankfurt", "where the third is"),
      SimParameter(
        "policy", .word(["geo", "latency", "least_load"]), "geo", "the nearest site; the one that answered soonest; the one with fewest requests, under way or inside"),
      SimParameter("rate", .rate, "100rps", "requests of all regions"),
    ] + City.regions.map { SimParameter("share.\($0.city.name)", .number(0...1e6), $0.share, "demand there, over the sum of all six") }
      + [SimParameter("servers", .whole(1...100_000), "4", "of each site")]
      + law("service", mean: "20ms", "service time of a server") + [
        SimParameter("path_factor", .number(1...10), "1.5", "round trips over twice the great circle at 0.67 of the speed of light"),
        SimParameter("jitter", .time, "5ms", "mean of what each round trip takes longer than that, exponential"),
        SimParameter("degraded", .whole(0...3), "0", "number of a site whose services take longer; 0: none"),
        SimParameter("degraded.factor", .number(1...1_000), "3", "how many times longer"),
        SimParameter("lost", .whole(0...3), "0", "number of a site that is down; 0: none"),
        SimParameter("probe", .share, "0.05", "of `latency`: requests that try any site"),
        SimParameter("ewma", .number(0.001...1), "0.1", "of `latency`: weight of the newest answer in the mean of a region and site"),
        SimParameter("write.share", .share, "0.1", "of the requests; means and quantiles are of the reads, but for those of writes"),
        SimParameter("write.to", .word(["home", "quorum", "local"]), "home", "one site; the nearest and a majority of all; the nearest alone"),
        SimParameter("lag", .time, "100ms", "of `home` and `local`: until a write is at another site, besides the way there"),
        SimParameter("n", .whole(1...1_000_000), "1000", "keys that are read and written"),
        SimParameter("s", .number(0...10), "0.9", "their Zipf exponent"),
        customers,
        SimParameter("horizon", .time, nil, "simulated time instead of `customers`, from empty sites, without a warm-up: for overload and transients"),
      ],
    columns: ["mean", "p50", "p95", "p99", "utilisation", "write_p95", "stale_share"], others: ["p90", "p999", "write_mean", "worst_region_mean"],
    metric: "p95",
    closedForm: "geo and exponential services: round trip, jitter and M/M/c of each region and site, mixed; a majority by order statistics; "
      + "Σ (1 − e^(−wD)) for writes that are D away",
    event: "a request, its arrival at a site, an end of a service, an answer")

  static let network = SimModel(
    name: "network", title: "up to four stations one after another, open or closed: which of them is the bottleneck, and what the others add",
    parameters: [
      SimParameter("rate", .rate, nil, "of an open network: customers from outside; 50rps without `rate` and `users`"),
      SimParameter("users", .whole(1...10_000), nil, "of a closed one: each sends the next request when the last was answered, and has thought"),
    ] + law("think", mean: "100ms", "of a closed one: time between answer and next request") + [
      SimParameter("feedback", .share, "0", "who has passed the last station and begins at the first again"),
    ] + station("s1", "5ms") + station("s2", "10ms") + station("s3", nil) + station("s4", nil) + [
      customers,
      SimParameter("horizon", .time, nil, "simulated time instead of `customers`, from the empty network, without a warm-up: for overload and transients"),
    ],
    columns: ["mean", "p50", "p95", "p99", "rate", "utilisation", "in_flight"], others: ["p90", "p999", "rate_bound"], metric: "mean",
    closedForm: "exponential services: open Jackson’s product form, without feedback and with one server inside also its quantiles; closed exactly, by "
      + "convolution (any law of thinking). Every network: X ≤ min(N/(D + Z), c/D)",
    event: "an arrival, or the end of a service or of a thought")

  private static func station(_ name: String, _ mean: String?) -> [SimParameter] {
    [
      SimParameter("\(name).c", .whole(1...100_000), "1", "servers of the station \(name)"),
      SimParameter("\(name).service", .time, mean, "service time there: mean" + (name == "s1" ? "" : "; without it, or with 0s, there is no such station")),
    ] + law("\(name).service", mean: nil, "service time there")
  }
}
