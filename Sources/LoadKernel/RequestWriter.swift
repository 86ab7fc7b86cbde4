// Renders requests: draws a key, then copies pieces into one buffer that all connections of a loop share
// (what the kernel does not take at once is the exception and moves to memory of the connection). No allocation once
// the buffer has the size of the largest request.

import ExperimentModel
import Statistics

struct RequestWriter: ~Copyable {
  private let scenario: Scenario
  private var samplers: [KeySampler]
  private var keys: SeededRandom
  private(set) var buffer = ByteStore(capacity: 4_096)

  /// - Parameter loop: has draws of its own.
  init(_ scenario: Scenario, seed: UInt64, loop: Int = 0) {
    self.scenario = scenario
    samplers = scenario.samplers
    keys = SeededRandom(seed: seed, stream: 3 + UInt64(loop) << 8)
  }

  /// Renders into `buffer`, which holds nothing else.
  mutating func render(_ template: Int, row: Int, user: User?) {
    buffer.count = 0
    let one = scenario.templates[template]
    var key = 0
    if one.sampler >= 0 { key = samplers[Int(one.sampler)].next(&keys) }
    let head = scenario.pieces + Int(one.firstPiece)
    let body = head + Int(one.headPieces)
    for i in 0..<Int(one.headPieces) {
      switch head[i] {
      case .bytes(let start, let count): buffer.append(scenario.arena + Int(start), Int(count))
      case .key: appendDigits(key)
      case .variable(let variable): append(variable, user)
      case .column(let column): append(column: column, row)
      case .cookies:
        if let user, user.cookies.count > 0 { appendCookies(user) }
      case .bodyLength: appendDigits(length(body, Int(one.bodyPieces), row, user))
      }
    }
    for i in 0..<Int(one.bodyPieces) {
      switch body[i] {
      case .bytes(let start, let count): buffer.append(scenario.arena + Int(start), Int(count))
      case .variable(let variable): append(variable, user)
      case .column(let column): append(column: column, row)
      case .key, .cookies, .bodyLength: break
      }
    }
  }

  private func length(_ body: UnsafeMutablePointer<Piece>, _ count: Int, _ row: Int, _ user: User?) -> Int {
    var sum = 0
    for i in 0..<count {
      switch body[i] {
      case .bytes(_, let count): sum += Int(count)
      case .variable(let variable): sum += user?.value(Int(variable)).count ?? 0
      case .column(let column): sum += scenario.data?.cell(row, Int(column)).count ?? 0
      case .key, .cookies, .bodyLength: break
      }
    }
    return sum
  }

  private mutating func append(_ variable: Int32, _ user: User?) {
    guard let value = user?.value(Int(variable)), value.count > 0 else { return }
    buffer.append(value.start, value.count)
  }

  private mutating func append(column: Int32, _ row: Int) {
    guard let cell = scenario.data?.cell(row, Int(column)), let base = cell.baseAddress, cell.count > 0 else { return }
    buffer.append(base, cell.count)
  }

  private mutating func appendCookies(_ user: User) {
    let name: StaticString = "Cookie: "
    buffer.append(name.utf8Start, name.utf8CodeUnitCount)
    buffer.append(user.cookies.bytes, user.cookies.count)
    buffer.append(13)
    buffer.append(10)
  }

  private mutating func appendDigits(_ value: Int) {
    var digits = 1
    var limit = 10
    while value >= limit, digits < 19 { digits += 1; limit &*= 10 }
    buffer.reserve(buffer.count + digits)
    var rest = value
    for i in stride(from: digits - 1, through: 0, by: -1) {
      buffer.bytes[buffer.count + i] = 48 + UInt8(rest % 10)
      rest /= 10
    }
    buffer.count += digits
  }
}
