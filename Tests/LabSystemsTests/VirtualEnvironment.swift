import ExperimentModel
import NIOCore

@testable import LabSystems

/// A clock that moves only when a test says so. Timers fire in order of deadline, then of registration.
final class VirtualEnvironment: Environment {
  private struct Timer { var deadline: Int64; var order: Int; var work: () -> Void }
  private var timers: [Timer] = []
  private var order = 0
  private(set) var now: Int64 = 1_000_000_000

  func at(_ deadline: Int64, _ work: @escaping () -> Void) {
    order += 1
    timers.append(Timer(deadline: max(deadline, now), order: order, work: work))
  }

  func offload<Result: Sendable>(
    _ work: @escaping @Sendable () -> Result, then: @escaping (Result) -> Void
  ) {
    // The statement runs at once; its answer comes a microsecond later, as from another thread.
    let result = work()
    at(now + 1_000) { then(result) }
  }

  /// Runs all timers up to and including `end`.
  func advance(by span: Int64) {
    let end = now + span
    while let next = timers.indices.filter({ timers[$0].deadline <= end })
      .min(by: { (timers[$0].deadline, timers[$0].order) < (timers[$1].deadline, timers[$1].order) })
    {
      let timer = timers.remove(at: next)
      now = max(now, timer.deadline)
      timer.work()
    }
    now = end
  }
}

/// Collects answers in the order in which they were given.
final class Collector: ExchangeOwner {
  struct Seen { var tag: Int; var status: Int; var cache: Exchange.CacheState; var body: String; var at: Int64 }
  private(set) var seen: [Seen] = []
  private var tags: [ObjectIdentifier: Int] = [:]
  private let environment: VirtualEnvironment
  init(_ environment: VirtualEnvironment) { self.environment = environment }

  /// Sends a request into the core, as a connection would.
  func send(_ core: LabCore, _ method: String, _ path: String, tag: Int) {
    let exchange = Exchange()
    let match = Array(path.utf8).withUnsafeBytes {
      core.table.match(method: method, path: $0, into: &exchange.variables)
    }
    guard case .route(let route) = match else { fatalError("no route \(path)") }
    exchange.route = route
    exchange.owner = self
    tags[ObjectIdentifier(exchange)] = tag
    kept.append(exchange)
    route.role.submit(exchange)
  }
  private var kept: [Exchange] = []

  func answered(_ exchange: Exchange) {
    seen.append(
      Seen(
        tag: tags[ObjectIdentifier(exchange)]!, status: exchange.answer.status, cache: exchange.cacheState,
        body: String(buffer: exchange.answer.body), at: environment.now))
  }
}

/// Systems for tests, small and explicit.
enum Sample {
  static let select = "SELECT * FROM product WHERE id = :id"
  static let update = "UPDATE product SET version = version + 1 WHERE id = :id"

  static func wait(_ milliseconds: Int64, name: String = "primary") -> StageSpec {
    StageSpec(
      name: name,
      work: .wait(WaitSpec(distribution: .constant(mean: Nanoseconds(milliseconds * 1_000_000)), standsFor: "test")))
  }
  static func sql(_ text: String, name: String = "db", pool: Int = 4) -> StageSpec {
    StageSpec(name: name, work: .sql(SQLSpec(statement: text, pool: pool)))
  }
  static func cache(_ spec: CacheSpec) -> StageSpec { StageSpec(name: "product-cache", work: .cache(spec)) }

  static func system(
    workers: Int = 256, queueLimit: Int = 10_000, timeout: Double = 10, rows: Int = 100, routes: [RouteSpec]
  ) -> SystemSpec {
    SystemSpec(
      id: "test", seed: 7,
      roles: [
        RoleSpec(
          name: "origin", workers: workers, queueLimit: queueLimit, timeout: Nanoseconds(seconds: timeout),
          routes: routes)
      ],
      data: rows > 0 ? [DatasetSpec(name: "product", rows: rows, popularity: .zipf(n: rows, s: 0.9))] : [])
  }

  /// GET through cache, SQL and an optional wait; PUT that writes.
  static func shop(_ cacheSpec: CacheSpec, wait milliseconds: Int64? = nil, rows: Int = 100) -> SystemSpec {
    var stages = [cache(cacheSpec), sql(select)]
    if let milliseconds { stages.append(wait(milliseconds)) }
    return system(
      rows: rows,
      routes: [
        RouteSpec(method: "GET", path: "/product/{id}", stages: stages),
        RouteSpec(method: "PUT", path: "/product/{id}", stages: [sql(update)]),
      ])
  }
}

extension LabCore {
  /// One counter of the control plane's snapshot.
  func counter(_ name: String) -> Int {
    snapshot().values[name] ?? -1
  }
}
