// Where telemetry may go, and what is said of what went there: for `nb observe export` and `nb lab serve --otlp`.

import ArgumentParser
import TelemetryCollector
import TextModel

extension LoadURL {
  /// - Throws: a usage error for what is no base URL of a receiver.
  static func receiver(_ text: String) throws -> LoadURL {
    let place = try LoadURL(text)
    guard place.socket == nil, !place.path.contains("?") else { throw ValidationError("`\(text)` is not a URL such as http://127.0.0.1:4318") }
    return place
  }

  /// Telemetry tells about this machine: it stays here unless somebody says that the host is theirs.
  func requireTelemetryTarget(iOwn: [String]) throws {
    let targets = TrustedTargets(Workspace.here)
    guard !isLoopback, !iOwn.contains(host), !targets.permits(host) else { return }
    Output.failure(targets.refusal(host, "telemetry tells about yours"))
    throw Exit.failed
  }
}

extension ExportCounts {
  /// One line.
  var sentText: String {
    "sent \(sent) records in \(requests) requests, \(bodyBytes) bytes (\(wireBytes) with compression and repetitions), \(retries) repetitions\n"
  }

  /// One line with every reason.
  ///
  /// - Parameters:
  ///   - queue: how much may wait, as it was written.
  ///   - giveUp: when a receiver counts as gone.
  ///   - atSource: what was lost before it came to the exporter.
  func lossText(queue: String, giveUp: String, atSource: Int = 0) -> String {
    let parts = [
      (atSource, "dropped by the lab, because the receiver or the lab was too slow"), (dropped, "dropped, because the queue of \(queue) was full"),
      (rejected, "rejected by the receiver (partial success)"), (refused, "refused by the receiver"),
      (givenUp, "given up, because the receiver took nothing for \(giveUp)"), (abandoned, "not sent, because of the interruption"),
    ]
    let reasons = parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: "; ")
    return "LOST \(lost + atSource) of \(lost + atSource + sent) records: \(reasons)\(lastTrouble.isEmpty ? "" : "; last: \(lastTrouble)")\n"
  }
}
