// Models of traffic: who is asked, who gives up, who shares an accelerator.

extension SimModel {
  static let balancer = SimModel(
    name: "balancer", title: "one dispatcher before N servers, some of them slow: which policy keeps which queue",
    parameters: [
      SimParameter("servers", .whole(1...10_000), "4", "each with a FIFO queue"),
      SimParameter("policy", .word(["random", "rr", "wrr", "p2c", "least_conn", "hash", "bounded_hash"]), "p2c", "who is asked"),
    ] + law("service", mean: "10ms", "service time of a healthy server") + [
      SimParameter("slow", .whole(0...10_000), "0", "servers that are slow"),
      SimParameter("slow_factor", .number(1...1_000), "3", "how many times longer they take"),
      SimParameter("rho", .number(0...1e6), nil, "load of all servers together; without `rate` 0.8"),
      SimParameter("rate", .rate, nil, "arrivals, instead of `rho`"),
      customers,
      SimParameter("horizon", .time, nil, "simulated time instead of `customers`, from the empty system: for overload"),
      SimParameter("keys", .whole(1...1_000_000), "10000", "of `hash` and `bounded_hash`"),
      SimParameter("s", .number(0...5), "0.9", "Zipf exponent of the keys"),
      SimParameter("bound", .number(1...100), "1.25", "of `bounded_hash`: most customers of a server over the mean"),
    ],
    columns: ["mean", "p50", "p99", "imbalance", "queue_peak"], others: ["p90", "p95", "p999"], metric: "p99",
    closedForm: "random: N times M/M/1; rr: E_N/M/1; p2c from 50 servers on: Σ ρ^(2^i − 2); exponential services and equal servers",
    event: "an arrival or a departure")

  static let storm = SimModel(
    name: "storm", title: "clients that time out and retry, before a server that stalls: does it recover",
    parameters: [SimParameter("rate", .rate, "50rps", "requests, without their retries")] + law("service", mean: "10ms", "service time") + [
      SimParameter("workers", .whole(1...100_000), "1", "of the server"),
      SimParameter("timeout", .time, "150ms", "after which a client no longer waits for an attempt"),
      SimParameter("retries", .whole(0...100), "3", "attempts after the first"),
      SimParameter("budget", .share, nil, "retries for each request that all clients together allow themselves, with a burst of 10"),
      SimParameter("backoff", .time, "0s", "longest pause before the first retry, then doubled, with full jitter"),
      SimParameter("shed", .time, nil, "the server turns away while its oldest waiting attempt is older than this"),
      SimParameter("stall_at", .time, "2s", "when the server stops beginning new work"),
      SimParameter("stall", .time, "1500ms", "for how long"),
      SimParameter("horizon", .time, "9s", "simulated time"),
      SimParameter("window", .time, "2s", "last stretch, which the metrics are of"),
    ],
    columns: ["good_per_first_attempt", "goodput", "amplification", "recovered", "queue_peak"], others: [], metric: "good_per_first_attempt",
    closedForm: "λ(1 + retries) > μ sustains the overload: nothing is good; without retries and stall M/M/1’s P(T ≤ timeout)",
    event: "an arrival, an end, a time-out")

  static let batcher = SimModel(
    name: "batcher", title: "requests of different length in the slots of an accelerator: static or continuous batches",
    parameters: [
      SimParameter("scheduler", .word(["static", "continuous"]), "continuous", "static: a batch ends with its longest; continuous: an end makes room at once"),
      SimParameter("slots", .whole(1...10_000), "8", "requests at one time"),
      SimParameter("tokens", .number(0.001...1e9), "20", "mean length of an answer"),
    ] + law("tokens", mean: nil, "length of an answer") + [
      SimParameter("step", .time, "15ms", "in which each slot makes a token"),
      SimParameter("rate", .rate, nil, "requests; without it somebody always waits"),
      customers,
    ],
    columns: ["tokens_per_second", "utilisation", "mean", "p95"], others: ["p50", "p90", "p99", "p999"], metric: "tokens_per_second",
    closedForm: "saturated: slots/step, over H_slots where static (exponential lengths); with a rate and continuous: M/M/c", event: "an arrival or an end")
}
