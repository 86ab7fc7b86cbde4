// Models of devices and services that are rented: a lossy path, a disk, functions, a limiter, a long job.

extension SimModel {
  static let devices: [SimModel] = [.link, .disk, .serverless, .limiter, .checkpoint]

  static let link = SimModel(
    name: "link", title: "objects over a lossy path: TCP, which keeps one order for all of them, or QUIC, where a loss stops only its own object",
    parameters: [
      SimParameter("transport", .word(["tcp", "quic"]), "tcp", "both send and repeat alike; they differ in the handshake, and in who waits for what was lost"),
      SimParameter("connections", .whole(1...256), "1", "the objects are dealt out to"),
      SimParameter("congestion", .word(["reno", "cubic"]), "reno", "how the window grows after a loss"),
      SimParameter("rtt", .time, "50ms", "there and back, without waiting"),
      SimParameter("bandwidth", .size, "6MiB", "bytes a second of the narrowest link; headers are not counted"),
      SimParameter("buffer", .size, nil, "most bytes that wait before that link; what comes then is lost. Without it there is room for all"),
      SimParameter("loss", .share, "0", "of the packets, after that link; acknowledgements and the handshake lose nothing"),
      SimParameter("losses", .word(["random", "periodic"]), "random", "each packet alone, or every 1/loss-th"),
      SimParameter("mss", .size, "1460B", "bytes of a packet"),
      SimParameter("initial_window", .whole(1...1_000), "10", "packets"),
      SimParameter("objects", .whole(1...10_000), "30", "of a page, all of one size"),
      SimParameter("size", .size, "14600B", "of an object"),
      SimParameter("order", .word(["fair", "turn", "request"]), "fair", "packets of all in turn; object after object; each asked for after the one before"),
      SimParameter("rate", .rate, nil, "objects asked for one by one on open connections, instead of all at once; timed from their request"),
      SimParameter("handshake", .whole(0...10), nil, "round trips before the first request; without it 2 for tcp (with TLS 1.3), 1 for quic; 0: 0-RTT"),
      SimParameter("rto_least", .time, "200ms", "shortest time after which a sender that hears nothing repeats"),
      SimParameter("pages", .whole(1...1_000_000), "100", "of each replication, each on new connections"),
    ],
    columns: ["mean", "p50", "p95", "page_time", "transfer_rate", "retransmitted_share"], others: ["p90", "p99", "p999"], metric: "p95",
    closedForm: "without losses (slow start’s rounds) and for one packet exact; one long transfer by reno: Mathis, C = 1.22 for periodic "
      + "losses, 1.31 for random ones (within 10 % where 2 ‱ to 0.3 %, or 1 %, are lost and the path is not full)",
    event: "an acknowledgement, a time-out")

  static let disk = SimModel(
    name: "disk", title: "operations on a disk with a head, or with channels: what depth, order of service and shared flushes buy",
    parameters: [
      SimParameter("device", .word(["hdd", "ssd"]), "hdd", "one head over a turning disk, or channels that work at one time"),
      SimParameter("pattern", .word(["random", "sequential"]), "random", "anywhere, or where the head already is"),
      SimParameter("block", .size, "4KiB", "of an operation"),
      SimParameter("depth", .whole(1...65_536), "1", "operations that are always there, where no `rate` is given"),
      SimParameter("think", .time, "0s", "mean pause before the next one of these, exponential"),
      SimParameter("rate", .rate, nil, "Poisson arrivals, instead of `depth`"),
      SimParameter("scheduler", .word(["fifo", "shortest", "elevator"]), "fifo", "of an hdd: by arrival, the nearest, the next in one direction (C-LOOK)"),
      SimParameter("seek", .time, "8ms", "mean way of the head between two places; it grows with the root of the distance"),
      SimParameter("settle", .time, "1ms", "shortest way of the head"),
      SimParameter("rpm", .number(1...100_000), "7200", "turns of the disk in a minute"),
      SimParameter("channels", .whole(1...1_024), "8", "of an ssd"),
    ] + law("service", mean: "80us", "an ssd’s operation in one channel", dist: "constant") + [
      SimParameter("bandwidth", .size, nil, "bytes a second of one transfer; without it 200 MiB for an hdd, and for an ssd `service` holds it"),
      SimParameter("commit", .word(["none", "each", "group"]), "none", "no flushes; one for each operation; one for all that wait when it begins"),
      SimParameter("flush", .time, "5ms", "of a commit, beside its operations"),
      customers,
      SimParameter("horizon", .time, nil, "simulated time instead of `customers`, from the empty disk: for overload"),
    ],
    columns: ["iops", "mean", "p99", "utilisation"], others: ["p50", "p90", "p95", "p999", "in_flight", "commits_per_flush"], metric: "iops",
    closedForm: "closed: min(depth, channels)/S and Little’s law, with pauses M/M/c//N, shared flushes depth/(2·flush + depth·S); open: M/M/c, "
      + "Pollaczek–Khinchine, the Markov chain of the flushes’ sizes, else Kingman’s approximation; none where the way depends on who waits",
    event: "an arrival, an end")

