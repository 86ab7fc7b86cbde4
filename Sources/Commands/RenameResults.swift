// Saved results under a block's new name. A result answers the question of its block, and the block's name is a part of that
// question; whatever was current before stays current after.

import DocumentModel
import ExperimentModel
import Reporting
import TextModel

struct RenamedResults {
  /// All results of the lesson, in their order.
  var results: [CellResult]
  /// Regions of the notebook whose text or `in=` follows.
  var edits: [Edit]

  /// - Parameters:
  ///   - before, after: inputs by block, of the notebook before (by old names) and after (by new ones).
  ///   - document: the notebook after the block was renamed in it.
  init(_ saved: [CellResult], _ old: String, _ new: String, before: [String: String], after: [String: String], in document: Document) {
    results = []
    edits = []
    let regions = Dictionary(document.regions.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
    for one in saved {
      let result = one.renamed(old, new, before: before, after: after)
      results.append(result)
      guard result != one, let region = regions[result.id] else { continue }
      let bytes = document.source.bytes
      let body = Array(bytes[region.body.lower..<region.body.upper])
      var sum = region.sum
      // The table is made anew where it is the result's own; below a note, or edited by hand, it stays as it is.
      let ending = document.source.lineEnding
      func text(_ result: CellResult) -> [UInt8] {
        let markdown = regionMarkdown(result).split(separator: "\n", omittingEmptySubsequences: false).joined(separator: ending)
        return Array((ending + markdown + ending + ending).utf8)
      }
      if region.isSealed, body == text(one) {
        let renewed = text(result)
        if renewed != body {
          edits.append(Edit(region.body, renewed))
          sum = seal(renewed)
        }
      }
      let head = SourceRange(region.range.lower, region.body.lower)
      let tail = SourceRange(region.body.upper, region.range.upper)
      if region.inputs != result.inputs {
        edits.append(Edit(head, document.source.text(head).replacing("in=\(region.inputs)", with: "in=\(result.inputs)", maxReplacements: 1)))
      }
      if sum != region.sum { edits.append(Edit(tail, document.source.text(tail).replacing("sum=\(region.sum)", with: "sum=\(sum)", maxReplacements: 1))) }
    }
  }
}

extension CellResult {
  fileprivate func renamed(_ old: String, _ new: String, before: [String: String], after: [String: String]) -> CellResult {
    var copy = self
    let isIt = id == old
    if isIt { copy.id = new }
    if inputs == before[id], let now = after[copy.id] { copy.inputs = now }
    if isIt {
      // The only arm of a block is called after it.
      for i in copy.arms.indices where copy.arms[i].name == old && arms.count(where: { !$0.name.isEmpty }) == 1 { copy.arms[i].name = new }
    }
    func renamed(_ judged: [JudgementResult]) -> [JudgementResult] {
      judged.map { one in
        var one = one
        if one.text.hasPrefix(old + ".") { one.text = new + one.text.dropFirst(old.count) }
        return one
      }
    }
    copy.thresholds = renamed(thresholds)
    copy.expects = renamed(expects)
    copy.gates = renamed(gates)
    if let parts, let system = parts["system \(old)"] {
      copy.parts?["system \(old)"] = nil
      copy.parts?["system \(new)"] = system
    }
    return copy
  }
}
