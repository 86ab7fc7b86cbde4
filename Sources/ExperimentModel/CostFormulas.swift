// The money formulas: their inputs with units and meaning, and what they give. One table: the planner reads blocks by it and
// reports what is missing or unknown, the runner prices by it, and the reference page is printed from it. The formulas
// themselves are in ExperimentRunner's Pricing.swift. A month has 30 days everywhere, a GB of traffic 10⁹ bytes.

/// An input of a money formula.
public struct CostInputRow: Hashable, Sendable {
  public enum Need: Hashable, Sendable {
    case required, optional
    /// What stands in where nothing is written.
    case standard(String)
    /// Exactly one of all rows with this group's name.
    case oneOf(String)
  }
  public var name: String
  public var unit: MetricUnit
  public var need: Need
  /// May be {low, base, high}.
  public var isBracket: Bool
  /// Of stored values.
  public var range: ClosedRange<Double>
  /// What course.yml's `money` calls it, where that is another name.
  public var course: String
  public var meaning: String

  init(
    _ name: String, _ unit: MetricUnit, _ meaning: String, _ need: Need = .required, bracket: Bool = false,
    range: ClosedRange<Double>? = nil,
    course: String? = nil
  ) {
    self.name = name
    self.unit = unit
    self.need = need
    self.meaning = meaning
    isBracket = bracket
    self.range = range ?? (unit == .share ? 0...1 : 0...Double.greatestFiniteMagnitude)
    self.course = course ?? name
  }
}

/// A column of a formula's table; nil `when`: always, else with any of these inputs.
public struct CostColumn: Hashable, Sendable {
  public var name: String
  public var when: [String]?
  init(_ name: String, when: [String]? = nil) {
    self.name = name
    self.when = when
  }
}

/// A formula by its name.
public struct CostFormula: Hashable, Sendable {
  public var name: String
  public var title: String
  /// As one reads it.
  public var text: String
  public var rows: [CostInputRow]
  public var columns: [CostColumn]
  /// Inputs without which `roi` has no monthly money; nil: `roi` does not apply.
  public var roiNeeds: [String]?
  /// Keys of `roi` that are for this formula only.
  public var roiKeys: [String] = []
  /// What else breaks even: `breakeven_delay`.
  public var breakeven: String?

  public var bracket: CostInputRow? { rows.first(where: \.isBracket) }
  /// The ends for which it gives a figure: the bracket's, or one.
  public var ends: [String] { bracket == nil ? ["base"] : CostFormula.bracketEnds }
  public static let bracketEnds = ["low", "base", "high"]

  public static func named(_ name: String) -> CostFormula? { all.first { $0.name == name } }

  public static let all: [CostFormula] = [
    .revenue, .errorBudget, .infrastructure, .churn, .roi, .telemetry, .apm, .tokens, .incident, .serverless, .egress,
  ]

  /// The columns that a block with these inputs has.
  public func columns(with inputs: Set<String>) -> [String] {
    columns.filter { $0.when?.contains(where: inputs.contains) ?? true }.map(\.name)
  }

  /// Metrics of the block as a whole, with `roi`.
  public var returns: [String] {
    guard roiNeeds != nil || name == "F5" else { return [] }
    let bracketed = ["gain", "net", "roi", "payback", "breakeven_hours"] + (breakeven.map { [$0] } ?? [])
    return bracketed.flatMap { metric in ends.map { "\(metric)_\($0)" } } + ["breakeven_gain"]
  }
}

private let above0 = Double.leastNonzeroMagnitude...Double.greatestFiniteMagnitude
private let anySign = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
private let sales: [CostInputRow] = [
  CostInputRow("sessions_per_day", .count, "visits a day"),
  CostInputRow("conversion", .share, "share of visits that buy"),
  CostInputRow("order_value", .usd, "of one order"),
]
private let effort: [CostInputRow] = [
  CostInputRow("effort_hours", .count, "hours of work that the change takes", range: above0),
  CostInputRow("rate", .usdPerHour, "of one of these hours", range: above0, course: "engineer_hour"),
  CostInputRow("run_cost_per_month", .usdPerMonth, "what the change costs as long as it is there", .standard("0 USD/month")),
  CostInputRow("horizon", .nanoseconds, "time within which it must have paid", .standard("365d"), range: above0),
]
private let traffic = CostInputRow("rate", .perSecond, "requests per second, all month long")

