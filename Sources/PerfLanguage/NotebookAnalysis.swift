// One planning run kept for an editor's questions: what is wrong, which blocks, systems, arms and metrics there are. The findings are those of
// `Planner.plan`, because it is the same run; only the digests of inputs, which no question here needs, are left out.

import DocumentModel
import ExperimentModel
import StrictYAML
import TextModel

/// A notebook read, planned and ready to be asked.
public final class NotebookAnalysis {
  /// A perf block that is YAML and has a kind and an id.
  public struct Block {
    public var id: String
    /// Of the value of `id:`.
    public var idPlace: SourceRange
    /// `load` also for the sugar kinds of it.
    public var kind: String
    public var node: YAMLNode
    /// The whole fence.
    public var fence: SourceRange
  }

  public let document: Document
  public let context: PlanContext
  public let planned: PlannedNotebook
  /// In the order of the text.
  public let findings: [Diagnostic]
  public let blocks: [Block]
  let planning: Planning

  /// - Parameter yaml: blocks read before, kept between two runs over texts that differ little.
  public init(_ document: Document, _ context: PlanContext, yaml: BlockReadings? = nil) {
    self.document = document
    self.context = context
    planning = Planning(document, context, yaml: yaml, digests: false)
    planned = planning.run()
    findings = planning.findings.diagnostics.ordered
    blocks = planning.blocks.map { Block(id: $0.id, idPlace: $0.idPlace, kind: $0.kind.rawValue, node: $0.node, fence: $0.fence) }
  }

  public func block(_ id: String) -> Block? { blocks.first { $0.id == id } }

  public func block(at offset: Int) -> Block? { blocks.first { $0.fence.contains(offset) } }

  /// Every path that `set` accepts for a system of the notebook or a preset, with what may be written there; empty when there is no such system.
  public func settings(of system: String) -> [KeyNote] {
    guard let draft = planning.drafts[system] ?? presetDraft(system) else { return [] }
    return draft.paths.compactMap { path in draft.key(at: path).map { KeyNote($0).renamed(path) } }
  }

  /// The notebook's own systems, and the presets.
  public var systemNames: [String] { planning.drafts.keys.sorted() + presetNames.filter { planning.drafts[$0] == nil } }

  /// Ids of blocks that have values.
  public var valuedBlocks: [String] { blocks.map(\.id).filter { planning.faces[$0] != nil } }

  /// What may follow `BLOCK.` in an address: arms, then metrics.
  public func parts(of block: String) -> (arms: [String], metrics: [Metric]) {
    guard let face = planning.faces[block] else { return ([], []) }
    var seen: Set<String> = [""]
    let arms = face.arms.filter { seen.insert($0).inserted } + (face.isComparison ? ["ratio", "delta"] : [])
    let names = face.metrics.union(face.wholeMetrics).union(face.fitMetrics)
    return (arms, Metric.all.filter { names.contains($0.name) })
  }

  /// The digest of what a block asks, to tell whether a result answers it.
  public func inputs(of id: String) -> String? { planned.plan.cells.first { $0.id == id }.map(inputsDigest) }

  /// The block with every default filled in, as `nb explain` prints it but for the digest.
  public func explained(_ id: String) -> String? {
    guard let block = planning.blocks.first(where: { $0.id == id }) else { return nil }
    return explanation(of: block, context)
  }
}

/// The YAML of fences by their text: a keystroke changes one fence, and the others are not read again. Findings and nodes hold places in the
/// notebook, so that a fence which moved is read once more only when it is the one that changed; else its places are moved.
public final class BlockReadings {
  struct Reading {
    var node: YAMLNode?
    var findings: [Diagnostic]
    /// Offset of the first line when it was read.
    var start: Int
    /// Of the opening line, where findings about the whole block stand.
    var info: SourceRange
  }
  private var current: [[UInt8]: Reading] = [:]
  private var previous: [[UInt8]: Reading] = [:]

  /// A file of recorded releases and what is counted in it.
  struct Recording: Hashable {
    var text: String
    var indicator: Indicator
  }
  private(set) var recordings: [Recording: [RecordedRelease]] = [:]

  public init() {}

  /// A file that is edited beside the notebook leaves its older texts here; a few are no burden.
  func keep(_ releases: [RecordedRelease], as key: Recording) {
    if recordings.count >= 8 { recordings = [:] }
    recordings[key] = releases
  }

  /// Forgets what the last run did not ask for.
  func beginRun() {
    previous = current
    current = [:]
  }

  /// What `YAMLNode(lines:)` gives for the fence.
  func read(_ fence: Fence, in source: SourceText) -> (node: YAMLNode?, findings: [Diagnostic]) {
    let start = fence.lines.first?.lower ?? fence.range.lower
    let end = fence.lines.last?.upper ?? start
    // Line endings belong to the key: they decide how far apart the lines' places are. So does what stands before the body.
    let key = Array(source.bytes[fence.range.lower..<max(end, fence.infoRange.upper)])
    if let known = previous[key] ?? current[key] {
      let moved = known.moved(by: start - known.start)
      current[key] = moved
      return (moved.node, moved.findings)
    }
    var diagnostics = Diagnostics()
    let node = YAMLNode(lines: fence.lines, in: source, at: fence.infoRange, diagnostics: &diagnostics)
    current[key] = Reading(node: node, findings: diagnostics.all, start: start, info: fence.infoRange)
    return (node, diagnostics.all)
  }
}

extension BlockReadings.Reading {
  fileprivate func moved(by distance: Int) -> Self {
    guard distance != 0 else { return self }
    var moved = self
    moved.start += distance
    moved.node = node?.moved(by: distance)
    for i in moved.findings.indices { moved.findings[i].range = moved.findings[i].range?.moved(by: distance) }
    return moved
  }
}

extension SourceRange {
  fileprivate func moved(by distance: Int) -> SourceRange { SourceRange(lower + distance, upper + distance) }
}

extension YAMLNode {
  fileprivate func moved(by distance: Int) -> YAMLNode {
    let content: Content =
      switch content {
      case .scalar: content
      case .sequence(let items): .sequence(items.map { $0.moved(by: distance) })
      case .mapping(let entries):
        .mapping(entries.map { YAMLEntry(key: $0.key, keyRange: $0.keyRange.moved(by: distance), value: $0.value.moved(by: distance)) })
      }
    return YAMLNode(content, at: range.moved(by: distance))
  }
}
