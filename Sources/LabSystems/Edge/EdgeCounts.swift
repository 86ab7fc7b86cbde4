/// What an edge counts, beside what it counts for each instance.
struct EdgeCounts {
  var requests = 0
  /// Answers below 400, below 500, and the rest.
  var succeeded = 0
  var clientErrors = 0
  var serverErrors = 0
  /// Bodies' bytes from the upstream, and to clients.
  var bytesIn = 0
  var bytesOut = 0
  var inFlightPeak = 0
  var limited = 0
  var shed = 0
  /// Requests that were to go to the upstream, and attempts that did.
  var forwarded = 0
  var attempts = 0
  var retries = 0
  /// Second attempts, of both sorts, that the budget or a standing queue did not allow.
  var retriesDenied = 0
  var hedges = 0
  var hedgeWins = 0
  var timeouts = 0
  var refused = 0
  var broken = 0
  var breakerDenied = 0
  var checks = 0
  // The cache's.
  var hits = 0
  var misses = 0
  /// Requests that passed the cache; `misses` less those that waited for another's load.
  var loads = 0
  var collapsed = 0
  /// Loads that were answered 304.
  var revalidated = 0
  /// Answers after their freshness, as RFC 5861 allows.
  var staleServed = 0
}

extension Edge {
  func appendCounters(to counters: inout Counters) {
    telemetry?.service.appendCounters(to: &counters)
    for (counter, value) in [
      ("requests", counts.requests), ("succeeded", counts.succeeded), ("client_errors", counts.clientErrors),
      ("server_errors", counts.serverErrors), ("bytes_in", counts.bytesIn), ("bytes_out", counts.bytesOut), ("limited", counts.limited),
      ("shed", counts.shed), ("forwarded", counts.forwarded), ("attempts", counts.attempts), ("retries", counts.retries),
      ("retries_denied", counts.retriesDenied), ("hedges", counts.hedges), ("hedge_wins", counts.hedgeWins), ("timeouts", counts.timeouts),
      ("refused", counts.refused), ("broken", counts.broken), ("breaker_denied", counts.breakerDenied),
      ("breaker_opens", backends.reduce(0) { $0 + ($1.breaker?.opens ?? 0) }), ("falls", backends.reduce(0) { $0 + $1.health.falls }),
      ("checks", counts.checks),
    ] { counters.add(name, counter, value) }
    counters.peak(name, "in_flight_peak", counts.inFlightPeak)
    backends.forEach { $0.appendCounters(to: &counters, name) }
    guard let cache else { return }
    for (counter, value) in [
      ("hits", counts.hits), ("misses", counts.misses), ("loads", counts.loads), ("collapsed", counts.collapsed),
      ("revalidated", counts.revalidated), ("stale_served", counts.staleServed), ("entries", cache.entries), ("bytes", cache.bytes),
      ("evictions", cache.evictions - evictionsBase),
    ] { counters.add(name, counter, value) }
  }

  func resetCounters() {
    counts = EdgeCounts()
    counts.inFlightPeak = inside
    evictionsBase = cache?.evictions ?? 0
    backends.forEach { $0.resetCounters() }
  }
}
