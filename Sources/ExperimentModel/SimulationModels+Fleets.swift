// Models of capacity: what is bought, lost and booted.

extension SimModel {
  static let fleet = SimModel(
    name: "fleet", title: "instances on demand and from the spot market, which takes them back: what is missing, what it costs",
    parameters: [
      SimParameter("need", .whole(1...100_000), "20", "instances that the load needs"),
      SimParameter("spot_share", .share, "0.7", "of the need that is bought on the spot market"),
      SimParameter("over_provision", .number(0...10), "0", "spot instances beyond that, as a share of them"),
      SimParameter("reclaim.per_hour", .number(0...100), "0.01", "reclaims of one spot instance an hour"),
      SimParameter("reclaim.correlated.probability", .share, "0.2", "that a reclaim takes others with it"),
      SimParameter("reclaim.correlated.share", .share, "0.5", "of the running spot instances that it then takes"),
      SimParameter("reclaim.notice", .time, "2min", "in which an instance still costs, and takes no new work"),
      SimParameter("boot", .time, "2min", "of the replacement, ordered at the notice"),
      SimParameter("spot_price", .share, "0.36", "over that of an instance on demand"),
      SimParameter("horizon", .time, "30d", "simulated time"),
    ],
    columns: ["under_capacity_minutes", "under_capacity_minutes_p95", "cost_index", "reclaims"], others: ["cost_index_p95", "instances"],
    metric: "under_capacity_minutes", closedForm: "compound Poisson: P(losses within one boot > instances beyond the need) × horizon",
    event: "a reclaim, a boot, an end of notice")

  static let autoscaler = SimModel(
    name: "autoscaler", title: "instances that follow a day’s demand and boot for minutes: reactive, predictive, or both",
    parameters: [
      SimParameter("policy", .word(["reactive", "predictive", "hybrid"]), "reactive", "the demand of now, what this time of day is known for, the larger of both"),
      SimParameter("day", .word(["regular", "spike"]), "regular", "as every day, or with half an hour that nobody foresaw"),
      SimParameter("base", .rate, "200rps", "demand at three in the night"),
      SimParameter("peak", .rate, "700rps", "demand at three in the afternoon"),
      SimParameter("campaign", .number(0...100), "0.5", "how much more there is from nine to ten, every day"),
      SimParameter("spike", .number(0...100), "0.6", "how much more the unforeseen half hour brings"),
      SimParameter("per_instance", .rate, "50rps", "what an instance can do"),
      SimParameter("target", .number(0.01...1), "0.7", "load of an instance that the scaler aims at"),
      SimParameter("limit", .number(0.01...1), "0.9", "load above which users notice"),
      SimParameter("boot", .time, "2min", "from the order to the first request"),
      SimParameter("interval", .time, "30s", "from one decision to the next"),
      SimParameter("hold", .time, "5min", "for which the most that was wanted is kept"),
      SimParameter("noise", .number(0...1), "0.03", "deviation of the demand from its course"),
      SimParameter("horizon", .time, "1d", "simulated time; the metrics are per day"),
    ],
    columns: ["violation_minutes", "violation_minutes_p95", "instance_hours"], others: ["instances"], metric: "violation_minutes",
    closedForm: "without noise and hill, reactive: boot + interval/2 for each jump", event: "a look at the demand, a decision, a boot")
}
