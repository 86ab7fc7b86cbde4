// Closed forms of queues with Poisson arrivals (method.md, 3). Rates in any one unit of time.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Erlang C: the probability that an arrival waits, with `servers` and offered load a = λ/μ < servers.
/// By the stable recurrence of Erlang B; 1 when the queue has no steady state.
public func erlangC(servers: Int, offered: Double) -> Double {
  guard offered < Double(servers) else { return 1 }
  var blocking = 1.0
  for k in 1...max(1, servers) { blocking = offered * blocking / (Double(k) + offered * blocking) }
  let utilisation = offered / Double(servers)
  return blocking / (1 - utilisation * (1 - blocking))
}

/// Mean wait in the queue of M/M/c; infinite at or above full load.
public func mmcWait(servers: Int, arrivalRate: Double, serviceRate: Double) -> Double {
  let offered = arrivalRate / serviceRate
  guard offered < Double(servers) else { return .infinity }
  return erlangC(servers: servers, offered: offered) / (Double(servers) * serviceRate - arrivalRate)
}

/// Response times of given arrivals with given service times in one first-in-first-out queue before `servers` equal servers: the
/// recursion of Kiefer and Wolfowitz (1955), for one server Lindley's (1952). What a queue does to this very traffic, with
/// no law assumed of either.
///
/// - Parameters: `arrivals` ascending, `services` of the same requests in the same order, in one unit of time.
public func fifoResponses(arrivals: [Int64], services: [Int64], servers: Int) -> [Int64] {
  precondition(arrivals.count == services.count && servers > 0)
  var free = [Int64](repeating: .min, count: servers)
  return zip(arrivals, services).map { arrival, service in
    var first = 0
    for i in 1..<max(1, servers) where free[i] < free[first] { first = i }
    free[first] = max(arrival, free[first]) + service
    return free[first] - arrival
  }
}

/// Pollaczek–Khinchine: mean wait of M/G/1 with mean service time and squared coefficient of variation.
public func mg1Wait(utilisation: Double, serviceMean: Double, squaredVariation: Double) -> Double {
  guard utilisation < 1 else { return .infinity }
  return utilisation * (1 + squaredVariation) / (2 * (1 - utilisation)) * serviceMean
}

/// q-quantile of the time in an M/M/1 system.
public func mm1Sojourn(quantile q: Double, arrivalRate: Double, serviceRate: Double) -> Double {
  guard arrivalRate < serviceRate else { return .infinity }
  return -log1p(-q) / (serviceRate - arrivalRate)
}
