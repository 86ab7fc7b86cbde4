// What the rules look at: a notebook that was read and planned, and the results that were saved for it. Values in, findings
// out; nothing here reads a file.

import DocumentModel
import ExperimentModel
import PerfLanguage
import TextModel

/// A notebook with what is known about its blocks.
public struct CheckedNotebook: Sendable {
  public var document: Document
  public var planned: PlannedNotebook
  /// The file's name without `.md`; what other notebooks and facts call it.
  public var stem: String
  /// All facts of the course, with their age judged.
  public var facts: [MarketFact]
  /// By block; those that answer an older question are among them.
  public var results: [String: CellResult]

  public init(document: Document, planned: PlannedNotebook, stem: String, facts: [MarketFact] = [], results: [String: CellResult] = [:]) {
    self.document = document
    self.planned = planned
    self.stem = stem
    self.facts = facts
    self.results = results
  }

  var source: SourceText { document.source }
  var plan: Plan { planned.plan }

  /// Where a block is named; the file's first byte for one that is not there.
  func place(of block: String) -> SourceRange { planned.blocks.first { $0.id == block }?.idPlace ?? SourceRange(0, 0) }

  /// The words `text` inside a block's fence, such as a claim's id; else the block's own name.
  func place(of text: String, in block: String) -> SourceRange {
    guard let fence = planned.blocks.first(where: { $0.id == block })?.fence, !text.isEmpty else { return place(of: block) }
    let bytes = source.bytes
    let wanted = Array(text.utf8)
    var i = fence.lower
    while i + wanted.count <= fence.upper {
      if bytes[i] == wanted[0], bytes[i..<(i + wanted.count)].elementsEqual(wanted), !isWord(i - 1), !isWord(i + wanted.count) {
        return SourceRange(i, i + wanted.count)
      }
      i += 1
    }
    return place(of: block)
  }

  /// A byte of a block's name, so that `on` is not found in `onoff`.
  private func isWord(_ offset: Int) -> Bool {
    guard source.bytes.indices.contains(offset) else { return false }
    let byte = source.bytes[offset]
    return byte >= 0x61 && byte <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == 0x2D || byte == 0x5F
  }
}
