import ExperimentModel
import NIOCore

/// A whole system without its sockets: roles, routes, stages, database. Confined to one event loop after
/// it was built; `@unchecked Sendable` only so that it can be handed to that loop.
final class LabCore: @unchecked Sendable {
  let system: SystemSpec
  let environment: any Environment
  /// The routes of every role, of its first instance.
  private(set) var table = RouteTable()
  /// Every instance of every role with routes.
  private(set) var roles: [Role] = []
  private(set) var edges: [Edge] = []
  /// What listens; the first one is where traffic enters.
  private(set) var faces: [Face] = []
  private var routes: [Route] = []
  private(set) var caches: [CacheStage] = []
  private(set) var stages: [any Stage] = []
  /// Its files are deleted with the lab.
  let folder: LabFolder?
  private let database: (any SeededDatabase)?
  let broker: Broker?
  private(set) lazy var faults = FaultBus(self)
  /// By the name that stages share.
  var locks: [String: FairLock] = [:]
  private let writes = WriteLog()
  var usageBase = ProcessUsage()
  /// Whom `call` stages ask.
  private let peer: (any Peer)?
  /// nil: the system says nothing of telemetry.
  let telemetry: LabTelemetry?
  /// Of this process among those that ever used a second-level cache.
  private let born: Int64

  /// - Parameters:
  ///   - clients: a client for each address in the system's `l2` fields.
  ///   - peer: for `call` stages.
  ///   - epoch: from the environment's clock to nanoseconds since 1970, for what is recorded.
  ///   - directory: for the database and the queues, to find them again; nil: a temporary one.
  ///   - upstreams: connections of an edge to the instances of a role, so many to each at most; called twice for each edge.
  /// - Throws: `LabError` naming the first part of the system that cannot be served.
  init(
    _ system: SystemSpec, environment: any Environment, clients: [String: CacheClient] = [:], peer: (any Peer)? = nil,
    epoch: Int64 = 0, directory: String? = nil, upstreams: ((_ role: String, _ instances: Int, _ connectionsMax: Int) -> any Upstream)? = nil
  ) throws {
    self.system = system
    born = environment.now
    self.peer = peer
    self.environment = environment
    telemetry = LabTelemetry(system, epoch: epoch, environment: environment)
    let folder = system.keepsFiles ? try LabFolder(directory) : nil
    self.folder = folder
    database = try makeDatabase(system, folder: folder, isKept: directory != nil)
    broker = system.topics.isEmpty ? nil : try folder.map { try Broker(system, folder: $0.path + "/queue", environment: environment) }
    let tables = Dictionary(uniqueKeysWithValues: system.data.enumerated().map { ($1.name, $0) })

    let firstPools = try Self.openPools(system, database)

    for (roleSpec, number) in system.roles.filter({ $0.edge == nil }).flatMap(\.allInstances) {
      let role = try Role(roleSpec, number: number, environment: environment)
      // Instances share the database and nothing else: each has its own connections to it.
      let pools = number == 1 ? firstPools : try Self.openPools(system.only(roleSpec), database)
      role.telemetry = telemetry?.service(role.name, instance: role.instanceName)
      roles.append(role)
      for routeSpec in roleSpec.routes {
        let route = try Route(routeSpec, role: role)
        for stage in routeSpec.stages {
          let place = "system, role \(role.name), route \(route.method) \(route.path), stage \(stage.name)"
          switch stage.work {
          case .wait(let spec):
            let seed = system.seed &+ UInt64(stages.count)
            route.stages.append(WaitStage(spec, name: stage.name, seed: seed, environment: environment))
          case .bytes(let spec):
            route.stages.append(try makeBytesStage(spec, stage.name, route, place))
          case .cpu(let spec):
            guard (1...spec.work.unitsMax).contains(spec.units) else {
              throw LabError(
                place: place, cause: "\(spec.units) units of \(spec.work.rawValue)",
                remedy: "use between 1 and \(spec.work.unitsMax)")
            }
            route.stages.append(CPUStage(spec, name: stage.name, seed: system.seed, environment: environment))
          case .alloc(let spec):
            route.stages.append(try makeAllocStage(spec, stage.name, place))
          case .io(let spec):
            route.stages.append(try makeIOStage(spec, stage.name, place))
          case .infer(let spec):
            route.stages.append(try makeInferStage(spec, stage.name, role: roleSpec, place))
          case .publish(let spec): route.stages.append(try makePublishStage(spec, stage.name, route, place))
          case .lock(let spec): route.stages.append(makeLockStage(spec, stage.name))
          case .unlock: route.stages.append(UnlockStage(name: stage.name))
          case .limit(let spec): route.stages.append(try makeLimitStage(spec, stage.name, route, place))
          case .error(let spec): route.stages.append(try makeErrorStage(spec, stage.name, route, place))
          case .call(let spec):
            route.stages.append(try makeCallStage(spec, stage.name, route, place))
          case .sql(let spec):
            route.stages.append(
              try SQLStage(
                spec, name: stage.name, route: route, pool: pools[stage.name]!, tables: tables, writes: writes,
                environment: environment, place: place))
          case .cache(let spec):
            let cache = try makeCacheStage(spec, stage.name, route, clients, place)
            caches.append(cache)
            route.stages.append(cache)
          }
          stages.append(route.stages.last!)
          if role.telemetry == nil, stage.when != nil {
            throw LabError(place: place, cause: "`when` in a system without `telemetry`", remedy: "declare the attribute: `telemetry: {attributes: {…}}`")
          }
          try role.telemetry.map { try observe(route, stage, $0) }
        }
        if let service = role.telemetry { observe(route, roleSpec, service, pools) }
        routes.append(route)
        if let worker = roleSpec.worker {
          try attachConsumer(worker, roleSpec, to: role, route)
        } else if number == 1 {
          table.routes.append(route)
        }
      }
    }
    try connectInvalidations()
    try makeFaces(upstreams)
  }

