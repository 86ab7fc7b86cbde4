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
    let phases = stations.map { Phase(servers: $0.servers, rate: rate, serviceMean: $0.service.mean) }
    if feedback == 0, stations.dropFirst().dropLast().allSatisfy({ $0.servers == 1 }), let sum = PhaseSum(phases) {
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
