// Closed forms of the model `regions`, where each region has its site (Poisson streams that are split and joined stay Poisson) and services are
// exponential.

import ExperimentModel

extension RegionsModel {
  /// Requests a second of a site when each region has its nearest.
  func arrivals(_ site: Int) -> Double {
    let near = rate * shareNear(site)
    guard writes == .home else { return near }
    return near * (1 - writeShare) + (site == home ? rate * writeShare : 0)
  }

  private func shareNear(_ site: Int) -> Double { shares.indices.reduce(0) { $0 + (nearest($1) == site ? shares[$1] : 0) } }

  /// Of a server there.
  func load(_ site: Int) -> Double { arrivals(site) * service.mean * slowness[site] / Double(servers) }

  var closedForms: (name: String, values: [String: Double])? {
    guard policy == .geo, service.isExponential else { return nil }
    let laws = sites.indices.map(law)
    let hasLaws = laws.allSatisfy { $0 != nil }
    let local = shares.indices.map { PathTime(weight: shares[$0], way: roundTrip[$0][nearest($0)], site: nearest($0)) }
    let means = local.map { $0.way + mean($0.site) }
    var known = ["utilisation": sites.indices.reduce(0) { max($0, load($1)) }]
    if writeShare < 1 {
      known["mean"] = zip(shares, means).reduce(0) { $0 + $1.0 * $1.1 } * 1e9
      known["worst_region_mean"] = (zip(shares, means).filter { $0.0 > 0 }.map(\.1).max() ?? 0) * 1e9
      for (name, q) in responseQuantiles where hasLaws { known[name] = quantile(q, local, laws) * 1e9 }
    }
    if writeShare > 0 {
      if writeShare < 1 { known["stale_share"] = staleShare }
      let paths = writes == .home ? shares.indices.map { PathTime(weight: shares[$0], way: roundTrip[$0][home], site: home) } : local
      known["write_mean"] = paths.reduce(0) { $0 + $1.weight * ($1.way + mean($1.site) + (majority($1.site)?.mean ?? 0)) } * 1e9
      // The wait for a majority by 64 of its quantiles.
      let steps = 64
      let whole = paths.flatMap { path in
        guard let majority = majority(path.site) else { return [path] }
        return (0..<steps).map { step in
          PathTime(weight: path.weight / Double(steps), way: path.way + majority.quantile((Double(step) + 0.5) / Double(steps)), site: path.site)
        }
      }
      if hasLaws { known["write_p95"] = quantile(0.95, whole, laws) * 1e9 }
    }
    return ("round trip + jitter + M/M/c, mixed over regions", known)
  }

  /// Of the time in the site and the jitter before it, in seconds.
  private func mean(_ site: Int) -> Double {
    let service = service.mean * slowness[site]
    return jitter + service + mmcWait(servers: servers, arrivalRate: arrivals(site), serviceRate: 1 / service)
  }

  private func law(_ site: Int) -> PhaseSum? {
    let queue = Phase(servers: servers, rate: arrivals(site), serviceMean: service.mean * slowness[site])
    return PhaseSum(jitter > 0 ? [queue, Phase(serviceMean: jitter)] : [queue])
  }

  /// Of a mixture of paths.
  private func quantile(_ q: Double, _ paths: [PathTime], _ laws: [PhaseSum?]) -> Double {
    func tail(_ t: Double) -> Double {
      paths.reduce(0) { $0 + $1.weight * (t <= $1.way ? 1 : laws[$1.site]?.tail(t - $1.way) ?? .nan) }
    }
    var (low, high) = (0.0, 0.01)
    while tail(high) > 1 - q { (low, high) = (high, high * 2) }
    for _ in 0..<40 {
      let middle = (low + high) / 2
      if tail(middle) > 1 - q { low = middle } else { high = middle }
    }
    return high
  }

  /// What a write at a site waits for the fastest of the others; nil: for nobody.
  private func majority(_ site: Int) -> FasterOfTwo? {
    guard confirmations > 0 else { return nil }
    let ways = sites.indices.filter { $0 != site && isUp[$0] }.map { between[site][$0] }.sorted()
    return ways.first.map { FasterOfTwo(first: $0, second: ways.count > 1 ? ways[1] : .infinity, jitter: jitter) }
  }

  /// A read is stale when its key’s last write, of those that are confirmed, is younger than what it takes to its site. By Burke’s theorem (1956)
  /// ends of services are Poisson, and those elsewhere know nothing of the reads that come here.
  private var staleShare: Double {
    let all = rate * writeShare
    let sources = sites.indices.map { writes == .home ? ($0 == home ? 1 : 0) : shareNear($0) }
    let popularity = portableZipf(n: n, s: s)
    var sum = 0.0
    for site in sites.indices where shareNear(site) > 0 {
      for source in sites.indices where source != site && sources[source] > 0 {
        let stale = popularity.reduce(0.0) { $0 + $1 * missed(all * $1, from: source, at: site) }
        sum += shareNear(site) * sources[source] * stale
      }
    }
    return sum
  }

  /// The probability that a key that is written `rate` times a second was last written within the delay from one site to another.
  private func missed(_ rate: Double, from source: Int, at site: Int) -> Double {
    guard confirmations > 0 else { return 1 - Portable.exp(-rate * (between[source][site] / 2 + lag)) }
    // With a majority the delay counts from the faster confirmation, and there is none at who gave it.
    guard let third = sites.indices.first(where: { $0 != source && $0 != site && isUp[$0] }) else { return 0 }
    return FasterOfTwo.behind(rate, way: between[source][site], other: between[source][third], jitter: jitter)
  }
}

/// Requests of one region at one site, without the time in which chance has a part.
private struct PathTime {
  var weight: Double
  var way: Double
  var site: Int
}

/// The faster of two round trips, each with an exponential jitter.
struct FasterOfTwo {
  /// Seconds; the second is not shorter.
  var first: Double
  var second: Double
  var jitter: Double

  /// With Δ between them: J (1 − e^(−Δ/J)) while only the first can come, then J/2.
  var mean: Double {
    guard jitter > 0 else { return first }
    let alone = Portable.exp(-(second - first) / jitter)
    return first + jitter * (1 - alone) + alone * jitter / 2
  }

  func quantile(_ q: Double) -> Double {
    guard jitter > 0 else { return first }
    let left = -Portable.log(1 - q)
    let alone = (second - first) / jitter
    return first + jitter * (left < alone ? left : alone + (left - alone) / 2)
  }

  /// E[1 − e^(−rate·V)] for V = max(0, half of the round trip there − the other round trip): what a site lacks of a write that the other has
  /// confirmed. With m = way/2 − other, V exceeds v with the probability e^(−2(v − m)/J)/3 where v > m, else 1 − 2e^((v − m)/J)/3.
  static func behind(_ rate: Double, way: Double, other: Double, jitter: Double) -> Double {
    let m = way / 2 - other
    guard jitter > 0 else { return m > 0 ? 1 - Portable.exp(-rate * m) : 0 }
    let beyond = rate / (rate + 2 / jitter) / 3
    guard m > 0 else { return beyond * Portable.exp(2 * m / jitter) }
    let (here, difference) = (Portable.exp(-rate * m), 1 / jitter - rate)
    let ramp = abs(difference) * m < 1e-9 ? m * here : (here - Portable.exp(-m / jitter)) / difference
    return 1 - here - rate * ramp * 2 / 3 + beyond * here
  }
}