  /// Without an edge all roles share one port; behind one, every instance listens for itself.
  private func makeFaces(_ upstreams: ((String, Int, Int) -> any Upstream)?) throws {
    for roleSpec in system.roles {
      guard let spec = roleSpec.edge else { continue }
      let edge = try makeEdge(spec, roleSpec.name, upstreams)
      edges.append(edge)
    }
    // Nobody connects to a worker.
    let answering = roles.filter { $0.consumer == nil }
    guard let front = system.frontEdge else {
      faces = [Face(name: "", table: table, roles: answering)]
      return
    }
    faces = edges.map { Face(name: $0.name, edge: $0) }
    // Traffic enters at the first face.
    faces.sort { a, b in a.name == front.name && b.name != front.name }
    for role in answering {
      var table = RouteTable()
      table.routes = routes.filter { $0.role === role }
      faces.append(Face(name: role.name, table: table, roles: [role]))
    }
  }

  func stages(of role: Role) -> [any Stage] { routes.filter { $0.role === role }.flatMap(\.stages) }

  /// One pool for each name of SQL stages, as large as the largest that is asked for: a `db` that two routes use is one
  /// database with one set of connections. Every connection has all of the name's statements prepared.
  private static func openPools(
    _ system: SystemSpec, _ database: (any SeededDatabase)?
  ) throws -> [String: ConnectionPool] {
    var wanted: [String: (size: Int, texts: [String], durable: Bool)] = [:]
    for case .sql(let spec, let stage) in system.allWork {
      guard (1...256).contains(spec.pool) else {
        throw LabError(
          place: "system, stage \(stage)", cause: "a pool of \(spec.pool) connections",
          remedy: "use between 1 and 256")
      }
      var pool = wanted[stage] ?? (0, [], false)
      pool.durable = pool.durable || spec.durable == true
      pool.size = max(pool.size, spec.pool)
      if !pool.texts.contains(spec.statement) { pool.texts.append(spec.statement) }
      wanted[stage] = pool
    }
    var pools: [String: ConnectionPool] = [:]
    for (stage, pool) in wanted {
      guard let database else {
        throw LabError(
          place: "system, stage \(stage)", cause: "there is SQL but no data", remedy: "declare a dataset under `data`")
      }
      let connections = try (0..<pool.size).map { _ in
        try database.connect(pool.texts, durable: pool.durable, place: "system, stage \(stage)")
      }
      pools[stage] = ConnectionPool(connections, statements: pool.texts)
    }
    return pools
  }

  private func makeCacheStage(
    _ spec: CacheSpec, _ name: String, _ route: Route, _ clients: [String: CacheClient], _ place: String
  ) throws -> CacheStage {
    guard spec.capacity ?? 0 >= 0, spec.bytes ?? 1 > 0, (0...1).contains(spec.jitter), spec.ttl?.rawValue ?? 1 > 0
    else {
      throw LabError(
        place: place, cause: "a negative capacity, bytes or ttl, or a jitter outside 0…1",
        remedy: "use capacity ≥ 0 (0 is off), bytes > 0, ttl > 0 and jitter between 0 and 1")
    }
    let key = try KeyTemplate(spec.key, variables: route.variableNames, place: place)
    // The same for all instances of a role: a second level is theirs together.
    let prefix = "nb:\(born):\(route.role.name)/\(name):"
    let second = spec.l2.flatMap { clients[$0] }.map { SecondLevel(client: $0, prefix: prefix) }
    return CacheStage(
      spec, name: name, key: key, seed: system.seed &+ UInt64(stages.count), writes: writes, secondLevel: second,
      environment: environment)
  }

