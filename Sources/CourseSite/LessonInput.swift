// What a page is made of. All of it can be had from a notebook and its saved results: showing never measures.

import DocumentModel
import ExperimentModel

/// A page of the site: a path relative to its root and the whole HTML.
public struct SitePage: Hashable, Sendable {
  public var path: String
  public var html: String
  public init(path: String, html: String) {
    self.path = path
    self.html = html
  }
}

/// A lesson as navigation names it.
public struct LessonLink: Codable, Hashable, Sendable {
  public var id: String
  public var title: String
  /// From 1; nil for a notebook without a `lesson` block.
  public var day: Int?
  public init(id: String, title: String, day: Int?) {
    self.id = id
    self.title = title
    self.day = day
  }
}

/// A claim and what the results say about it; nil: not yet measured.
public struct ClaimState: Codable, Hashable, Sendable {
  public var claim: Claim
  public var status: ClaimStatus?
  public init(_ claim: Claim, _ status: ClaimStatus?) {
    self.claim = claim
    self.status = status
  }
}

public struct LessonInput: Sendable {
  /// The file's name without `.md`; the page is `ID.html`.
  public var id: String
  public var title: String
  public var day: Int?
  public var document: Document
  /// Saved results, for plots; tables are in the document.
  public var results: [CellResult]
  public var claims: [ClaimState]
  /// Ids of all executing blocks in order, measured or not.
  public var blocks: [String]
  /// Blocks whose question was edited after they were measured.
  public var stale: Set<String>
  public var runbooks: [RunbookSpec]
  /// Ids of blocks that are exercises.
  public var exercises: [String]

  public init(
    id: String, title: String, day: Int?, document: Document, results: [CellResult], claims: [ClaimState] = [],
    blocks: [String] = [], stale: Set<String> = [], runbooks: [RunbookSpec] = [], exercises: [String] = []
  ) {
    self.id = id
    self.title = title
    self.day = day
    self.document = document
    self.results = results
    self.claims = claims
    self.blocks = blocks
    self.stale = stale
    self.runbooks = runbooks
    self.exercises = exercises
  }

  public var link: LessonLink { LessonLink(id: id, title: title, day: day) }

  public var summary: LessonSummary {
    let shown = Set(results.filter { $0.hasNumbers }.map(\.id))
    return LessonSummary(
      link: link, blocks: blocks.count, measured: blocks.count(where: shown.contains), stale: stale.count, claims: claims, runbooks: runbooks, exercises: exercises,
      judged: Dictionary(results.map { ($0.id, $0.judgedMetrics.sorted()) }, uniquingKeysWith: { a, _ in a }).filter { !$0.value.isEmpty })
  }
}

/// What other pages say of a lesson: all that has to be kept of it when it does not change.
public struct LessonSummary: Codable, Hashable, Sendable {
  public var link: LessonLink
  /// Executing blocks.
  public var blocks: Int
  /// Blocks with something to show.
  public var measured: Int
  /// Blocks that were edited after they were measured.
  public var stale: Int
  public var claims: [ClaimState]
  public var runbooks: [RunbookSpec]
  /// Ids of blocks that are exercises.
  public var exercises: [String]
  /// Metrics by block that something is decided by.
  public var judged: [String: [String]]
}

extension CellResult {
  /// Metrics that a threshold, prediction, gate or comparison of the block decides by.
  fileprivate var judgedMetrics: Set<String> {
    let conditions = (thresholds + expects + gates).map { one in metricName(String(one.text.prefix { !" <>=!".contains($0) })) }
    return Set(conditions + comparisons.map(\.metric))
  }
}

/// `mean` of `onoff.on.mean@capacity=10`.
public func metricName(_ address: String) -> String {
  address.prefix { $0 != "@" }.split(separator: ".").last.map(String.init) ?? ""
}
