// A formula's figures from the values of its inputs: what stands in its table, the monthly money that `roi` counts as gain, and
// where a change breaks even. Values come by name as the table of formulas calls them; nothing here knows of blocks.

import ExperimentModel
import SimulationKernel

struct CostFigures {
  let formula: CostFormula
  /// One value for each input, in stored units.
  let inputs: [String: Double]
  /// Of `roi`; F5 has the same among its inputs.
  let roi: [String: Double]?
  /// Which end of the bracket the bracketed input has: `low`, `base` or `high`.
  let end: String

  /// An input that the planner has seen to, or that has a standard.
  private func value(_ name: String) -> Double {
    guard let value = inputs[name] else { preconditionFailure("\(formula.name) has no `\(name)`") }
    return value
  }

  private var revenue: Double {
    Pricing.revenuePerDay(sessions: value("sessions_per_day"), conversion: value("conversion"), orderValue: value("order_value"))
  }

  /// Every figure by metric; what has no end is infinite.
  var all: [String: Double] { figures.merging(returns) { a, _ in a } }

  private var figures: [String: Double] {
    switch formula.name {
    case "F1": return [end: daily]
    case "F2":
      return [
        "bad_minutes": badTime, "budget_left": Pricing.budgetLeft(badShare: badTime / value("period"), objective: value("objective")),
        "loss_\(end)": loss,
      ]
    case "F3": return infrastructure
    case "F4": return ["bad_sessions": badSessions, end: daily]
    case "F6":
      let ingest = Pricing.ingestPerMonth(
        spansPerSecond: value("spans_per_second") * value("kept"), bytes: value("bytes_per_span"), perGB: value("usd_per_gb"))
      let series = value("series") * value("usd_per_series")
      return ["ingest_per_month": ingest, "series_per_month": series, "per_month": ingest + series]
    case "apm": return priceList
    case "F7":
      var found = ["per_mtok": perMillionTokens]
      if let peak = inputs["peak_tokens_per_second"] {
        found["per_mtok_peak"] = Pricing.perMillionTokens(perHour: value("usd_per_hour"), tokensPerSecond: peak)
      }
      // The formula read backwards.
      if let versus = inputs["versus"] { found["breakeven_tokens"] = value("usd_per_hour") / 3_600 / (versus / 1e6) }
      return found
    case "F8": return ["incident_\(end)": incident]
    case "serverless", "egress":
      var found = ["per_month": perRequest * Pricing.perMonth(rate: value("rate")), "per_million": perRequest * 1e6]
      if let versus = inputs["versus"] {
        found["breakeven_rate"] = perRequest > 0 ? versus / perRequest / Pricing.perMonth(rate: 1) : .infinity
      }
      return found
    default: return [:]
    }
  }

  // MARK: Single formulas

  private var daily: Double {
    formula.name == "F1"
      ? Pricing.lostByDelay(revenuePerDay: revenue, sensitivityPer100ms: value("sensitivity_per_100ms"), delay: value("delay"))
      : value("sessions_per_day") * badSessions * value("churn_per_bad_session") * value("lifetime_value")
  }

  private var badSessions: Double { Pricing.badSessions(badRequests: value("bad_requests"), requests: value("requests_per_session")) }
  private var badTime: Double { inputs["bad_minutes"] ?? value("bad_share") * value("period") }
  private var loss: Double { Pricing.lostInBadTime(badTime, revenuePerDay: revenue, affected: value("affected")) }
  private var perMillionTokens: Double {
    Pricing.perMillionTokens(perHour: value("usd_per_hour"), tokensPerSecond: value("tokens_per_second"))
  }

  /// A vendor's bill, part by part: each allowance belongs to its own part, and what is left of one pays for no other.
  private var priceList: [String: Double] {
    let spans = value("spans_per_second") * value("kept") * (Pricing.month / Pricing.second)
    let units = value("units")
    let seats = units * value("usd_per_unit") + value("users") * value("usd_per_user") + value("fee")
    let ingest = Pricing.beyond(
      value("gb_included") + units * value("gb_per_unit"), of: spans * value("bytes_per_span") / Pricing.gigabyte, price: value("usd_per_gb"))
    let index = Pricing.beyond(units * value("mspans_per_unit"), of: spans * value("indexed") / 1e6, price: value("usd_per_mspan"))
    let series = Pricing.beyond(
      value("series_included") + units * value("series_per_unit"), of: value("series"), price: value("usd_per_series"))
    return [
      "per_month": seats + ingest + index + series, "seats_per_month": seats, "ingest_per_month": ingest, "index_per_month": index,
      "series_per_month": series,
    ]
  }

  private var incident: Double {
    Pricing.incident(
      detect: value("detect"), mitigate: value("mitigate"), recover: value("recover"), revenuePerDay: revenue,
      ordersLost: value("orders_lost"),
      oncallHour: value("oncall_hour"))
  }

