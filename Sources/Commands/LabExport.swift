// `nb lab serve --otlp URL`: what the lab's roles record goes to an OTLP/HTTP receiver while they serve.

import ArgumentParser
import ExperimentModel
import LabSystems
import Statistics
import Synchronization
import TelemetryCollector
import TextModel

struct LabExportOptions: ParsableArguments {
  @Option(name: .customLong("otlp"), help: "URL of an OTLP/HTTP receiver for what the roles record; /v1/traces and so on are appended.") var url: String?
  @Option(help: "A host that is not this machine, and yours to send to.") var iOwn: [String] = []

  func validate() throws { if let url { _ = try LoadURL.receiver(url) } }

  /// nil without `--otlp`.
  ///
  /// - Throws: after a report, when the host is not permitted.
  func exporter() throws -> LabExport? {
    guard let url else { return nil }
    let place = try LoadURL.receiver(url)
    try place.requireTelemetryTarget(iOwn: iOwn)
    return try LabExport(place)
  }
}

struct LabExport {
  private static let queue = 64 << 20
  /// Seconds for what is left when the lab has ended.
  private static let grace: UInt64 = 5
  private let exporter: OTLPExporter
  private let deadline: Deadline

  init(_ place: LoadURL) throws(CollectorError) {
    var options = OTLPExporter.Options()
    options.queueBytesMax = Self.queue
    // As long as the lab serves a receiver may come back: until then it is tried, and what finds no room is dropped and counted.
    options.retry.longestSeconds = 2
    options.retry.giveUpSeconds = .infinity
    let random = Mutex(SeededRandom(seed: unixNanoseconds()))
    let deadline = Deadline()
    self.deadline = deadline
    exporter = try OTLPExporter(
      OTLPEndpoint(host: place.host, port: place.port, isTLS: place.isTLS, basePath: place.path), options,
      jitter: { random.withLock { Double.random(in: 0...1, using: &$0) } }, now: unixNanoseconds, isCancelled: { deadline.hasPassed })
  }

  /// All of it, when nobody said what is to be recorded.
  func switchOn(_ system: inout SystemSpec) {
    guard system.telemetry?.isSilent ?? true else { return }
    system.telemetry = TelemetrySpec(traces: 1, logs: true, metrics: true, attributes: system.telemetry?.attributes ?? [])
    Output.error("\(system.id) records nothing by itself: for --otlp traces, logs and metrics are on\n")
  }

  func take(_ part: RecordedTelemetry) {
    exporter.offer(CapturedRequest(signal: part.signal, receivedUnixNano: unixNanoseconds(), records: part.records, payload: part.payload))
  }

  /// Sends what is left, and says what became of all.
  ///
  /// - Throws: exit code 2 when something was lost.
  func finish(droppedByLab: Int) throws {
    deadline.begin(seconds: Self.grace)
    let counts = exporter.finish()
    Output.error(counts.sentText)
    guard counts.lost + droppedByLab > 0 else { return }
    Output.error(counts.lossText(queue: "\(Self.queue >> 20) MiB", giveUp: "", atSource: droppedByLab))
    throw Exit.threshold
  }
}

/// When a receiver has had its time.
private final class Deadline: Sendable {
  private let end = Mutex<UInt64>(.max)
  func begin(seconds: UInt64) { end.withLock { $0 = unixNanoseconds() + seconds * 1_000_000_000 } }
  var hasPassed: Bool { end.withLock { unixNanoseconds() > $0 } }
}
