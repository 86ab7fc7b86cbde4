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
  /// Closes the listening socket until then, when the last role that listens there is killed.
  var closeDoor: ((_ until: Int64) -> Void)?

  init(name: String, table: RouteTable = RouteTable(), roles: [Role] = [], edge: Edge? = nil) {
    self.name = name; self.table = table; self.roles = roles; self.edge = edge
  }

  /// A role's process is gone: who asks for it is reset, and when nobody is left to listen, the port refuses.
  func killed(_ role: Role, now: Int64) {
    guard roles.contains(where: { $0 === role }) else { return }
    let areAllDown = roles.allSatisfy(\.isDown)
    if areAllDown { closeDoor?(roles.map(\.downUntil).min() ?? now) }
    for connection in Array(connections.values) where areAllDown || connection.waits(for: role) { connection.reset() }
  }
}