extension CostFormula {
  /// The rows of `roi:` in a block of this formula.
  public var roiRows: [CostInputRow] {
    effort
      + [
        CostInputRow("margin", .share, "of revenue, what is left of it; the gain is revenue without it", .standard("1")),
        CostInputRow("per_month", .count, "how many of these incidents a month the change prevents", .standard("1")),
      ].filter { roiKeys.contains($0.name) }
  }

  static let revenue = CostFormula(
    name: "F1", title: "revenue lost by delay", text: "sessions × conversion × order value × sensitivity × (delay / 100 ms), a day",
    rows: sales + [
      CostInputRow("delay", .nanoseconds, "the delay that is valued, such as `${onoff.delta.on.mean}`", range: anySign),
      CostInputRow("sensitivity_per_100ms", .share, "share of revenue lost per 100 ms", bracket: true),
    ],
    columns: ["low", "base", "high"].map { CostColumn($0) }, roiNeeds: [], roiKeys: ["margin"], breakeven: "breakeven_delay")

  static let errorBudget = CostFormula(
    name: "F2", title: "an error budget in money",
    text: "bad minutes × revenue per minute × affected share; budget left = 1 − (bad minutes / period) / (1 − objective)",
    rows: sales + [
      CostInputRow("bad_minutes", .nanoseconds, "time that counted as bad", .oneOf("bad_minutes")),
      CostInputRow(
        "bad_share", .share, "share of bad requests over the whole period, such as `${slo-latency.bad_share}`", .oneOf("bad_minutes")),
      CostInputRow("affected", .share, "share of revenue that is lost in a bad minute", bracket: true),
      CostInputRow("objective", .share, "share that must be good, such as 0.999", range: 0...(1 - 1e-9)),
      CostInputRow("period", .nanoseconds, "over which the objective counts", .standard("30d"), range: above0),
    ],
    columns: [CostColumn("bad_minutes"), CostColumn("budget_left")] + ["loss_low", "loss_base", "loss_high"].map { CostColumn($0) },
    roiNeeds: [], roiKeys: ["margin"], breakeven: "breakeven_minutes")

  static let infrastructure = CostFormula(
    name: "F3", title: "infrastructure per million requests",
    text:
      "USD/vCPU-hour / 3600 × CPU seconds per request × 10⁶ / utilisation; instances by utilisation, and by Erlang C where a target is given",
    rows: [
      CostInputRow("cpu_per_req", .nanoseconds, "CPU time of one request", range: anySign),
      CostInputRow("usd_per_vcpu_hour", .usdPerHour, "price of a vCPU for an hour, such as `${market.aws.m7g-large.usd_per_vcpu_hour}`"),
      CostInputRow("target_utilisation", .share, "how busy an instance may be", range: Double.leastNonzeroMagnitude...1),
      CostInputRow("rate", .perSecond, "load to carry; gives the number of instances", .optional),
      CostInputRow("vcpu_per_instance", .count, "vCPUs of an instance", .standard("2"), range: 1...1e6),
      CostInputRow(
        "service_time", .nanoseconds, "time for which a request holds one of the servers; without it `cpu_per_req`", .optional,
        range: above0),
      CostInputRow(
        "wait_target", .share, "share of requests that may have to wait for a server (Erlang C)", .optional,
        range: Double.leastNonzeroMagnitude...1),
      CostInputRow(
        "p99_target", .nanoseconds, "99 % of requests must be done within this, wait and service (M/M/c)", .optional, range: above0),
    ],
    columns: [
      CostColumn("per_million"), CostColumn("instances", when: ["rate"]), CostColumn("fleet_per_month", when: ["rate"]),
      CostColumn("servers", when: ["wait_target", "p99_target"]), CostColumn("waiting_share", when: ["wait_target", "p99_target"]),
      CostColumn("p99", when: ["wait_target", "p99_target"]),
    ], roiNeeds: ["rate"], breakeven: "breakeven_price")

