import ExperimentModel

/// One instance of the upstream, as this edge knows it.
final class Backend {
  /// From 0.
  let index: Int
  /// `origin.1`, from 1 as people count.
  let name: String
  let weight: Double
  var health = HealthState()
  var breaker: CircuitBreaker?
  /// Attempts that have begun and not ended, and the most there were.
  private(set) var inFlight = 0
  private(set) var inFlightPeak = 0
  private(set) var requests = 0
  private(set) var failed = 0

  init(index: Int, upstream: String, _ spec: EdgeSpec) {
    self.index = index
    name = "\(upstream).\(index + 1)"
    weight = spec.weights.flatMap { $0.indices.contains(index) ? $0[index] : nil } ?? 1
    breaker = spec.breaker.map { CircuitBreaker($0) }
  }

  var candidate: Candidate { Candidate(index: index, weight: weight, inFlight: inFlight) }

  func begins(now: Int64) {
    requests += 1
    inFlight += 1
    inFlightPeak = max(inFlightPeak, inFlight)
    breaker?.begins(now: now)
  }

  func ends(failed hasFailed: Bool, now: Int64) {
    inFlight -= 1
    if hasFailed { failed += 1 }
    breaker?.ends(failed: hasFailed, now: now)
  }

  /// Another attempt has answered first: nothing was learnt here.
  func calledOff(now: Int64) {
    inFlight -= 1
    breaker?.calledOff(now: now)
  }

  func appendCounters(to counters: inout Counters, _ edge: String) {
    counters.add(edge, "\(name).requests", requests)
    counters.add(edge, "\(name).failed", failed)
    counters.add(edge, "\(name).falls", health.falls)
    counters.peak(edge, "\(name).in_flight_peak", inFlightPeak)
  }

  func resetCounters() {
    requests = 0; failed = 0
    inFlightPeak = inFlight
    health.resetCounters()
    breaker?.resetCounters()
  }
}