  private func makeCallStage(_ spec: CallSpec, _ name: String, _ route: Route, _ place: String) throws -> CallStage {
    guard (1...1_000).contains(spec.k) else {
      throw LabError(place: place, cause: "\(spec.k) calls a request", remedy: "use between 1 and 1000")
    }
    guard let peer else { throw LabError(place: place, cause: "nobody can be called here", remedy: "serve the system on a port") }
    return CallStage(
      spec, name: name, path: try KeyTemplate(spec.path, variables: route.variableNames, place: place), peer: peer,
      environment: environment)
  }

  /// A role's process is gone for `duration` nanoseconds, or until `revive`. Its port refuses connections, unless other roles share it: then
  /// those that ask for this one are reset.
  func kill(_ role: Role, _ duration: Int64?) {
    role.kill(duration)
    for lock in locks.values { lock.abandon(role) }
    // What the process had in memory is lost with it.
    stages(of: role).forEach { $0.processDied() }
    faces.forEach { $0.killed(role) }
  }

  /// Gone and back at once: a supervisor's work. Nobody is refused, but whoever was connected is not any more.
  func restart(_ role: Role) {
    kill(role, 0)
  }

  /// A killed role's process is back before its time.
  func revive(_ role: Role) {
    role.revive()
    faces.forEach { $0.revived(role) }
  }

  private func connectInvalidations() throws {
    for route in routes {
      for case let cache as CacheStage in route.stages { try connectInvalidation(cache, of: route.role) }
    }
  }

  /// A write drops the key in the instance that it reaches: the others keep theirs until it expires, as real ones do.
  private func connectInvalidation(_ cache: CacheStage, of role: Role) throws {
    guard let wanted = cache.spec.invalidateOn else { return }
    let parts = wanted.split(separator: " ", maxSplits: 1).map(String.init)
    func find(_ routes: [Route]) -> Route? {
      parts.count == 2 ? routes.first { $0.method == parts[0].uppercased() && $0.path == parts[1] } : nil
    }
    guard let route = find(routes.filter { $0.role === role }) ?? find(routes) else {
      let known = table.routes.map { "`\($0.method) \($0.path)`" }.joined(separator: ", ")
      throw LabError(
        place: "system, stage \(cache.name)", cause: "invalidate_on `\(wanted)` is no route",
        remedy: "name one of \(known)")
    }
    let place = "system, stage \(cache.name), invalidate_on \(wanted)"
    route.invalidations.append(
      (cache, try KeyTemplate(cache.spec.key, variables: route.variableNames, place: place)))
  }
}

extension SystemSpec {
  /// A stage's work with the stage's name.
  enum NamedWork { case sql(SQLSpec, String), cache(CacheSpec, String), other }

  var allWork: [NamedWork] {
    roles.flatMap(\.routes).flatMap(\.stages).map { stage in
      switch stage.work {
      case .sql(let spec): .sql(spec, stage.name)
      case .cache(let spec): .cache(spec, stage.name)
      default: .other
      }
    }
  }

  /// Queues are files, and so is SQLite's database.
  fileprivate var keepsFiles: Bool { !topics.isEmpty || !data.isEmpty && service(.postgres) == nil }

  /// The system with one of its roles.
  func only(_ role: RoleSpec) -> SystemSpec {
    var part = self
    part.roles = [role]
    return part
  }

  /// Threads for statements that scan and for computing; a role computes in as many threads as it has workers. More
  /// than 32 wait for a thread, not for a connection or a worker. Those that only wait for another process's answer cost
  /// nothing, and every connection gets one.
  var threadsWanted: Int {
    var threads = 1
    for case .sql(let spec, _) in allWork { threads += max(0, min(spec.pool, 256)) }
    // A topic writes in one thread at a time, and so does a worker its acknowledgements, besides reading.
    threads += topics.count + 2 * roles.count { $0.worker != nil }
    for role in roles.flatMap(\.allInstances).map(\.role) {
      let stages = role.routes.flatMap(\.stages)
      if stages.contains(where: \.work.computes) { threads += max(0, min(role.workers, 256)) }
    }
    return min(threads, service(.postgres) == nil ? 32 : 1_024) + operationsWanted
  }

  /// Operations on files that can be under way at once; each has a thread, up to the largest depth of one request.
  private var operationsWanted: Int {
    roles.flatMap(\.allInstances).map(\.role).reduce(0) { sum, role in
      let deepest = role.routes.flatMap(\.stages).map { if case .io(let spec) = $0.work { spec.depth } else { 0 } }.max() ?? 0
      return min(sum + deepest * role.workers, IOSpec.depthMax)
    }
  }

  /// The distinct `l2` addresses of caches that are not switched off.
  var secondLevelAddresses: [String] {
    var seen: [String] = []
    for case .cache(let spec, _) in allWork {
      if let address = spec.l2, spec.capacity != 0, !seen.contains(address) { seen.append(address) }
    }
    return seen
  }
}

extension RoleSpec {
  /// As each instance is, with its number from 1.
  var allInstances: [(role: RoleSpec, number: Int)] { (1...max(1, instanceCount)).map { (instance($0), $0) } }
}
