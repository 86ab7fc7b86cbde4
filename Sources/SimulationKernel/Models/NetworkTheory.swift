// Closed forms of the model `network`.

import ExperimentModel

extension NetworkModel {
  /// Customers a second that no order of events can exceed: a server does one thing at a time, and a user waits for the answer
  /// (asymptotic bounds; Denning and Buzen, Computing Surveys 10, 1978).
  var rateBound: Double {
    let capacity = 1 / load(stations[bottleneck])
    guard rate == nil else { return capacity }
    let alone = stations.reduce(think?.mean ?? 0) { $0 + visits * $1.service.mean }
    return min(Double(users) / alone, capacity)
  }

  var closedForms: (name: String, values: [String: Double])? {
    let isExponential = stations.allSatisfy { $0.service.isExponential }
    guard let rate else { return isExponential ? closedNetwork : nil }
    var known = ["rate": rate, "utilisation": rate * load(stations[bottleneck])]
    guard isExponential else { return ("utilisation law: λ E[S] visits/c", known) }
    // Each station is as M/M/c by itself, though with feedback what comes to it is not Poisson (Jackson 1963).
    let mean = stations.reduce(0.0) {
      $0 + visits * ($1.service.mean + mmcWait(servers: $1.servers, arrivalRate: rate * visits, serviceRate: 1 / $1.service.mean))
    }
    known["mean"] = mean * 1e9
    known["in_flight"] = rate * mean
    // Times at successive stations are independent when nobody can be overtaken between them: one server, or the first or the last
    // station (Burke 1969); who comes back meets who came behind.
    if feedback == 0, stations.dropFirst().dropLast().allSatisfy({ $0.servers == 1 }), let sum = StationSum(stations, rate: rate) {
      for (name, q) in responseQuantiles { known[name] = sum.quantile(q) * 1e9 }
    }
    return ("Jackson’s product form", known)
  }

  private var closedNetwork: (String, [String: Double]) {
    let demands = stations.map { (visits * $0.service.mean, $0.servers) }
    let thinking = think?.mean ?? 0
    let throughput = closedThroughput(users: users, think: thinking, stations: demands, near: rateBound)
    let inside = Double(users) - throughput * thinking
    return (
      "product form of the closed network, by convolution",
      ["rate": throughput, "mean": inside / throughput * 1e9, "in_flight": inside, "utilisation": throughput * load(stations[bottleneck])]
    )
  }
}

/// Throughput of a closed network of exponential stations with several servers and of users who think (Gordon and Newell 1967): G(N − 1)/G(N),
/// where G(n) sums the weights of all ways in which n users can be spread, by convolution (Buzen, CACM 16, 1973). Only positive numbers are
/// added, so that nothing is lost to rounding, which mean value analysis with several servers cannot say.
///
/// - Parameters:
///   - stations: service that a customer asks for there, in seconds, and servers.
///   - near: a throughput of its size. Weights are those of this rate, so that the likely ways are around 1.
func closedThroughput(users: Int, think: Double, stations: [(demand: Double, servers: Int)], near: Double) -> Double {
  func weights(_ demand: Double, _ servers: Int) -> [Double] {
    var logs = [0.0]
    for n in 1...users { logs.append(logs[n - 1] + Portable.log(near * demand / Double(min(n, servers)))) }
    let most = logs.max() ?? 0
    return logs.map { Portable.exp($0 - most) }
  }
  // Who thinks is at a station with a server for everybody.
  var parts = stations.map { weights($0.demand, $0.servers) }
  if think > 0 { parts.append(weights(think, .max)) }
  var total = parts[0]
  for part in parts.dropFirst() {
    var next = [Double](repeating: 0, count: users + 1)
    for (i, a) in total.enumerated() where a > 0 {
      for j in 0...(users - i) { next[i + j] += a * part[j] }
    }
    let most = next.max() ?? 1
    total = next.map { $0 / most }
  }
  return near * total[users - 1] / total[users]
}

/// The sum of independent times in systems M/M/c: in each an exponential service and, with the probability that one waits, an exponential wait
/// before it. As a chain of phases, its law by uniformisation (Jensen 1953).
struct StationSum {
  /// Phases are left at most this often a second.
  private let pace: Double
  /// The share that is still inside after each of these occasions.
  private let inside: [Double]

  /// - Returns: nil where the phases are so different that it would take too long.
  init?(_ stations: [NetworkModel.Station], rate: Double) {
    var (rates, waits) = ([Double](), [Double]())
    for station in stations {
      let (c, mu) = (station.servers, 1 / station.service.mean)
      waits.append(erlangC(servers: c, offered: rate / mu))
      rates += [Double(c) * mu - rate, mu]
    }
    guard let fastest = rates.max(), let slowest = rates.min(), slowest > 0, fastest / slowest < 1e4 else { return nil }
    pace = fastest
    let moves = rates.map { $0 / fastest }
    var state = [Double](repeating: 0, count: rates.count)
    func enter(_ station: Int, _ share: Double) {
      state[2 * station] += share * waits[station]
      state[2 * station + 1] += share * (1 - waits[station])
    }
    enter(0, 1)
    var inside: [Double] = []
    var share = 1.0
    while share > 1e-9 {
      inside.append(share)
      // From the last phase on, so that nobody moves twice.
      for phase in state.indices.reversed() {
        let moved = state[phase] * moves[phase]
        state[phase] -= moved
        if phase % 2 == 0 {
          state[phase + 1] += moved
        } else if phase + 1 < state.count {
          enter(phase / 2 + 1, moved)
        }
      }
      share = state.reduce(0, +)
    }
    self.inside = inside
  }

  /// P(T > t): over how often an occasion has come until t, which is Poisson; weights are relative to the likeliest.
  func tail(_ t: Double) -> Double {
    let mean = pace * t
    let middle = Int(mean)
    var (weight, total, sum) = (1.0, 1.0, middle < inside.count ? inside[middle] : 0)
    var k = middle
    while k > 0, weight > 1e-17 {
      weight *= Double(k) / mean
      k -= 1
      total += weight
      sum += weight * (k < inside.count ? inside[k] : 0)
    }
    (weight, k) = (1, middle)
    while weight > 1e-17 {
      k += 1
      weight *= mean / Double(k)
      total += weight
      sum += weight * (k < inside.count ? inside[k] : 0)
    }
    return sum / total
  }

  func quantile(_ q: Double) -> Double {
    var (low, high) = (0.0, 1 / pace)
    while tail(high) > 1 - q { (low, high) = (high, high * 2) }
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if tail(middle) > 1 - q { low = middle } else { high = middle }
    }
    return high
  }
}
