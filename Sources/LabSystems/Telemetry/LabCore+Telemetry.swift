import ExperimentModel
import NIOCore
import TelemetryModel

// How a core's parts come to their services, and the control plane's way out.

extension LabCore {
  /// A stage of a route that is being made.
  func observe(_ route: Route, _ stage: StageSpec, _ service: ServiceTelemetry) throws(LabError) {
    let recording = service.recording
    route.notes.append(try StageNote(stage, recording.flatMap { StageSpan(stage, system, service.names, $0) }, service.reader))
    if let call = route.stages.last as? CallStage, case .call(let spec) = stage.work {
      call.span = recording.flatMap { stage.span == false ? nil : StageSpan(calling: spec, stage.name, service.names, $0) }
    }
  }

  /// A route with all its stages.
  func observe(_ route: Route, _ spec: RoleSpec, _ service: ServiceTelemetry, _ pools: [String: ConnectionPool]) {
    route.attributePlaces = service.spec.attributes.map { attribute in
      if case .variable(let name) = attribute.source { route.variableNames.firstIndex(of: name) } else { nil }
    }
    for case .sql(_, let stage) in system.only(spec).allWork {
      guard let pool = pools[stage], !service.pools.contains(stage) else { continue }
      service.pools.append(stage)
      service.gauges.append { [unowned pool] in
        let name = Attribute("db.client.connection.pool.name", .string(stage))
        return [("used", pool.size - pool.free), ("idle", pool.free)].map {
          Gauge(
            name: "db.client.connection.count", unit: "{connection}", help: "Connections of a pool, by state.", isUpDownCounter: true,
            attributes: [name, Attribute("db.client.connection.state", .string($0.0))], value: $0.1)
        } + [
          Gauge(
            name: "db.client.connection.max", unit: "{connection}", help: "Connections that a pool may open.", isUpDownCounter: true, attributes: [name],
            value: pool.size),
          Gauge(
            name: "db.client.connection.pending_requests", unit: "{request}", help: "Requests that wait for a connection.", isUpDownCounter: true,
            attributes: [name], value: pool.pending),
        ]
      }
      service.times.append { [unowned pool, environment] in
        let name = Attribute("db.client.connection.pool.name", .string(stage))
        return [
          TimeSum(
            name: "db.client.connection.use_time", help: "Time between borrowing a connection and returning it.", attributes: [name], count: pool.uses,
            nanoseconds: pool.useTime(now: environment.now)),
          TimeSum(
            name: "db.client.connection.wait_time", help: "Time until a connection was there.", attributes: [name], count: pool.uses,
            nanoseconds: pool.waited),
        ]
      }
    }
    if let worker = spec.worker {
      let role = route.role
      service.gauges.append { [unowned role] in
        role.consumer.map { [Gauge(name: "nb.workers.pending", unit: "{request}", help: "Requests or messages that wait for a worker.", value: $0.waiting)] } ?? []
      }
      route.line = service.line(method: route.method, route: route.path, name: "process \(worker.consumes)")
      if let recording = service.recording {
        route.line?.texts = [
          ("messaging.system", "nb"), ("messaging.operation.name", "process"), ("messaging.operation.type", "process"),
          ("messaging.destination.name", recording.text(worker.consumes)),
        ]
      }
      return
    }
    route.line = service.line(method: route.method, route: route.path)
    route.headLine = route.method == "GET" ? service.line(method: "HEAD", route: route.path) : route.line
    guard !service.hasLoad else { return }
    service.hasLoad = true
    let role = route.role
    service.gauges.append { [unowned role] in
      let load = role.load
      return [
        Gauge(name: "nb.workers.pending", unit: "{request}", help: "Requests or messages that wait for a worker.", value: load.waiting),
        Gauge(name: "nb.workers.busy", unit: "{worker}", help: "Workers with a request.", value: load.busy),
        Gauge(name: "nb.workers.max", unit: "{worker}", help: "Workers that there are.", value: role.slots),
      ]
    }
    service.times.append { [unowned role] in
      let times = role.times
      return [
        TimeSum(name: "nb.workers.use_time", help: "Time for which a request kept a worker busy.", count: times.takes, nanoseconds: times.busy),
        TimeSum(name: "nb.workers.wait_time", help: "Time until a worker took a request.", count: times.takes, nanoseconds: times.waited),
      ]
    }
  }

