// The one closed table of metrics: name, unit, which direction is better, evidence class.
// PerfLanguage validates against it, Reporting formats by it, the reference page is printed from it.

/// Which direction of a metric is an improvement.
public enum Better: String, Codable, Sendable { case lower, higher, none }

/// What kind of evidence a number is; see `Evidence.meaning`.
public enum Evidence: String, Codable, Sendable, CaseIterable {
  case real = "R", declaredWait = "W", replay = "P", simulated = "S", computed = "C"

  public var meaning: String {
    switch self {
    case .real: "real work by a real process on this machine"
    case .declaredWait: "real sockets, queues and SQL; a remote party's latency is a declared timer"
    case .replay: "computed on data recorded by a real block of the same run"
    case .simulated: "discrete-event simulation, seeded, checked against a closed form"
    case .computed: "a formula on listed inputs"
    }
  }
}

/// One row of the metric table.
public struct Metric: Hashable, Sendable {
  public let name: String
  public let unit: MetricUnit
  public let better: Better
  public let meaning: String

  /// The definition of `name`, or nil when there is no such metric.
  public static func named(_ name: String) -> Metric? { byName[name] }

  public static let all: [Metric] = [
    .init("mean", .nanoseconds, .lower, "mean response time, from the intended send"),
    .init("p50", .nanoseconds, .lower, "median response time, from the intended send"),
    .init("p90", .nanoseconds, .lower, "90th percentile of response time"),
    .init("p95", .nanoseconds, .lower, "95th percentile of response time"),
    .init("p99", .nanoseconds, .lower, "99th percentile of response time"),
    .init("p999", .nanoseconds, .lower, "99.9th percentile of response time"),
    .init("max", .nanoseconds, .lower, "largest response time"),
    .init("http_req_duration", .nanoseconds, .lower, "response time from the intended send"),
    .init("http_req_service", .nanoseconds, .lower, "service time from the actual send"),
    .init("http_reqs", .count, .none, "requests answered or failed"),
    .init("http_req_failed", .share, .lower, "share of requests that failed"),
    .init("checks", .share, .higher, "share of answers that passed their request's checks"),
    .init("rate", .perSecond, .none, "achieved request rate"),
    .init("send_lag", .nanoseconds, .lower, "p99 of actual minus intended send"),
    .init("in_flight", .count, .lower, "mean number of requests in flight"),
    .init("bytes_in", .bytes, .none, "bytes received"),
    .init("bytes_out", .bytes, .none, "bytes sent"),
    .init("cpu_per_req", .nanoseconds, .lower, "CPU time of the lab per request"),
    .init("runqueue_wait", .nanoseconds, .lower, "time for which the lab's threads were ready and had no CPU, per request"),
    .init("descriptors", .count, .lower, "open descriptors of the lab at the end of the load"),
    .init("disk_bytes", .bytes, .lower, "bytes that the lab read from and wrote to storage"),
    .init("fsyncs", .count, .lower, "fsyncs of the lab's stages, counted by the lab"),
    .init("io_calls_per_req", .plain, .lower, "system calls of the lab that read or write, per request"),
    .init("generator_cpu_per_req", .nanoseconds, .lower, "CPU time of the load generator per request"),
    .init("generator_runqueue_wait", .nanoseconds, .lower, "time for which the generator's threads were ready and had no CPU, per request"),
    .init("generator_rss", .bytes, .lower, "resident memory of the generator"),
    .init("generator_descriptors", .count, .lower, "open descriptors of the generator at the end of the load"),
    .init("generator_disk_bytes", .bytes, .lower, "bytes that the generator read from and wrote to storage"),
    .init("generator_syscalls_per_req", .plain, .lower, "system calls of the generator's loop per request, each counted"),
    .init("retransmits", .count, .lower, "TCP segments that the generator had to send again"),
    .init("tcp_bytes_sent", .bytes, .none, "bytes that the generator's connections sent, by the kernel's count"),
    .init("tcp_bytes_received", .bytes, .none, "bytes that the generator's connections received, by the kernel's count"),
    .init("generator_cpu", .share, .lower, "CPU share of the load generator, of one core"),
    .init("rss", .bytes, .lower, "resident memory of the lab"),
    .init("mean_over_twin", .ratio, .lower, "mean response time over that of the recorded arrivals and service times in an ideal FIFO queue"),
    .init("p99_over_twin", .ratio, .lower, "p99 of response time over that of the recorded arrivals and service times in an ideal FIFO queue"),
    .init("closed_users", .count, .none, "users of the closed twin: the mean number of requests in flight of the open run"),
    .init("closed_rate", .perSecond, .none, "request rate of the closed twin"),
    .init("closed_mean", .nanoseconds, .lower, "mean response time of the closed twin"),
    .init("closed_p99", .nanoseconds, .lower, "99th percentile of response time of the closed twin"),
    .init("mean_over_closed", .ratio, .none, "mean response time of the open run over that of its closed twin"),
    .init("p99_over_closed", .ratio, .none, "p99 of response time of the open run over that of its closed twin"),
    .init("hit_ratio", .share, .higher, "cache hits over lookups"),
    .init("origin_requests", .count, .lower, "requests that passed the cache"),
    .init("origin_rps", .perSecond, .lower, "rate of requests that passed the cache"),
    .init("stale_served", .count, .none, "answers that an edge's cache gave after their freshness, as RFC 5861 allows"),
    .init("revalidated", .count, .none, "loads of an edge's cache that the origin answered with 304"),
    .init("retries", .count, .lower, "attempts of an edge after a failed one"),
    .init("retries_denied", .count, .none, "second attempts that an edge's retry budget, or a standing queue, did not allow"),
    .init("hedges", .count, .lower, "attempts of an edge beside a slow one"),
    .init("hedge_wins", .count, .none, "hedges that answered first"),
    .init("timeouts", .count, .lower, "attempts of an edge that were not answered in time"),
    .init("breaker_opens", .count, .lower, "circuit breakers that opened"),
    .init("limited", .count, .none, "requests that an edge's limit turned away"),
    .init("shed", .count, .none, "requests that an edge turned away because a queue stood behind it"),
    .init("amplification", .ratio, .lower, "attempts that an edge made for each request that it passed on"),
    .init("imbalance", .ratio, .lower, "attempts at the busiest instance over the mean of all instances"),
    .init("hit_time", .nanoseconds, .lower, "response time of a hit: the middle of the fastest requests, as many as there were hits"),
    .init("evictions", .count, .lower, "entries pushed out by capacity"),
    .init("stale_share", .share, .lower, "share of cache hits older than the last write of their key"),
    .init("queue_wait", .nanoseconds, .lower, "mean wait in the origin's queue"),
    .init("queue_peak", .count, .lower, "most requests that waited in the origin's queue at one time"),
    .init("shed_share", .share, .lower, "share of the origin's requests that it turned away because its queue was full"),
    .init("concurrency", .count, .lower, "mean number of requests inside the origin, by its own clock"),
    .init("rss_growth", .bytes, .lower, "growth of the lab's resident memory for each request, Theil and Sen's slope"),
    .init("time_to_steady", .nanoseconds, .lower, "time until the hit ratio first holds 90 % of its steady value"),
    .init("che_error", .points, .lower, "largest distance of the hit ratio from Che's approximation"),
    .init("lfu_bound", .share, .none, "hit ratio of a cache that knows the popularities"),
    .init("waiting_share", .share, .lower, "share of a simulated queue's customers that waited"),
    .init("utilisation", .share, .none, "share of the time in which a simulated server worked"),
    .init("urgent_wait", .nanoseconds, .lower, "mean wait of a simulated queue's urgent customers"),
    .init("goodput", .perSecond, .higher, "answers in time, of a simulation's last stretch"),
    .init("good_per_first_attempt", .ratio, .higher, "answers in time for each request, retries not counted"),
    .init("recovered", .share, .higher, "replications in which nine of ten requests were good at the end"),
    .init("tokens_per_second", .perSecond, .higher, "tokens that a simulated accelerator made"),
    .init("under_capacity_minutes", .plain, .lower, "minutes with fewer instances than are needed"),
    .init("under_capacity_minutes_p95", .plain, .lower, "the same, exceeded by one replication in twenty"),
    .init("cost_index", .ratio, .lower, "cost over that of the needed instances on demand"),
    .init("cost_index_p95", .ratio, .lower, "the same, exceeded by one replication in twenty"),
    .init("reclaims", .count, .none, "spot instances that were taken back"),
    .init("violation_minutes", .plain, .lower, "minutes a day with a load that users notice"),
    .init("violation_minutes_p95", .plain, .lower, "the same, exceeded by one replication in twenty"),
    .init("instance_hours", .plain, .lower, "instance hours a day, boots included"),
    .init("time", .nanoseconds, .lower, "time of one iteration"),
    .init("cpu", .nanoseconds, .lower, "CPU time of one iteration"),
    .init("user", .nanoseconds, .lower, "CPU time in user mode of one iteration"),
    .init("system", .nanoseconds, .lower, "CPU time in the kernel of one iteration"),
    .init("max_rss", .bytes, .lower, "largest resident memory of the subject's process"),
    .init("allocations", .count, .lower, "memory allocations of one iteration"),
    .init("instructions", .count, .lower, "instructions of one iteration"),
    .init("faults", .count, .lower, "page faults of one iteration"),
    .init("switches", .count, .lower, "context switches of one iteration"),
    .init("slope", .plain, .lower, "growth exponent: time grows as n to this power"),
    .init("vm_steps", .count, .lower, "SQLite virtual-machine steps of one iteration"),
    .init("checksum", .plain, .none, "checksum of the subject's result"),
    .init("parity", .plain, .none, "1 when all subjects gave the same checksum"),
    .init("injected", .share, .none, "slow-down of 2 % that the baseline was given on purpose, as it was measured"),
    .init("share", .share, .none, "samples in which the function was on the stack, over all samples"),
    .init("self_share", .share, .none, "samples in which the function itself ran, over all samples"),
    .init("samples", .count, .none, "stack samples taken"),
    .init("change_points", .count, .none, "changes of level found in the series"),
    .init("index", .count, .none, "position of the largest change in the series, from 0"),
    .init("change", .share, .none, "relative size of the largest change"),
    .init("littles_ratio", .ratio, .none, "requests inside the origin over rate times mean response time"),
    .init("window_p99", .nanoseconds, .lower, "99th percentile of response time in one window"),
    .init("mean_of_p99", .nanoseconds, .lower, "mean of the windows' 99th percentiles"),
    .init("merged_p99", .nanoseconds, .lower, "99th percentile of all windows' requests together"),
    .init("averaging_error", .share, .none, "mean of the windows' 99th percentiles over the true one, minus 1"),
    .init("growth_per_hour", .bytes, .lower, "growth of resident memory in an hour at this load"),
    .init("time_to_limit", .nanoseconds, .higher, "time until resident memory reaches the limit at this load"),
    .init("attainment", .share, .higher, "share of requests that were good"),
    .init("bad_share", .share, .lower, "share of requests that were not good"),
    .init("objective", .share, .none, "share of requests that must be good"),
    .init("burn_rate", .ratio, .lower, "bad requests over those that the objective allows"),
    .init("budget_left", .share, .higher, "error budget of the time window that the recording left"),
    .init("exhausted_in", .nanoseconds, .higher, "time in which this burn rate uses up a whole budget"),
    .init("pages", .count, .lower, "alerts that woke somebody"),
    .init("tickets", .count, .lower, "alerts that can wait until the morning"),
    .init("fired", .count, .lower, "incidents in which the alert fired"),
    .init("fired_at", .nanoseconds, .lower, "when it first fired, from the start of the recording"),
    .init("peak_burn", .ratio, .lower, "highest burn rate that both windows of the alert showed at one time"),
    .init("recall", .share, .higher, "share of the bad releases that woke somebody"),
    .init("false_pages", .count, .lower, "good releases that woke somebody"),
    .init("bad_sessions", .share, .lower, "share of sessions with at least one bad request"),
    .init("low", .usdPerDay, .higher, "money per day, low bracket"),
    .init("base", .usdPerDay, .higher, "money per day, middle of the bracket"),
    .init("high", .usdPerDay, .higher, "money per day, high bracket"),
    .init("incident_low", .usd, .lower, "money of one incident, low bracket"),
    .init("incident_base", .usd, .lower, "money of one incident, middle of the bracket"),
    .init("incident_high", .usd, .lower, "money of one incident, high bracket"),
    .init("per_million", .usdPerMillion, .lower, "money per million requests"),
    .init("payback_days", .plain, .lower, "days until the effort is paid back"),
    .init("instances", .count, .lower, "instances needed"),
  ]

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  private init(_ name: String, _ unit: MetricUnit, _ better: Better, _ meaning: String) {
    self.name = name; self.unit = unit; self.better = better; self.meaning = meaning
  }
}