  static let serverless = SimModel(
    name: "serverless", title: "functions: an instance for each request that finds none idle, kept for a while, paid by the millisecond",
    parameters: [SimParameter("rate", .rate, "20rps", "Poisson arrivals")] + law("service", mean: "120ms", "service time") + [
      SimParameter("cold", .time, "800ms", "start of an instance, which its first request waits for"),
      SimParameter("cold.billed", .share, "1", "of the start that is paid for"),
      SimParameter("keep_alive", .time, "10min", "for which an idle instance is kept; the one that was used last is used first"),
      SimParameter("limit", .whole(1...1_000_000), nil, "instances at work at one time; who comes then is turned away"),
      SimParameter("memory", .size, "512MiB", "of an instance"),
      SimParameter("price.gb_second", .number(0...1), "0.0000166667", "USD for a second of 1 GiB at work, by whole milliseconds"),
      SimParameter("price.request", .number(0...1), "0.0000002", "USD for a request"),
      SimParameter("instance.price", .number(0...1_000), "0.0816", "USD for an hour of an instance that is always on, to compare with"),
      SimParameter("instance.slots", .whole(1...10_000), "2", "requests that it serves at one time"),
      SimParameter("instance.utilisation", .number(0.01...1), "0.6", "that it is planned for; as many are on as that takes, at least one"),
      customers,
    ],
    columns: ["cold_share", "mean", "p99", "instances", "shed_share", "per_million", "cost_index"],
    others: ["p50", "p90", "p95", "p999", "in_flight", "rate"], metric: "cold_share",
    closedForm: "limit 1: exp(−λ·keep_alive) starts and M/G/1/1; starts that take no time: Erlang B or M/G/∞, and with exponential services the share "
      + "of starts from passage times; none for others",
    event: "an arrival, an end")

  static let limiter = SimModel(
    name: "limiter", title: "a token bucket before Poisson arrivals or bursts: what it drops, or how long it lets wait",
    parameters: [
      SimParameter("mode", .word(["drop", "shape"]), "drop", "what finds no token is turned away, or waits for one"),
      SimParameter("refill", .rate, "100rps", "tokens a second; a request takes one"),
      SimParameter("burst", .whole(1...10_000), "20", "most tokens in the bucket, which is full at first"),
      SimParameter("rate", .rate, "80rps", "arrivals, in the mean"),
      SimParameter("arrivals", .word(["poisson", "onoff"]), "poisson", "always at that rate, or in bursts: Poisson while on, none while off"),
      SimParameter("on", .time, "1s", "mean length of a burst of `onoff`, exponential"),
      SimParameter("off", .time, "4s", "mean pause between two of them, exponential"),
      customers,
      SimParameter("horizon", .time, nil, "simulated time instead of `customers`, from the full bucket: for overload"),
    ],
    columns: ["rate", "shed_share", "burst_peak", "mean", "p99"], others: ["p50", "p90", "p95", "p999", "waiting_share"], metric: "shed_share",
    closedForm: "Poisson arrivals: dropping a bounded M/D/1, shaping M/D/1 seen burst − 1 services early, both exact; in every run: let through ≤ "
      + "burst + refill × time in any stretch of time",
    event: "an arrival")

  static let checkpoint = SimModel(
    name: "checkpoint", title: "a long job on instances that fail or are taken back: how often to save it",
    parameters: [SimParameter("work", .time, "24h", "of the job, without anything else")]
      + law("failures", mean: "5h", "time from one failure of the job’s instances to the next") + [
        SimParameter("interval", .time, "30min", "work between two checkpoints; the last stretch ends with one too"),
        SimParameter("checkpoint", .time, "1min", "that saving takes"),
        SimParameter("restart", .time, "2min", "after a failure, until work goes on from the last checkpoint; it may fail too"),
        SimParameter("price", .share, "0.36", "of the instances, over that on demand, which never fail"),
        SimParameter("jobs", .whole(1...60_000), "200", "of each replication"),
      ],
    columns: ["completion", "lost_share", "reclaims", "cost_index", "young_interval", "daly_interval", "best_interval"],
    others: ["p50", "p90", "p95", "p99", "p999"], metric: "completion",
    closedForm: "Poisson failures: e^(λR)(e^(λ(τ + C)) − 1)/λ for each stretch, exact; least time near Young’s √(2C/λ) and Daly’s interval",
    event: "an attempt at a stretch of work")
}
