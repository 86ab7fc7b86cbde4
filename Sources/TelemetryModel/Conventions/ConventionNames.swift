// Names, units and types of OpenTelemetry's semantic conventions, as far as the lab and the course use them: HTTP, databases,
// messaging, RPC, process and system. Facts of version 1.40 (opentelemetry-semantic-conventions 0.66b2 on PyPI, against which
// the tables were compared); a name that is not here is nobody's error.

/// What a metric of the conventions is measured with.
public enum ConventionInstrument: String, Sendable {
  case counter, upDownCounter, gauge, histogram
}

enum ConventionNames {
  typealias MetricRule = (unit: String, instrument: ConventionInstrument)

  static let metrics: [String: MetricRule] = [
    "http.server.request.duration": ("s", .histogram), "http.server.active_requests": ("{request}", .upDownCounter),
    "http.server.request.body.size": ("By", .histogram), "http.server.response.body.size": ("By", .histogram),
    "http.client.request.duration": ("s", .histogram), "http.client.request.body.size": ("By", .histogram),
    "http.client.response.body.size": ("By", .histogram), "http.client.open_connections": ("{connection}", .upDownCounter),
    "http.client.active_requests": ("{request}", .upDownCounter), "http.client.connection.duration": ("s", .histogram),
    "db.client.operation.duration": ("s", .histogram), "db.client.response.returned_rows": ("{row}", .histogram),
    "db.client.connection.count": ("{connection}", .upDownCounter), "db.client.connection.max": ("{connection}", .upDownCounter),
    "db.client.connection.pending_requests": ("{request}", .upDownCounter), "db.client.connection.timeouts": ("{timeout}", .counter),
    "db.client.connection.create_time": ("s", .histogram), "db.client.connection.wait_time": ("s", .histogram),
    "db.client.connection.use_time": ("s", .histogram), "messaging.client.operation.duration": ("s", .histogram),
    "messaging.process.duration": ("s", .histogram), "messaging.client.sent.messages": ("{message}", .counter),
    "messaging.client.consumed.messages": ("{message}", .counter), "rpc.server.call.duration": ("s", .histogram),
    "rpc.client.call.duration": ("s", .histogram), "dns.lookup.duration": ("s", .histogram), "process.cpu.time": ("s", .counter),
    "process.cpu.utilization": ("1", .gauge), "process.memory.usage": ("By", .upDownCounter), "process.memory.virtual": ("By", .upDownCounter),
    "process.disk.io": ("By", .counter), "process.network.io": ("By", .counter), "process.thread.count": ("{thread}", .upDownCounter),
    "process.context_switches": ("{context_switch}", .counter), "process.paging.faults": ("{fault}", .counter),
    "system.cpu.time": ("s", .counter), "system.cpu.utilization": ("1", .gauge), "system.memory.usage": ("By", .upDownCounter),
    "system.memory.utilization": ("1", .gauge), "system.disk.io": ("By", .counter), "system.network.io": ("By", .counter),
  ]

  enum ValueType: String { case string, int, double, bool }

  static let types: [String: ValueType] = [
    "http.request.method": .string, "http.route": .string, "http.response.status_code": .int, "http.request.resend_count": .int,
    "http.request.body.size": .int, "http.response.body.size": .int, "url.full": .string, "url.path": .string, "url.query": .string,
    "url.scheme": .string, "server.address": .string, "server.port": .int, "client.address": .string, "network.peer.address": .string,
    "network.peer.port": .int, "network.protocol.version": .string, "user_agent.original": .string, "error.type": .string,
    "db.system.name": .string, "db.namespace": .string, "db.collection.name": .string, "db.operation.name": .string, "db.query.text": .string,
    "db.response.status_code": .string, "messaging.system": .string, "messaging.operation.name": .string, "messaging.operation.type": .string,
    "messaging.destination.name": .string, "rpc.system.name": .string, "rpc.method": .string, "service.name": .string,
    "service.version": .string, "service.instance.id": .string, "deployment.environment.name": .string, "exception.type": .string,
    "exception.message": .string,
  ]

  /// Names of old, with what stands in their place.
  static let deprecated: [String: String] = [
    "http.method": "http.request.method", "http.status_code": "http.response.status_code", "http.url": "url.full", "http.scheme": "url.scheme",
    "http.target": "url.path and url.query", "http.host": "server.address", "http.server_name": "server.address",
    "http.flavor": "network.protocol.version", "http.user_agent": "user_agent.original", "http.client_ip": "client.address",
    "http.request_content_length": "http.request.header.content-length", "http.response_content_length": "http.response.header.content-length",
    "net.peer.name": "server.address (of a client) or client.address (of a server)",
    "net.peer.port": "server.port (of a client) or client.port (of a server)", "net.host.name": "server.address", "net.host.port": "server.port",
    "net.peer.ip": "network.peer.address", "net.sock.peer.addr": "network.peer.address", "net.protocol.version": "network.protocol.version",
    "net.transport": "network.transport", "db.system": "db.system.name", "db.name": "db.namespace", "db.statement": "db.query.text",
    "db.operation": "db.operation.name", "db.sql.table": "db.collection.name", "messaging.operation": "messaging.operation.type",
    "deployment.environment": "deployment.environment.name", "rpc.system": "rpc.system.name",
  ]
}
