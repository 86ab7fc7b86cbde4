// What an iteration is about, drawn at its beginning: the entry of the scenario, and the row of its data.

import ExperimentModel
import Statistics

struct IterationDraw: ~Copyable {
  private let scenario: Scenario
  private var choice: SeededRandom
  private var rows: SeededRandom
  private var nextRow: Int
  private let rowStride: Int

  /// - Parameters: loop `loop` of `loops`: draws of its own, and every `loops`-th row of sequential data.
  init(_ scenario: Scenario, seed: UInt64, loop: Int, loops: Int) {
    self.scenario = scenario
    choice = SeededRandom(seed: seed, stream: 2 + UInt64(loop) << 8)
    rows = SeededRandom(seed: seed, stream: 5 + UInt64(loop) << 8)
    nextRow = loop
    rowStride = loops
  }

  mutating func entry() -> Int {
    guard scenario.entryCount > 1 else { return 0 }
    let entries = scenario.entries
    let point = choice.uniform() * entries[scenario.entryCount - 1].cumulative
    var i = 0
    while i < scenario.entryCount - 1, entries[i].cumulative <= point { i += 1 }
    return i
  }

  /// 0 without data.
  mutating func row(user: Int) -> Int {
    guard let data = scenario.data else { return 0 }
    switch data.order {
    case .perUser: return user % data.rows
    case .random: return min(data.rows - 1, Int(rows.uniform() * Double(data.rows)))
    case .sequential:
      let row = nextRow % data.rows
      nextRow = (row + rowStride) % data.rows
      return row
    }
  }
}
