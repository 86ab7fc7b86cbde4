import ExperimentModel
import Foundation

/// The work of a `cpu` stage with its seeded input: the same input and the same result at every call.
struct Computation: Sendable {
  struct Outcome: Equatable, Sendable {
    var checksum: UInt64
    /// What the work is counted in: comparisons of `sort` and `dedupe-quadratic`, look-ups of `dedupe-hash`, blocks of
    /// 64 bytes of `sha256`, bytes of JSON of `json`, rounds of `spin`.
    var operations: Int
  }

  private struct Order: Codable {
    var id: Int
    var customer: String
    var items: [Int]
    var price: Int
  }

  let spec: CPUSpec
  private let seed: UInt64
  private let numbers: [UInt64]
  private let bytes: [UInt8]
  private let orders: [Order]

  init(_ spec: CPUSpec, seed: UInt64, stream: String) {
    self.spec = spec
    var random = SeededRandom(seed: seed, stream: stream)
    self.seed = random.next()
    var (numbers, bytes, orders) = ([UInt64](), [UInt8](), [Order]())
    switch spec.work {
    case .sort: numbers = (0..<spec.units).map { _ in random.next() }
    // From as many values as there are numbers, so that 63 % (1 − 1/e) are kept whatever the size.
    case .dedupeQuadratic, .dedupeHash: numbers = (0..<spec.units).map { _ in random.next() % UInt64(spec.units) }
    case .sha256: bytes = (0..<1024).map { _ in UInt8(truncatingIfNeeded: random.next() >> 32) }
    case .json:
      orders = (0..<spec.units).map { id in
        Order(
          id: id, customer: "customer-\(random.next() % 100_000)", items: (0..<4).map { _ in Int(random.next() % 10_000) },
          price: Int(random.next() % 1_000_000))
      }
    case .spin: break
    }
    self.numbers = numbers; self.bytes = bytes; self.orders = orders
  }

  func run() -> Outcome {
    switch spec.work {
    case .sha256: sha256()
    case .sort: sort()
    case .json: json()
    case .dedupeQuadratic: dedupeQuadratic()
    case .dedupeHash: dedupeHash()
    case .spin: spin()
    }
  }

  private func sha256() -> Outcome {
    var hash = SHA256()
    for _ in 0..<spec.units { hash.update(bytes) }
    let digest = hash.finished()
    return Outcome(checksum: digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }, operations: spec.units * 16 + 1)
  }

  private func sort() -> Outcome {
    var comparisons = 0
    let sorted = numbers.sorted { a, b in
      comparisons += 1
      return a < b
    }
    var checksum: UInt64 = 0
    for number in sorted { checksum = mix64(checksum ^ number) }
    return Outcome(checksum: checksum, operations: comparisons)
  }

  private func json() -> Outcome {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    guard let text = try? encoder.encode(orders), let read = try? JSONDecoder().decode([Order].self, from: text) else {
      preconditionFailure("orders of text and whole numbers are JSON and back")
    }
    return Outcome(checksum: read.reduce(0) { mix64($0 ^ UInt64($1.id + $1.price + $1.items[3])) }, operations: text.count)
  }

  private func dedupeQuadratic() -> Outcome {
    var kept: [UInt64] = []
    var comparisons = 0
    for number in numbers {
      if let place = kept.firstIndex(of: number) {
        comparisons += place + 1
      } else {
        comparisons += kept.count
        kept.append(number)
      }
    }
    return Outcome(checksum: checksum(kept), operations: comparisons)
  }

  private func dedupeHash() -> Outcome {
    var seen: Set<UInt64> = []
    var kept: [UInt64] = []
    for number in numbers where seen.insert(number).inserted { kept.append(number) }
    return Outcome(checksum: checksum(kept), operations: numbers.count)
  }

  private func checksum(_ kept: [UInt64]) -> UInt64 { kept.reduce(UInt64(kept.count)) { mix64($0 ^ $1) } }

  private func spin() -> Outcome {
    var x = seed | 1
    // Not a linear generator: compilers jump ten steps of one at a time.
    for _ in 0..<(spec.units * 1_000) { x = mix64(x &+ 0x9E37_79B9_7F4A_7C15) }
    return Outcome(checksum: x, operations: spec.units * 1_000)
  }
}
