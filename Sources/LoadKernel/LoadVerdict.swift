// The generator's verdict on itself (method.md, 2): were the requests sent when the plan said? Judged from what a record
// holds, so that slices of one arm are judged together: of a hundred requests the second-worst decides, and one
// hiccup of the machine is not the generator's error.

import ExperimentModel

extension LoadRecord {
  /// Sets `verdict` and `reason`: INVALID when every request failed or the send lag's p99 exceeds 500 µs and a fifth of the
  /// median service time, DEGRADED above 100 µs and a twentieth of it, or when more than 1 % waited for a connection.
  public mutating func judge() {
    verdict = .valid
    reason = nil
    let answered = completed + failed
    if answered > 0, completed == 0 {
      verdict = .invalid
      reason = "every request failed (\(errors.keys.sorted().joined(separator: ", ")))"
      return
    }
    // A closed loop has no plan that it could miss.
    guard plannedRate != nil, sendLag.count > 0 else { return }
    let lag = Double(sendLag.quantile(0.99))
    let median = Double(service.quantile(0.5))
    let late = "sends were late: p99 of the send lag is \(Int((lag / 1_000).rounded())) µs"
    if lag > max(500_000, 0.2 * median) {
      verdict = .invalid
      reason = late
    } else if lag > max(100_000, 0.05 * median) {
      verdict = .degraded
      reason = late
    }
    let waiting = sent - Int(sendLag.count)
    if verdict == .valid, waiting * 100 > sent {
      verdict = .degraded
      reason = "\(waiting) of \(sent) requests waited for one of \(connections) connections"
    }
  }
}