  private var perRequest: Double {
    formula.name == "egress"
      ? value("bytes_per_request") / Pricing.gigabyte * value("usd_per_gb")
      : Pricing.perCall(
        duration: value("duration"), memory: value("memory"), perMillion: value("usd_per_mreq"), perGBSecond: value("usd_per_gb_second"))
  }

  private var perMillionRequests: Double {
    Pricing.perMillionRequests(cpu: value("cpu_per_req"), perVCPUHour: value("usd_per_vcpu_hour"), utilisation: value("target_utilisation"))
  }

  private var infrastructure: [String: Double] {
    var found = ["per_million": perMillionRequests]
    guard let rate = inputs["rate"] else { return found }
    let vcpus = value("vcpu_per_instance")
    var instances = Pricing.instances(rate: rate, cpu: value("cpu_per_req"), utilisation: value("target_utilisation"), vcpus: vcpus)
    if inputs["wait_target"] != nil || inputs["p99_target"] != nil {
      let service = inputs["service_time"] ?? value("cpu_per_req")
      let servers = Pricing.servers(rate: rate, service: service, waitTarget: inputs["wait_target"], p99Target: inputs["p99_target"])
      found["servers"] = servers
      if servers.isFinite {
        found["waiting_share"] = erlangC(servers: Int(servers), offered: rate * (service / Pricing.second))
        found["p99"] = mmcSojourn(quantile: 0.99, servers: Int(servers), arrivalRate: rate / Pricing.second, serviceRate: 1 / service)
      }
      // Both must hold: not too busy, and not too many who wait. A server of the queue is a vCPU, unless it holds requests
      // for longer than it works on them.
      if inputs["service_time"] == nil { instances = max(instances, Pricing.wholeUp(servers / vcpus)) }
    }
    found["instances"] = instances
    found["fleet_per_month"] = instances * vcpus * value("usd_per_vcpu_hour") * 720
    return found
  }

  // MARK: Gain against cost

  /// USD a month: what the formula's money is when it is counted as the gain of a change.
  private var monthly: Double {
    let margin = roi?["margin"] ?? 1
    switch formula.name {
    case "F1": return daily * 30 * margin
    case "F2": return loss * (Pricing.month / value("period")) * margin
    case "F3": return perMillionRequests / 1e6 * Pricing.perMonth(rate: value("rate"))
    case "F4": return daily * 30
    case "F5": return value("gain")
    case "F7": return (value("versus") - perMillionTokens) / 1e6 * Pricing.perMonth(rate: value("tokens_per_second"))
    case "F8": return lostOrders * margin * (roi?["per_month"] ?? 1) + oncall * (roi?["per_month"] ?? 1)
    default: return figures["per_month"] ?? 0
    }
  }

  /// Of an incident: revenue is counted by its margin, wages are not.
  private var oncall: Double { (value("detect") + value("mitigate") + value("recover")) / Pricing.hour * value("oncall_hour") }
  private var lostOrders: Double { incident - oncall }

  private var returns: [String: Double] {
    guard let roi = formula.name == "F5" ? inputs : roi, let hours = roi["effort_hours"], let rate = roi["rate"],
      let run = roi["run_cost_per_month"],
      let horizon = roi["horizon"]
    else { return [:] }
    let (gain, effort) = (monthly, hours * rate)
    let needed = Pricing.breakevenGain(runCost: run, effort: effort, horizon: horizon)
    var found = [
      "gain_\(end)": gain, "net_\(end)": Pricing.net(gain: gain, runCost: run, effort: effort, horizon: horizon),
      "roi_\(end)": Pricing.roi(gain: gain, runCost: run, effort: effort),
      "payback_\(end)": Pricing.payback(gain: gain, runCost: run, effort: effort),
      "breakeven_hours_\(end)": max(0, gain - run) * (horizon / Pricing.month) / rate, "breakeven_gain": needed,
    ]
    if let metric = formula.breakeven { found["\(metric)_\(end)"] = breakeven(needed) }
    return found
  }

  /// Where what drives the formula gives the gain that is needed; infinite where nothing of it does.
  private func breakeven(_ needed: Double) -> Double {
    switch formula.name {
    case "F1": return proportional("delay", needed, unit: 100e6)
    case "F2": return proportional("bad_minutes", needed, unit: 60e9)
    case "F3": return proportional("usd_per_vcpu_hour", needed, unit: 1)
    case "F4":
      let most = value("sessions_per_day") * value("churn_per_bad_session") * value("lifetime_value") * 30
      guard most > 0, needed < most, value("requests_per_session") > 0 else { return .infinity }
      return Pricing.badRequests(badSessions: needed / most, requests: value("requests_per_session"))
    default:
      let one = lostOrders * (roi?["margin"] ?? 1) + oncall
      return one > 0 ? needed / one : .infinity
    }
  }

  /// Of an input to which the gain is proportional.
  private func proportional(_ name: String, _ needed: Double, unit: Double) -> Double {
    var one = inputs
    one[name] = unit
    let gain = CostFigures(formula: formula, inputs: one, roi: roi, end: end).monthly
    return gain > 0 ? needed / gain * unit : .infinity
  }
}
