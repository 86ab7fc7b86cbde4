// The generator's verdict on itself (method.md, 2): was the load what the plan said? Judged from what a record
// holds, so that slices of one arm are judged together: of a hundred requests the second-worst decides, and one
// hiccup of the machine is not the generator's error. INVALID throws a result away, so a few hundred requests must
// show more than that their p99 may have been above its limit.

import ExperimentModel

extension LoadRecord {
  /// Sets `verdict`, `reason` (the gravest) and `reasons` (all).
  ///
  /// | fault | DEGRADED | INVALID |
  /// |---|---|---|
  /// | no request, or every one failed | | always |
  /// | out of descriptors or ports | | when it cost a request or connection |
  /// | the clock stepped | | always |
  /// | plan not begun in its time | 1 % short | 5 % |
  /// | p99 of the send lag | 100 µs and 5 % of the median service time | 500 µs and 20 %, by the lower end of its 95 % interval |
  /// | waited for one of its own connections | 1 % of the requests | |
  /// | generator at its CPU's limit | 95 % of it was work | |
  /// | more came than was asked for | at 1 % of the answers | |
  /// | requests in flight, counted, against their recorded times | 1 % apart | |
  public mutating func judge() {
    var found: [Finding] = []
    let answered = completed + failed
    if answered == 0, sent > 0 || planned > 0 {
      found.append(Finding(.invalid, "no request was answered", isTargets: true))
    } else if answered > 0, completed == 0 {
      found.append(Finding(.invalid, "every request failed (\(errors.keys.sorted().joined(separator: ", ")))", isTargets: true))
    }
    for kind in [ErrorKind.descriptors, .ports] {
      let count = max(errors[kind.name] ?? 0, connectErrors[kind.name] ?? 0)
      guard count > 0 else { continue }
      let text = "out of \(kind == .ports ? "local ports" : "descriptors"): \(count) attempts failed"
      found.append(Finding(.invalid, text + (kind.remedy.map { "; \($0)" } ?? "")))
    }
    if clockSteps > 0 {
      found.append(Finding(.invalid, "the clock stepped \(clockSteps == 1 ? "once" : "\(clockSteps) times") during the run"))
    }
    if unasked * 100 > answered {
      let text = "answers nobody asked for: \(unasked) times more came than one answer, so one may have been taken for another"
      found.append(Finding(.degraded, text, isTargets: true))
    }
    // A closed loop has no plan that it could miss.
    if plannedRate != nil { judgePlan(&found) }
    if let work = generatorWorkShare, work > 0.95, elapsed.rawValue > 500_000_000 {
      found.append(
        Finding(.degraded, "generator CPU: \(Int((work * 100).rounded())) % of its core was work, so it may have set the pace"))
    }
    if let error = countError, error > 0.01 {
      found.append(
        Finding(
          .degraded, "the generator contradicts itself: it counted \(rounded(inFlightCounted)) requests in flight, and their times say \(rounded(inFlightExplained))"))
    }
    let grave = found.filter { $0.verdict == .invalid }
    verdict = !grave.isEmpty ? .invalid : !found.isEmpty ? .degraded : .valid
    reasons = (grave + found.filter { $0.verdict != .invalid }).map(\.text)
    reason = reasons.first
    let deciding = grave.isEmpty ? found : grave
    isTargetsFault = !deciding.isEmpty && deciding.allSatisfy(\.isTargets)
  }

  /// |L − λW|/L: how far the run was from Little's law, with L counted and λW from the times. Requests that were still under way
  /// at the plan's end are in λW with all of their time, so a growing queue shows. nil: nothing was in flight.
  public var littleResidual: Double? {
    inFlightCounted > 0 ? abs(inFlightCounted - inFlightMean) / inFlightCounted : nil
  }

  /// What is left of it when both sides are cut to the run's time: zero but for a mistake in counting or in times.
  var countError: Double? {
    let most = max(inFlightCounted, inFlightExplained)
    return most > 0 ? abs(inFlightCounted - inFlightExplained) / most : nil
  }

  private func rounded(_ value: Double) -> Double { (value * 1_000).rounded() / 1_000 }

  private struct Finding {
    var verdict: RunValidity
    var text: String
    var isTargets: Bool
    init(_ verdict: RunValidity, _ text: String, isTargets: Bool = false) {
      self.verdict = verdict
      self.text = text
      self.isTargets = isTargets
    }
  }

  private func judgePlan(_ found: inout [Finding]) {
    let short = planned - begun
    // One arrival on its way at the end is not a shortfall.
    if short > 1, short * 100 > planned {
      let text = "rate not reached: \(short) of \(planned) arrivals had not begun when the plan ended"
      // With every connection waiting for an answer it was not the generator that was slow.
      found.append(Finding(short * 20 > planned ? .invalid : .degraded, text, isTargets: waited > 0 || unsent > 0))
    }
    if sendLag.count > 0 {
      let lag = Double(sendLag.quantile(0.99))
      // One-sided, 95 %: the normal approximation of the binomial ranks.
      let certainLag = Double(sendLag.quantile(0.99 - 1.645 * (0.99 * 0.01 / Double(sendLag.count)).squareRoot()))
      let median = Double(service.quantile(0.5))
      let late = "sends were late: p99 of the send lag is \(Int((lag / 1_000).rounded())) µs"
      if certainLag > max(500_000, 0.2 * median) {
        found.append(Finding(.invalid, late))
      } else if lag > max(100_000, 0.05 * median) {
        found.append(Finding(.degraded, late))
      }
    }
    if waited * 100 > sent {
      found.append(Finding(.degraded, "\(waited) of \(sent) requests waited for one of \(connections) connections", isTargets: true))
    }
  }
}
