// The models that `kind: sim` and `nb sim` know: their parameters with units, what they give, and which closed form checks
// them. One table: the planner reads blocks and command lines by it, the simulation checks its arguments by it, and the
// reference page and `nb sim describe` are printed from it. The models themselves are in SimulationKernel.

/// A parameter of a model. Its value is stored as everywhere: a time in nanoseconds, a rate per second, a share 0…1, bytes.
public struct SimParameter: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case number(ClosedRange<Double>)
    case whole(ClosedRange<Int>)
    case time, rate, share, size
    case word([String])
  }

  /// As it is written in a block; one inside another is written with a dot, `service.cv2`.
  public var name: String
  public var kind: Kind
  /// As it would be written; nil: nothing happens without it.
  public var standard: String?
  public var meaning: String

  public init(_ name: String, _ kind: Kind, _ standard: String?, _ meaning: String) {
    self.name = name; self.kind = kind; self.standard = standard; self.meaning = meaning
  }

  /// What an arm of a plan calls it.
  public var key: String { Self.key(name) }
  public static func key(_ name: String) -> String { String(name.map { $0 == "." ? "_" : $0 }) }
}

/// A model by its name.
public struct SimModel: Hashable, Sendable {
  public var name: String
  public var title: String
  public var parameters: [SimParameter]
  /// Columns of its table, in order; every one is in the table of metrics.
  public var columns: [String]
  /// Metrics beside these.
  public var others: [String]
  /// What the verdict of a comparison is about.
  public var metric: String
  /// Which formula stands beside its numbers, and where it holds.
  public var closedForm: String
  /// What one event is, for the figure of events per second.
  public var event: String

  public var metrics: Set<String> { Set(columns + others) }

  public func parameter(_ name: String) -> SimParameter? {
    parameters.first { $0.name == name } ?? (name.hasSuffix(".mean") ? parameters.first { $0.name == name.dropLast(5) } : nil)
  }

  public static func named(_ name: String) -> SimModel? { all.first { $0.name == name } }

  public static let all: [SimModel] = [
    .cache, .queue, .mm1, .balancer, .storm, .batcher, .fleet, .autoscaler,
    .cdn, .network, .regions,
  ] + devices

  /// A law of times: its mean and how it varies.
  static func law(_ name: String, mean: String?, _ meaning: String, dist: String = "exp") -> [SimParameter] {
    (mean.map { [SimParameter(name, .time, $0, "\(meaning): mean")] } ?? []) + [
      SimParameter("\(name).dist", .word(laws), dist, "its law"),
      SimParameter("\(name).cv2", .number(0...1e4), nil, "variance over the square of the mean; \(defaultVariations)"),
      SimParameter("\(name).alpha", .number(0...100), nil, "tail of `pareto`, instead of cv2: P(X > x) ∝ x^−alpha; at most 1 has no mean"),
      SimParameter("\(name).slow_share", .share, nil, "of `mix`: the share of slow ones; 0.02 without it"),
      SimParameter("\(name).slow", .time, nil, "of `mix`: mean of the slow ones; 10 means without it"),
    ]
  }

  public static let laws = ["constant", "uniform", "exp", "lognormal", "gamma", "erlang", "hyperexp", "pareto", "mix"]
  private static let defaultVariations =
    "without it 1/3 for `uniform` (from 0), 1 for `lognormal` and `gamma`, 1/4 for `erlang` (4 stages), 4 for `hyperexp`, 1/3 for `pareto` (alpha 3)"

  static let customers = SimParameter("customers", .whole(100...1_000_000_000), "100000", "recorded in each replication, after the warm-up")
}

extension SimModel {
  static let cache = SimModel(
    name: "cache", title: "one cache under Zipf keys: which policy hits how often",
    parameters: [
      SimParameter("n", .whole(1...10_000_000), "10000", "keys"),
      SimParameter("s", .number(0...10), "0.9", "Zipf exponent"),
      SimParameter("capacity", .whole(0...10_000_000), "1000", "entries"),
      SimParameter("policy", .word(CachePolicy.allCases.map(\.rawValue) + ["perfect-lfu"]), "lru", "which entry gives way; `perfect-lfu` remembers every key that it ever saw"),
      SimParameter("requests", .whole(1...100_000_000), "100000", "of one replication"),
      SimParameter("scan.every", .whole(1...100_000_000), nil, "requests from one burst of keys that are asked for once to the next"),
      SimParameter("scan.length", .whole(1...10_000_000), nil, "keys of a burst"),
    ],
    columns: ["hit_ratio", "lfu_bound"], others: [], metric: "hit_ratio",
    closedForm: "Che’s approximation (lru, fifo); Σ of the most popular keys, which perfect-lfu comes to and which bounds every policy", event: "a request")

  private static let queueing: [SimParameter] =
    law("service", mean: "20ms", "service time of one server") + [
      SimParameter("rho", .number(0...1e6), nil, "load of a server; without `rate` 0.8"),
      SimParameter("rate", .rate, nil, "arrivals, instead of `rho`"),
      customers,
      SimParameter("horizon", .time, nil, "simulated time instead of `customers`, from the empty system, without a warm-up: for overload and transients"),
    ]

  static let queue = SimModel(
    name: "queue", title: "one waiting line before c servers, any laws, in five orders, with or without room",
    parameters: [SimParameter("c", .whole(1...100_000), "1", "servers")] + queueing
      + law("arrivals", mean: nil, "distance of arrivals") + [
        SimParameter("order", .word(["fifo", "lifo", "sharing", "priority", "shortest"]), "fifo", "who is served next; `sharing`: all at once, equally"),
        SimParameter("limit", .whole(1...1_000_000), nil, "most customers inside, served ones too; who comes then is turned away"),
        SimParameter("urgent_share", .share, "0.2", "of `priority`: customers who go first"),
      ],
    columns: ["mean", "p50", "p99", "queue_wait", "waiting_share", "utilisation"],
    others: ["p90", "p95", "p999", "in_flight", "rate", "shed_share", "urgent_wait"], metric: "mean",
    closedForm: "M/M/c (Erlang C, with its quantiles), M/M/c/K, M/G/c/c (Erlang B), M/G/1 (Pollaczek–Khinchine; sharing; shortest first), else Kingman’s approximation",
    event: "an arrival or a departure")

  /// The best-known special case, under its own name.
  static let mm1 = SimModel(
    name: "mm1", title: "the queue with one server, Poisson arrivals and exponential services",
    parameters: queueing.filter { !$0.name.contains(".") }, columns: queue.columns, others: queue.others, metric: "mean",
    closedForm: "M/M/1: W = 1/(μ − λ), p_q = −ln(1 − q)/(μ − λ)", event: queue.event)
}
