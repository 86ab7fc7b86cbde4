// The face of this module: a notebook's perf blocks → a plan, with every mistake of all blocks at
// once. Never runs anything and reads no file of its own accord: facts, money and data come in the context.

import DocumentModel
import ExperimentModel
import StrictYAML
import TextModel

/// What planning needs to know besides the notebook.
public struct PlanContext: Sendable {
  /// Market facts by id.
  public var facts: [String: MarketFact]
  /// The course's own numbers, used for inputs of cost formulas that a block leaves out.
  public var courseMoney: [String: Quantity]
  /// The text of a data file, named relative to the course's folder; nil when there is none.
  public var data: @Sendable (String) -> String?
  /// Chooses what a notebook hides from this learner; nil: the lesson's own seed, which published results are made with.
  public var learnerSeed: UInt64?
  public init(
    facts: [String: MarketFact] = [:], courseMoney: [String: Quantity] = [:], learnerSeed: UInt64? = nil,
    data: @escaping @Sendable (String) -> String? = { _ in nil }
  ) {
    self.facts = facts
    self.courseMoney = courseMoney
    self.learnerSeed = learnerSeed
    self.data = data
  }
}

/// A block and where it stands.
public struct PlannedBlock: Hashable, Sendable {
  public var id: String
  /// `load` also for the sugar kinds of it.
  public var kind: String
  /// The whole fence.
  public var fence: SourceRange
  /// The value of `id`, with its quotes.
  public var idPlace: SourceRange
}

/// A plan and its blocks in the order of the text.
public struct PlannedNotebook: Sendable {
  public var plan: Plan
  public var blocks: [PlannedBlock]
  /// The notebook's `system` blocks without any cell's overrides, by id.
  public var systems: [String: SystemSpec]
  /// Of the systems with a hidden fault, by id: among how many one was chosen.
  public var hiddenFaults: [String: Int]
}

/// Makes plans.
public struct Planner: Sendable {
  let context: PlanContext
  public init(_ context: PlanContext = PlanContext()) { self.context = context }

  /// Plans every block. Blocks with mistakes are left out of the plan and reported, `document.diagnostics` too;
  /// run a plan only when `diagnostics` has no errors.
  public func plan(_ document: Document, diagnostics: inout Diagnostics) -> PlannedNotebook {
    let planning = Planning(document, context)
    let planned = planning.run()
    diagnostics.add(contentsOf: planning.findings.diagnostics.ordered)
    return planned
  }

  /// Of every executing block: digests of what its `inputs` are made of, by name (QuestionParts.swift). Plans the document anew.
  public func questionParts(of document: Document) -> [String: [String: String]] {
    let planning = Planning(document, context)
    let planned = planning.run()
    let executing = Set(planned.plan.cells.map(\.id))
    return Dictionary(
      planning.blocks.filter { executing.contains($0.id) }.map { ($0.id, planning.questionParts(of: $0)) }, uniquingKeysWith: { a, _ in a })
  }

  /// One `system` block with overrides as they are typed in a shell, `product-cache.capacity=0`.
  ///
  /// - Returns: nil when there is no such block, or after mistakes of the block or the overrides, which are reported.
  public func system(_ id: String, in document: Document, set: [String], diagnostics: inout Diagnostics) -> SystemSpec? {
    let planning = Planning(document, context)
    _ = planning.run()
    guard var draft = planning.drafts[id] else { return nil }
    guard !draft.isBroken else {
      diagnostics.add(contentsOf: planning.findings.diagnostics.ordered)
      return nil
    }
    let findings = Findings()
    draft.apply(typed: set, findings)
    let spec = SystemResolver(statements: planning.resolver.statements, findings: findings).resolve(draft, seed: planning.seed(for: id))
    diagnostics.add(contentsOf: findings.diagnostics.ordered)
    return findings.diagnostics.hasErrors ? nil : spec
  }
}

/// The ids of a notebook's blocks, of those with mistakes too.
public func blockIDs(_ document: Document) -> Set<String> {
  Set(
    document.perfFences.compactMap { fence in
      var ignored = Diagnostics()
      return YAMLNode(lines: fence.lines, in: document.source, at: fence.infoRange, diagnostics: &ignored)?["id"]?.text
    })
}
