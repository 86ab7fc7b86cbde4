import ExperimentModel
import NIOCore
import NIOPosix

// The subjects of a bench child. Every subject fetches the payloads of the same seeded key stream and folds them into
// a checksum, so that equal K gives equal checksums: faster but different is found out.

/// Work that is repeated under the clock.
protocol BenchSubject: AnyObject {
  /// Does `count` iterations from the start of the key stream. No set-up happens here.
  func run(_ count: Int) throws -> BenchTotals
  /// What a reader must know about how it works, on one line; nil: nothing.
  var note: String? { get }
}

extension BenchSubject {
  var note: String? { nil }
}

/// Totals of one `run`, without its times.
struct BenchTotals: Equatable {
  var checksum: UInt64
  /// SQLite virtual-machine steps; nil for subjects without SQL.
  var vmSteps: Int?
  /// What else was counted, by name, in the order of the answer.
  var counts: [Count] = []

  struct Count: Equatable {
    var name: String
    var value: Int
  }
}

/// The keys of a job: a fixed cycle, drawn before the clock runs.
struct BenchKeys {
  static let cycle = 1 << 16
  let ids: [Int64]
  init(_ dataset: DatasetSpec, seed: UInt64) {
    var stream = KeyStream(dataset.popularity, seed: seed)
    ids = (0..<Self.cycle).map { _ in Int64(min(stream.next(), dataset.rows)) }
  }
}

/// `cache-get`: an in-process cache with the policy of the system's first cache, filled with every row.
final class CacheGetSubject: BenchSubject {
  private let cache: any BoundedCache<String, [UInt8]>
  private let keys: [String]

  init(_ dataset: DatasetSpec, system: SystemSpec, seed: UInt64) {
    var policy = CachePolicy.lru
    for case .cache(let spec, _) in system.allWork { policy = spec.policy; break }
    cache = makeCache(policy, capacity: dataset.rows, byteLimit: nil)
    let rows = DatasetRows(dataset, among: system.data, seed: system.seed)
    for id in 1...dataset.rows {
      cache.insert(rows.payload(id), for: String(id), cost: DatasetRows.payloadBytes, expires: .max)
    }
    keys = BenchKeys(dataset, seed: seed).ids.map { String($0) }
  }

  func run(_ count: Int) throws -> BenchTotals {
    var checksum = Checksum()
    for i in 0..<count {
      guard let value = cache.value(for: keys[i & (BenchKeys.cycle - 1)], now: 0) else {
        throw LabError(
          place: "cache-get", cause: "key \(keys[i & (BenchKeys.cycle - 1)]) is not in the cache",
          remedy: "this is a defect of the lab; please report it")
      }
      value.withUnsafeBytes { checksum.add($0) }
    }
    return BenchTotals(checksum: checksum.value)
  }
}

/// `memcached-get`: the same rows from the lab's memcached or a real one, one blocking round trip over loopback each.
final class MemcachedGetSubject: BenchSubject {
  /// nil: a real one.
  private let own: (group: MultiThreadedEventLoopGroup, server: MemcachedServer)?
  private let client: BlockingMemcachedClient
  private let keys: [[UInt8]]

  init(_ dataset: DatasetSpec, system: SystemSpec, seed: UInt64) throws {
    guard dataset.rows * (DatasetRows.payloadBytes + 16) <= MemcachedStore.byteLimit else {
      throw LabError(
        place: "memcached-get", cause: "\(dataset.rows) rows do not fit into the lab's memcached",
        remedy: "use at most \(MemcachedStore.byteLimit / (DatasetRows.payloadBytes + 16)) rows")
    }
    if let real = system.service(.memcached) {
      own = nil
      client = try BlockingMemcachedClient(port: real.port)
    } else {
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
      let server = try MemcachedServer(on: group.next())
      own = (group, server)
      client = try BlockingMemcachedClient(port: server.port)
    }
    let rows = DatasetRows(dataset, among: system.data, seed: system.seed)
    try client.fill((1...dataset.rows).lazy.map { (Array(String($0).utf8), rows.payload($0)) })
    keys = BenchKeys(dataset, seed: seed).ids.map { Array("get \($0)\r\n".utf8) }
  }

  func run(_ count: Int) throws -> BenchTotals {
    var checksum = Checksum()
    for i in 0..<count {
      try client.get(command: keys[i & (BenchKeys.cycle - 1)]) { checksum.add($0) }
    }
    return BenchTotals(checksum: checksum.value)
  }

  deinit {
    own?.server.stop()
    try? own?.group.syncShutdownGracefully()
  }
}

/// `spin`: 1000 dependent multiplications an iteration; for checking the instrument itself.
final class SpinSubject: BenchSubject {
  private let seed: UInt64
  init(seed: UInt64) { self.seed = seed }
  func run(_ count: Int) throws -> BenchTotals {
    var state = seed | 1
    for _ in 0..<count {
      for _ in 0..<1000 { state = (state ^ (state >> 29)) &* 0xBF58_476D_1CE4_E5B9 }
    }
    return BenchTotals(checksum: state)
  }
}

/// The subject of a job, set up and ready to run.
func makeSubject(_ job: BenchJob) throws -> any BenchSubject {
  let place = "bench subject \(job.subject.name)"
  if case .builtin("spin") = job.subject.work { return SpinSubject(seed: job.seed) }
  if case .builtin("commit") = job.subject.work { return try CommitSubject(job.system, place: place) }
  if case .builtin("alloc") = job.subject.work { return try AllocSubject(job.system, seed: job.seed, place: place) }
  if case .builtin(let word) = job.subject.work, let subject = try spanSubject(word, attributes: job.subject.n ?? 6, place: place) { return subject }
  guard let system = job.system, system.data.contains(where: { $0.rows > 0 }) else {
    throw LabError(
      place: place, cause: "the subject needs rows and the block has none",
      remedy: "add `uses:` with a system that declares `data`")
  }
  switch job.subject.work {
  case .builtin("cache-get"): return CacheGetSubject(try payloads(system, place), system: system, seed: job.seed)
  case .builtin("memcached-get"): return try MemcachedGetSubject(try payloads(system, place), system: system, seed: job.seed)
  case .builtin(let name):
    throw LabError(
      place: place, cause: "there is no builtin `\(name)`", remedy: "use cache-get, memcached-get, commit, alloc, one of the spans or spin")
  case .sql(let text): return try makeStatementSubject(text, job, system: system)
  case .command, .fence:
    throw LabError(place: place, cause: "commands and code run outside the lab", remedy: "this is a mistake of nb; please report it")
  }
}

/// The dataset whose payloads a cache holds.
private func payloads(_ system: SystemSpec, _ place: String) throws -> DatasetSpec {
  guard let dataset = system.data.first(where: { $0.kind == .products && $0.rows > 0 }) else {
    throw LabError(
      place: place, cause: "the system `\(system.id)` has no dataset with payloads", remedy: "add one with `schema: products` to its `data`")
  }
  return dataset
}