  static let churn = CostFormula(
    name: "F4", title: "customers lost by bad sessions", text: "sessions × (1 − (1 − p)^k) × churn × lifetime value, a day",
    rows: [
      sales[0], CostInputRow("bad_requests", .share, "share of bad requests, such as `${base.http_req_failed}`"),
      CostInputRow("requests_per_session", .count, "requests of one visit"),
      CostInputRow("churn_per_bad_session", .share, "share of customers who leave for good", bracket: true),
      CostInputRow("lifetime_value", .usd, "of a customer"),
    ],
    columns: ["bad_sessions", "low", "base", "high"].map { CostColumn($0) }, roiNeeds: [], breakeven: "breakeven_bad")

  static let roi = CostFormula(
    name: "F5", title: "return on an effort",
    text: "(monthly gain − run cost) / (hours × rate); payback = hours × rate / (monthly gain − run cost)",
    rows: [CostInputRow("gain", .usdPerMonth, "what the change brings a month; USD/d counts 30 times", bracket: true, range: anySign)]
      + effort,
    columns: [])

  static let telemetry = CostFormula(
    name: "F6", title: "telemetry a month", text: "spans per second × bytes × 86,400 × 30 × USD/GB + series × USD/series",
    rows: [
      CostInputRow("spans_per_second", .perSecond, "made, before sampling"),
      CostInputRow("kept", .share, "share that sampling keeps", .standard("1")),
      CostInputRow("bytes_per_span", .bytes, "as they are sent"),
      CostInputRow("usd_per_gb", .usdPerGB, "price of taking in 10⁹ bytes"),
      CostInputRow("series", .count, "time series of metrics", .standard("0")),
      CostInputRow("usd_per_series", .usdPerMonth, "price of one series for a month", .standard("0 USD/month")),
    ],
    columns: ["per_month", "ingest_per_month", "series_per_month"].map { CostColumn($0) }, roiNeeds: [])

  /// Every price list that was read for Notebooks/vendors.md is some of these parts: by host or processor, by user, by GB, by indexed span.
  static let apm = CostFormula(
    name: "apm", title: "telemetry a month by a vendor's price list",
    text:
      "units × USD/unit + users × USD/user + fee + GB × USD/GB + million indexed spans × USD/Mspan + series × USD/series; "
      + "what the price includes is taken off each part first",
    rows: [
      CostInputRow("spans_per_second", .perSecond, "made, before sampling"),
      CostInputRow("kept", .share, "share that sampling keeps before they are sent", .standard("1")),
      CostInputRow("bytes_per_span", .bytes, "as they are billed"),
      CostInputRow("units", .count, "hosts or processors that are billed by the piece", .standard("0")),
      CostInputRow("usd_per_unit", .usdPerMonth, "price of one for a month", .standard("0 USD/month")),
      CostInputRow("users", .count, "people whose accounts are billed", .standard("0")),
      CostInputRow("usd_per_user", .usdPerMonth, "price of one for a month", .standard("0 USD/month")),
      CostInputRow("fee", .usdPerMonth, "what the platform costs, however little is used", .standard("0 USD/month")),
      CostInputRow("usd_per_gb", .usdPerGB, "price of taking in 10⁹ bytes", .standard("0 USD/GB")),
      CostInputRow("gb_included", .count, "GB a month that cost nothing", .standard("0")),
      CostInputRow("gb_per_unit", .count, "GB a month that the price of a unit includes", .standard("0")),
      CostInputRow("indexed", .share, "share of the kept spans that can be searched one by one", .standard("0")),
      CostInputRow("usd_per_mspan", .usdPerMillionSpans, "price of a million of them", .standard("0 USD/Mspan")),
      CostInputRow("mspans_per_unit", .count, "millions of them that the price of a unit includes", .standard("0")),
      CostInputRow("series", .count, "time series of metrics", .standard("0")),
      CostInputRow("usd_per_series", .usdPerMonth, "price of one series for a month", .standard("0 USD/month")),
      CostInputRow("series_included", .count, "series that cost nothing", .standard("0")),
      CostInputRow("series_per_unit", .count, "series that the price of a unit includes", .standard("0")),
    ],
    columns: ["per_month", "seats_per_month", "ingest_per_month", "index_per_month", "series_per_month"].map { CostColumn($0) }, roiNeeds: [])

