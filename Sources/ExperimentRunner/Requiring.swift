// Whether a cell can run on this machine, and what becomes of the cells that read one that cannot: they do not run either,
// and say which. A cell that was not run is no failure, and nothing of it holds here.

import ExperimentModel
import Foundation
import Glibc
import MeasureKernel

extension Requirements {
  /// What this machine lacks, as it goes on after "needs "; nil: nothing.
  public var lackingHere: String? {
    lacking(os: .linux, cores: processorsAvailable(), disk: Self.freeBytes(NSTemporaryDirectory())) { Tools.find($0) != nil }
  }

  /// For programs without privileges; nil: unknown.
  private static func freeBytes(_ folder: String) -> Int? {
    var information = statvfs()
    guard statvfs(folder, &information) == 0 else { return nil }
    return Int(clamping: UInt64(information.f_bavail) * UInt64(information.f_frsize))
  }
}

extension Runner {
  /// Why the cell cannot run here: what it requires itself, or the numbers of a cell that did not run; nil: it can.
  func unmet(_ cell: Cell, _ known: [String: CellResult]) -> String? {
    if let own = cell.requires?.lackingHere { return own }
    return cell.work.sources.lazy.compactMap { source in
      known[source]?.unmet.map { "the result of `\(source)`, which needs \($0)" }
    }.first
  }

  /// For judgements on the values of other cells: those that did not run show nothing here.
  func rests(_ judgement: Address, onUnmet known: [String: CellResult]) -> Bool {
    judgement.block.map { known[$0]?.unmet != nil } ?? false
  }

  /// What a reader must know where some judgement's value is not of this machine.
  func unmetDoubts(_ cell: Cell, _ known: [String: CellResult]) -> [Doubt] {
    let addresses = (cell.thresholds + cell.gates).map(\.address) + cell.expects.map(\.address)
    return Set(addresses.compactMap(\.block)).sorted().compactMap { block in
      known[block]?.unmet.map { Doubt(id: "not-run-\(block)", text: "`\(block)` was not run here: it needs \($0)") }
    }
  }
}

extension Work {
  /// Cells without whose numbers there is nothing to do.
  var sources: [String] {
    guard case .cost(let cost) = self else { return [recordingSource].compactMap { $0 } }
    let inputs = Array(cost.inputs.values) + Array((cost.roi ?? [:]).values)
    return Set(inputs.compactMap { if case .reference(let address) = $0 { address.block } else { nil } }).sorted()
  }
}
