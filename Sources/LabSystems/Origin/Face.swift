/// What answers at one port: an edge, one instance of a role, or, in a system without an edge, all roles together.
final class Face {
  /// Of the role, or the edge; "" for all roles together.
  let name: String
  let table: RouteTable
  let roles: [Role]
  let edge: Edge?
  /// 0 until the lab listens there.
  var port = 0
  /// Open client connections, by themselves.
  var connections: [ObjectIdentifier: Connection] = [:]
  /// Faults of the network at this port.
  var toxics: [ActiveToxic] = []
  /// Closes the listening socket until then, when the last role that listens there is killed; `.max`: until `openDoor`.
  var closeDoor: ((_ until: Int64) -> Void)?
  var openDoor: (() -> Void)?

  init(name: String, table: RouteTable = RouteTable(), roles: [Role] = [], edge: Edge? = nil) {
    self.name = name; self.table = table; self.roles = roles; self.edge = edge
  }

  /// A role's process is gone: who asks for it is reset, and when nobody is left to listen, the port refuses.
  func killed(_ role: Role) {
    guard roles.contains(where: { $0 === role }) else { return }
    if roles.allSatisfy(\.isDown) { closeDoor?(roles.map(\.downUntil).min() ?? .max) }
    let isNobodyLeft = roles.allSatisfy { $0 === role || $0.isDown }
    for connection in Array(connections.values) where isNobodyLeft || connection.waits(for: role) { connection.reset() }
  }

  func revived(_ role: Role) { if roles.contains(where: { $0 === role }) { openDoor?() } }
}
