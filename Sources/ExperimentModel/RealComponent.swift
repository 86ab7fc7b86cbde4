// Real programs in the place of the lab's own parts: by opt-in only (`nb run --real postgres`), and named with their
// version in every result that they had a part in.

/// What can be replaced, by the name that the command line uses.
public enum RealComponent: String, Codable, Sendable, CaseIterable {
  /// Runs the statements of `sql` stages and of SQL subjects, in the place of SQLite.
  case postgres
  /// The second level of caches with `l2: lab`, in the place of the lab's memcached.
  case redis
  /// As `redis`, and what `memcached-get` asks.
  case memcached
  /// The front edge.
  case nginx, haproxy

  /// The lab starts it before its own instances, which it must know; the others are up before there is a lab.
  public var isProxy: Bool { self == .nginx || self == .haproxy }

  /// What it stands in for, as in "nothing in day08.md has …".
  public var place: String {
    switch self {
    case .postgres: "a `sql` stage or a SQL subject"
    case .redis: "a cache with `l2: lab`"
    case .memcached: "a cache with `l2: lab` or the subject `memcached-get`"
    case .nginx, .haproxy: "an edge"
    }
  }
}

/// A real component that is up, on 127.0.0.1.
public struct RealService: Codable, Hashable, Sendable {
  public var component: RealComponent
  /// Of a proxy 0: it is up with the lab, at the lab's own port.
  public var port: Int
  /// Name and version as the program itself says them: `PostgreSQL 15.18`.
  public var label: String
  /// How it is set up, where that differs from its defaults: `fsync off`.
  public var settings: String
  /// The account to connect as, where there is one. Made up for this run, so that nobody else's server accepts it.
  public var user: String?
  public init(component: RealComponent, port: Int, label: String, settings: String, user: String? = nil) {
    self.component = component; self.port = port; self.label = label; self.settings = settings; self.user = user
  }

  /// `PostgreSQL 15.18 (fsync off)`
  public var text: String { settings.isEmpty ? label : "\(label) (\(settings))" }
}

extension SystemSpec {
  /// Whether a part of the system would be this component.
  public func uses(_ component: RealComponent) -> Bool {
    if component.isProxy { return frontEdge != nil }
    return roles.flatMap(\.routes).flatMap(\.stages).contains { stage in
      switch (component, stage.work) {
      case (.postgres, .sql): true
      case (.redis, .cache(let cache)), (.memcached, .cache(let cache)): cache.l2 == "lab" && cache.capacity != 0
      default: false
      }
    }
  }

  /// The service in a component's place, where there is one.
  public func service(_ component: RealComponent) -> RealService? { real?.first { $0.component == component } }

  /// What stands in the front edge's place; nil: the edge itself.
  public var proxy: RealService? { frontEdge == nil ? nil : real?.first { $0.component.isProxy } }
}

extension Cell {
  /// Whether a part of what the cell measures would be this component.
  public func uses(_ component: RealComponent) -> Bool {
    switch work {
    case .load(let load): load.arms.contains { $0.system.uses(component) }
    case .bench(let bench): bench.subjects.contains { $0.uses(component) }
    case .sim, .cost, .check, .observe, .slo: false
    }
  }

  /// Puts the services in the places that they were started for.
  ///
  /// - Returns: those that the cell uses.
  public mutating func connect(_ services: [RealService]) -> [RealService] {
    let used = services.filter { uses($0.component) }
    guard !used.isEmpty else { return [] }
    switch work {
    case .load(var load):
      for i in load.arms.indices {
        let own = used.filter { load.arms[i].system.uses($0.component) }
        if !own.isEmpty { load.arms[i].system.real = own }
      }
      work = .load(load)
    case .bench(var bench):
      bench.system?.real = used
      for i in bench.subjects.indices { bench.subjects[i].system?.real = used }
      work = .bench(bench)
    case .sim, .cost, .check, .observe, .slo: break
    }
    return used
  }
}

extension SubjectSpec {
  fileprivate func uses(_ component: RealComponent) -> Bool {
    switch (component, work) {
    case (.postgres, .sql): true
    case (.memcached, .builtin(let name)): name == "memcached-get"
    default: false
    }
  }
}

extension RealService {
  /// Under the table of a result.
  public var footnote: String {
    switch component {
    case .postgres: "\(text) ran the SQL, not the lab's SQLite; its CPU time is not in that of the lab"
    case .redis: "\(text) was the second level of the cache, not the lab's memcached; its CPU time is not in that of the lab"
    case .memcached: "\(text) answered, not the lab's own; its CPU time is not in that of the lab"
    case .nginx, .haproxy: "\(text) was the edge, not the lab's own; its CPU time is not in that of the lab, and what it counts is not counted"
    }
  }
}
