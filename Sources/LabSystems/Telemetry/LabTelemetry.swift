import ExperimentModel
import TelemetryModel

/// The services of a lab together: made with it, encoded now and then while they are busy, fetched through the control plane.
final class LabTelemetry {
  let spec: TelemetrySpec
  /// nil: nothing of a request is read.
  let reader: TrailReader?
  private(set) var services: [ServiceTelemetry] = []
  private let system: SystemSpec
  private let environment: any Environment
  private let epoch: Int64
  private var isPlanned = false
  /// Often enough that 8,192 spans of a service are not full before, seldom enough that encoding goes in bulk.
  private static let interval: Int64 = 200_000_000

  /// nil: the system says nothing of telemetry.
  init?(_ system: SystemSpec, epoch: Int64, environment: any Environment) {
    guard let spec = system.telemetry else { return nil }
    self.spec = spec; self.system = system; self.epoch = epoch; self.environment = environment
    reader = TrailReader(spec)
  }

  func service(_ name: String, instance: String) -> ServiceTelemetry {
    let service = ServiceTelemetry(
      name, instance: instance, system, spec, reader: reader, stream: UInt64(services.count), epoch: epoch, environment: environment)
    services.append(service)
    // Unowned: the service is ours.
    if !spec.isSilent { service.wakes = { [unowned self] in plan() } }
    return service
  }

  private func plan() {
    guard !isPlanned else { return }
    isPlanned = true
    environment.at(environment.now + Self.interval) { [self] in
      isPlanned = false
      let parts = services.map(\.encoding)
      environment.offload { parts.forEach { $0() } } then: { _ in }
    }
  }

  // MARK: Fetching

  /// The oldest part of what nobody has fetched; empty when there is nothing more.
  func fetch(_ signal: TelemetrySignal) -> (bytes: [UInt8], records: Int) {
    services.forEach { $0.encoding() }
    switch signal {
    case .traces: return join(services.map(\.spans))
    case .logs: return join(services.map(\.logs))
    case .metrics:
      let batch = MetricBatch(resources: services.compactMap { $0.drainMetrics() })
      return (batch.encoded(as: .protobuf), batch.records.reduce(0) { $0 + $1.data.pointCount })
    }
  }

  /// Whole fetches of one service after the other, up to the size of one.
  private func join(_ outboxes: [Outbox]) -> (bytes: [UInt8], records: Int) {
    var fetched: (bytes: [UInt8], records: Int) = ([], 0)
    for outbox in outboxes {
      while fetched.bytes.count < Outbox.fetchMax / 2 {
        let more = outbox.fetch(atMost: Outbox.fetchMax - fetched.bytes.count)
        if more.bytes.isEmpty { break }
        fetched.bytes += more.bytes
        fetched.records += more.records
      }
    }
    return fetched
  }

  /// Spans and log records that found no room.
  var dropped: Int { services.reduce(0) { $0 + $1.dropped } }

  func clear() { services.forEach { $0.clear() } }
}
