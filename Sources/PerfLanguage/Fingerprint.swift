// Seeds and input digests: the same on every machine and in every run, so neither `Hasher` nor
// floating-point formatting by locale.

import Crypto
import ExperimentModel
import Foundation

/// Raised when a kernel's meaning of the same plan changes, so that old results read as stale.
let kernelVersion = 1

/// A seed for a part of a lesson: FNV-1a of the id, mixed with the lesson's seed by splitmix64. 53 bits, so
/// that it survives every JSON reader.
func derivedSeed(_ lesson: UInt64, _ id: String) -> UInt64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
  var z = lesson &+ hash &+ 0x9e37_79b9_7f4a_7c15
  z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
  z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
  return (z ^ (z >> 31)) & ((1 << 53) - 1)
}

/// The seed of the learner of this name: of its letters, whatever their case, and of nothing else.
public func learnerSeed(of name: String) -> UInt64 { derivedSeed(0, "learner \(name.trimmed.lowercased())") }

/// 10 hex digits of SHA-256 over the canonical JSON of what the cell asks: titles, reasons, plots, declared
/// times, what a machine must have and the age of facts are not part of the question.
func inputsDigest(_ cell: Cell) -> String {
  var question = cell
  question.inputs = ""
  question.title = nil
  question.why = nil
  question.plots = []
  question.blockTime = nil
  question.requires = nil
  if case .cost(var cost) = question.work {
    func asked(_ input: CostInput) -> CostInput {
      guard case .fact(let id, let value, let unit, let asOf, _, _) = input else { return input }
      return .fact(id: id, value: value, unit: unit, asOf: asOf, stale: false)
    }
    cost.inputs = cost.inputs.mapValues(asked)
    cost.roi = cost.roi?.mapValues(asked)
    question.work = .cost(cost)
  }
  if case .bench(var bench) = question.work {
    for i in bench.subjects.indices {
      if case .fence(var fence) = bench.subjects[i].work {
        // Prose above a fence moves it; that is not another question.
        fence.path = ""
        fence.line = 0
        bench.subjects[i].work = .fence(fence)
      }
    }
    question.work = .bench(bench)
  }
  if case .check(var check) = question.work {
    check.hints = nil
    question.work = .check(check)
  }
  if case .observe(.profile(var query)) = question.work {
    query.fence.path = ""
    query.fence.line = 0
    question.work = .observe(.profile(query))
  }
  struct Keyed: Encodable {
    var kernel: Int
    var cell: Cell
  }
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  guard let json = try? encoder.encode(Keyed(kernel: kernelVersion, cell: question)) else {
    preconditionFailure("a plan holds only finite numbers and text")
  }
  return tenHexDigits(json)
}

/// The same question asked of other programs is another question: digest of a cell's inputs and the names, versions
/// and settings of the real components in it.
public func inputsDigest(_ inputs: String, with services: [RealService]) -> String {
  tenHexDigits(Data(([inputs] + services.map(\.text).sorted()).joined(separator: "\n").utf8))
}

private func tenHexDigits(_ data: Data) -> String {
  SHA256.hash(data: data).prefix(5).map { String(format: "%02x", $0) }.joined()
}
