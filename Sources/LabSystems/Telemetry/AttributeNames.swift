import ExperimentModel
import TelemetryModel

/// What the attributes of HTTP and of databases are called. The old names are those that the conventions list as deprecated, each
/// beside the one that took its place.
struct AttributeNames {
  let method: TelemetryText
  let path: TelemetryText
  let scheme: TelemetryText
  let status: TelemetryText
  /// Of a server: where it listens.
  let host: TelemetryText
  let hostPort: TelemetryText
  /// Of a client: whom it asks.
  let peer: TelemetryText
  let peerPort: TelemetryText
  let url: TelemetryText
  let database: TelemetryText
  let statement: TelemetryText
  let operation: TelemetryText
  let table: TelemetryText
  /// A template of a URL, and what kind of error it was: names that there were not.
  let template: TelemetryText?
  let error: TelemetryText?

  init(_ age: ConventionAge?) {
    switch age ?? .stable {
    case .stable:
      (method, path, scheme, status) = ("http.request.method", "url.path", "url.scheme", "http.response.status_code")
      (host, hostPort, peer, peerPort, url) = ("server.address", "server.port", "server.address", "server.port", "url.full")
      (database, statement, operation, table) = ("db.system.name", "db.query.text", "db.operation.name", "db.collection.name")
      (template, error) = ("url.template", "error.type")
    case .old:
      (method, path, scheme, status) = ("http.method", "http.target", "http.scheme", "http.status_code")
      (host, hostPort, peer, peerPort, url) = ("net.host.name", "net.host.port", "net.peer.name", "net.peer.port", "http.url")
      (database, statement, operation, table) = ("db.system", "db.statement", "db.operation", "db.sql.table")
      (template, error) = (nil, nil)
    }
  }
}