  static let tokens = CostFormula(
    name: "F7", title: "a million tokens", text: "USD/h / (tokens per second × 3600) × 10⁶, at the offered load and not at the peak",
    rows: [
      CostInputRow("usd_per_hour", .usdPerHour, "price of the accelerators, however busy they are"),
      CostInputRow("tokens_per_second", .perSecond, "made at the offered load", range: above0),
      CostInputRow(
        "peak_tokens_per_second", .perSecond, "what they could make: the price that the peak promises stands beside it", .optional,
        range: above0),
      CostInputRow(
        "versus", .usdPerMillionTokens, "price of a million tokens elsewhere; gives the load from which one's own are cheaper", .optional,
        range: above0),
    ],
    columns: [
      CostColumn("per_mtok"), CostColumn("per_mtok_peak", when: ["peak_tokens_per_second"]),
      CostColumn("breakeven_tokens", when: ["versus"]),
    ], roiNeeds: ["versus"])

  static let incident = CostFormula(
    name: "F8", title: "an incident",
    text: "(detect + mitigate + recover / 2) × revenue × orders lost + (detect + mitigate + recover) × on-call hour",
    rows: sales + [
      CostInputRow("detect", .nanoseconds, "time until somebody knows"),
      CostInputRow("mitigate", .nanoseconds, "time until customers are served again"),
      CostInputRow("recover", .nanoseconds, "time until everything is as before, at half the loss"),
      CostInputRow("orders_lost", .share, "share of orders lost meanwhile", bracket: true),
      CostInputRow("oncall_hour", .usdPerHour, "of the people who are called"),
    ],
    columns: ["incident_low", "incident_base", "incident_high"].map { CostColumn($0) }, roiNeeds: [], roiKeys: ["margin", "per_month"],
    breakeven: "breakeven_incidents")

  static let serverless = CostFormula(
    name: "serverless", title: "functions that are paid by the call", text: "n × USD/request + n × GB × ⌈ms⌉ / 1000 × USD/GB-s",
    rows: [
      traffic, CostInputRow("duration", .nanoseconds, "of one call, billed in whole milliseconds"),
      CostInputRow("memory", .bytes, "that the function is given; a GB of memory is 1 GiB, as it is billed"),
      CostInputRow("usd_per_mreq", .usdPerMillion, "price of a million calls"),
      CostInputRow("usd_per_gb_second", .usdPerGBSecond, "price of a GB of memory for a second"),
      CostInputRow(
        "versus", .usdPerMonth, "what instances for it would cost a month; gives the rate from which they are cheaper", .optional,
        range: above0),
    ],
    columns: [CostColumn("per_month"), CostColumn("per_million"), CostColumn("breakeven_rate", when: ["versus"])], roiNeeds: [])

  static let egress = CostFormula(
    name: "egress", title: "bytes that leave", text: "requests per second × bytes × 86,400 × 30 × USD/GB",
    rows: [
      traffic, CostInputRow("bytes_per_request", .bytes, "of one answer, such as the difference that compression makes", range: anySign),
      CostInputRow("usd_per_gb", .usdPerGB, "price of 10⁹ bytes"),
    ],
    columns: [CostColumn("per_month"), CostColumn("per_million")], roiNeeds: [])
}