  /// The faces have their ports.
  func facesListen(scheme: String) {
    for (index, face) in faces.enumerated() {
      face.edge?.telemetry?.ports = faces.filter { $0.name == face.edge?.spec.upstream }.map(\.port)
      for service in services(at: face) {
        service.port = face.port
        if index == 0, scheme == "https" { service.scheme = "https" }
      }
    }
  }

  private func services(at face: Face) -> [ServiceTelemetry] { face.roles.compactMap(\.telemetry) + [face.edge?.telemetry?.service].compactMap(\.self) }

  // MARK: The control plane

  /// `/metrics`, when metrics are on and no route of the face has that path.
  func scrapes(_ path: UnsafeRawBufferPointer, _ face: Face) -> Bool {
    guard telemetry?.spec.metrics == true, path.elementsEqual("/metrics".utf8) else { return false }
    guard face.edge == nil else { return !telemetryRoutesHaveMetrics }
    var variables: [String] = []
    if case .unknown = face.table.match(method: "GET", path: path, into: &variables) { return true }
    return false
  }

  private var telemetryRoutesHaveMetrics: Bool { system.roles.flatMap(\.routes).contains { $0.answers("/metrics") } }

  func metrics(_ accept: String, _ face: Face?) -> ControlReply {
    guard let telemetry, telemetry.spec.metrics else { return noTelemetry("metrics") }
    // Workers listen nowhere: what they say is read at the entry.
    let workers = face === faces.first ? roles.filter { $0.consumer != nil }.compactMap(\.telemetry) : []
    let services = face.map { self.services(at: $0) + workers } ?? telemetry.services
    let isOpen = accept.contains("application/openmetrics-text")
    return ControlReply(
      isOpen ? PrometheusText.openContentType : PrometheusText.contentType, ByteBuffer(string: PrometheusText.of(services, isOpen: isOpen)))
  }

  /// The oldest part of what was recorded and not fetched; ask again until there is nothing more.
  func telemetry(_ path: String, _ accept: String) -> ControlReply {
    guard let signal = TelemetrySignal(rawValue: String(path.dropFirst("/_nb/telemetry/".count))) else {
      return failure(404, "there is no signal at `\(path)`", "use traces, metrics or logs")
    }
    guard let telemetry else { return noTelemetry(signal.rawValue) }
    let bytes = telemetry.fetch(signal).bytes
    if accept.contains(OTLPFormat.protobuf.contentType) { return ControlReply("application/x-protobuf", ByteBuffer(bytes: bytes)) }
    return ControlReply("application/json", ByteBuffer(bytes: Self.json(bytes, signal)))
  }

  private static func json(_ bytes: [UInt8], _ signal: TelemetrySignal) -> [UInt8] {
    let decoder = OTLPDecoder()
    do {
      switch signal {
      case .traces: return try decoder.traces(bytes, as: .protobuf).batch.encoded(as: .json)
      case .metrics: return try decoder.metrics(bytes, as: .protobuf).batch.encoded(as: .json)
      case .logs: return try decoder.logs(bytes, as: .protobuf).batch.encoded(as: .json)
      }
    } catch { preconditionFailure("what was encoded here cannot be read: \(error)") }
  }

  private func noTelemetry(_ what: String) -> ControlReply {
    failure(404, "this system records no \(what)", "switch it on: `telemetry: {traces: 1, logs: true, metrics: true}`")
  }
}
