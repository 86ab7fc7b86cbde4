// Closed forms of queues with limited room, of other orders of service, and of staffing. Rates in any one unit of time.

/// Erlang B: the share of Poisson arrivals that find all servers busy and are lost, whatever the law of service (Erlang 1917).
public func erlangB(servers: Int, offered: Double) -> Double {
  var blocking = 1.0
  for k in 1...max(1, servers) { blocking = offered * blocking / (Double(k) + offered * blocking) }
  return blocking
}

/// M/M/c/K in its steady state, from its birth and death rates.
public struct MMcK: Hashable, Sendable {
  /// Share of arrivals that are turned away.
  public var blocked: Double
  /// Of those who are let in, the share that waits.
  public var waits: Double
  /// Mean number inside.
  public var inside: Double

  /// - Parameters:
  ///   - room: most customers inside, K ≥ c.
  ///   - offered: λ/μ.
  public init(servers: Int, room: Int, offered: Double) {
    precondition(room >= servers && servers > 0 && offered > 0)
    // Weights are scaled down when they grow, so that none overflows.
    var (weight, total, inside, waiting) = (1.0, 1.0, 0.0, 0.0)
    for n in 1...room {
      // Who comes when n − 1 are inside and all servers are busy will wait.
      if n > servers { waiting += weight }
      weight *= offered / Double(min(n, servers))
      total += weight
      inside += Double(n) * weight
      if total > 1e200 { (weight, total, inside, waiting) = (weight * 1e-200, total * 1e-200, inside * 1e-200, waiting * 1e-200) }
    }
    blocked = weight / total
    waits = waiting / (total - weight)
    self.inside = inside / total
  }
}

/// Kingman's (1961) bound as an approximation, for several servers by Allen and Cunneen: the wait of M/M/c times half of the
/// squared variations of arrivals and services. Exact for M/M/c and M/G/1; near full load good for all.
public func kingmanWait(
  servers: Int, arrivalRate: Double, serviceMean: Double, arrivalVariation: Double, serviceVariation: Double
) -> Double {
  mmcWait(servers: servers, arrivalRate: arrivalRate, serviceRate: 1 / serviceMean) * (arrivalVariation + serviceVariation) / 2
}

/// M/M/1 where the shortest service is next (Phipps 1956): W₀ ∫ f(x)/(1 − ρ(x))² dx, where ρ(x) is the load of services up to x.
public func shortestFirstWait(arrivalRate: Double, serviceMean: Double) -> Double {
  let load = arrivalRate * serviceMean
  guard load < 1 else { return .infinity }
  // In units of the mean, by the midpoint rule over the service's quantile.
  let steps = 200_000
  var sum = 0.0
  for i in 0..<steps {
    let u = (Double(i) + 0.5) / Double(steps)
    let x = -Portable.log(1 - u)
    let shorter = load * (1 - (1 + x) * (1 - u))
    sum += 1 / ((1 - shorter) * (1 - shorter))
  }
  return arrivalRate * serviceMean * serviceMean * sum / Double(steps)
}

/// The fewest servers with P(wait) ≤ `limit` by Erlang C.
public func serversForWaiting(offered: Double, limit: Double) -> Int {
  precondition(offered > 0 && limit > 0)
  var servers = max(1, Int(offered))
  while Double(servers) <= offered || erlangC(servers: servers, offered: offered) > limit { servers += 1 }
  return servers
}

/// Square-root staffing (Halfin and Whitt 1981): a + β√a servers, with β from the wanted P(wait) = 1/(1 + βΦ(β)/φ(β)).
public func squareRootStaffing(offered: Double, limit: Double) -> Double {
  precondition(offered > 0 && limit > 0 && limit < 1)
  func waiting(_ beta: Double) -> Double {
    let density = Portable.exp(-beta * beta / 2) / 2.5066282746310002
    return 1 / (1 + beta * normalShare(below: beta) / density)
  }
  var (low, high) = (0.0, 10.0)
  for _ in 0..<60 {
    let middle = (low + high) / 2
    if waiting(middle) > limit { low = middle } else { high = middle }
  }
  return offered + high * offered.squareRoot()
}

/// Φ(z) for z ≥ 0 by its series (Marsaglia 2004).
private func normalShare(below z: Double) -> Double {
  if z > 9 { return 1 }
  var (sum, term, k) = (z, z, 1.0)
  while term > 1e-17 * sum {
    k += 2
    term *= z * z / k
    sum += term
  }
  return 0.5 + sum * Portable.exp(-z * z / 2) / 2.5066282746310002
}
