// `nb market`: the course's outside facts with their ages, and what their feeds said last. `nb market refresh` asks the feeds and proposes; a
// person decides, and edits facts.yml.

import ArgumentParser
import DocumentModel
import ExperimentModel
import Foundation
import Market
import PerfLanguage
import Reporting
import TextModel

struct MarketCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "market", abstract: "Dated outside facts: their age, their conflicts, what feeds say.",
    discussion: """
      nb market                      every fact with its age and state
      nb market --fail-stale         for CI: exit 2 when one is stale or contradicted
      nb market refresh              asks the addresses of market/feeds.yml and proposes changes; writes none of them
      """,
    subcommands: [MarketList.self, MarketRefresh.self], defaultSubcommand: MarketList.self)
}

/// The course's market files, read together.
private struct CourseMarket {
  let workspace: Workspace
  let source: SourceText
  let facts: [DatedFact]
  let feeds: [MarketFeed]
  let snapshots: [String: FeedSnapshot]
  let findings: [(Diagnostics, SourceText)]

  init() throws {
    workspace = Workspace.here
    source = try SourceText(contentsOf: workspace.facts)
    (feeds, findings) = readFeeds(workspace)
    var found = Diagnostics()
    facts = datedFacts(source, today: today(), feeds: Set(feeds.map(\.id)), diagnostics: &found)
    snapshots = readSnapshots(feeds, workspace)
    factFindings = found
  }
  let factFindings: Diagnostics

  /// - Returns: false after an error in a file.
  func show() -> Bool {
    for (diagnostics, source) in findings + [(factFindings, source)] { Output.diagnostics(diagnostics, in: source) }
    return !(findings.map(\.0) + [factFindings]).contains(where: \.hasErrors)
  }
}

func readFeeds(_ workspace: Workspace) -> ([MarketFeed], [(Diagnostics, SourceText)]) {
  guard let source = try? SourceText(contentsOf: workspace.feeds) else { return ([], []) }
  var found = Diagnostics()
  let feeds = loadFeeds(source, diagnostics: &found)
  return (feeds, [(found, source)])
}

private func readSnapshots(_ feeds: [MarketFeed], _ workspace: Workspace) -> [String: FeedSnapshot] {
  var snapshots: [String: FeedSnapshot] = [:]
  for feed in feeds {
    guard let bytes = try? readFile(workspace.snapshot(feed), limit: 1 << 20), let snapshot = FeedSnapshot(json: bytes) else { continue }
    if snapshot.id == feed.id { snapshots[feed.id] = snapshot }
  }
  return snapshots
}

struct MarketList: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "Every fact with its age and state.")

  @Flag(help: "One JSON object a line.") var json = false
  @Flag(help: "Exit 2 when a fact is stale, or contradicted by its feed.") var failStale = false

  func run() throws {
    do {
      let market = try CourseMarket()
      let isRight = market.show()
      let rows = market.facts.map { MarketRow($0, judge($0.check, market.snapshots)) }
      if json { for row in rows { try Output.json(row) } } else { Output.standard(text(rows)) }
      if !isRight { throw Exit.failed }
      if failStale, rows.contains(where: { $0.stale || $0.contradicted }) { throw Exit.threshold }
    } catch let error as FileError {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
  }

  private func text(_ rows: [MarketRow]) -> String {
    let style = TerminalStyle(color: isatty(1) == 1 && getenv("NO_COLOR") == nil)
    let table = columnsText(
      titles: ["fact", "value", "as of", "age", "state", "check", "source", "used by"],
      rows: rows.map { row in
        [
          row.id, short(row.value, 28), row.asOf, row.age.map { "\($0) d" } ?? "–", row.state, short(row.check, 34),
          short("\(row.source) (\(row.sourceKind))", 60), row.usedBy.joined(separator: " "),
        ]
      }, emphasised: Set(rows.indices.filter { rows[$0].state != "fresh" }), rightAligned: [3], style: style)
    let counts = [
      "\(rows.filter(\.stale).count) stale", "\(rows.filter { !$0.conflicts.isEmpty }.count) in conflict",
      "\(rows.filter(\.contradicted).count) contradicted",
    ]
    return table + "\n\(rows.count) facts: \(counts.joined(separator: ", "))\n"
  }

  private func short(_ text: String, _ limit: Int) -> String { text.count > limit ? text.prefix(limit - 1) + "…" : text }
}

/// A row of the table, and a line of `--json`.
private struct MarketRow: Encodable {
  var id: String
  var statement: String
  var value: String
  var asOf: String
  var age: Int?
  var ttlDays: Int
  var stale: Bool
  var contradicted = false
  var state: String
  var check: String
  var source: String
  var sourceKind: String
  var strength: String?
  var conflicts: [MarketFact.Conflict]
  var usedBy: [String]

  init(_ dated: DatedFact, _ outcome: FactOutcome) {
    let fact = dated.fact
    (id, statement, value, asOf, age) = (fact.id, fact.statement, fact.value, fact.asOf, dated.age)
    (ttlDays, stale, state, check) = (fact.ttlDays, fact.stale, factState(fact, outcome), outcome.text)
    (source, sourceKind, strength, conflicts, usedBy) = (fact.source, fact.sourceKind, fact.strength, fact.conflicts, fact.usedBy)
    if case .contradicted = outcome { contradicted = true }
  }

  enum CodingKeys: String, CodingKey {
    case id, statement, value, asOf = "as_of", age = "age_days", ttlDays = "ttl_days", stale, contradicted, state, check, source
    case sourceKind = "source_kind", strength, conflicts, usedBy = "used_by"
  }
}

struct MarketRefresh: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "refresh", abstract: "Ask the feeds, keep what they said, propose changes of facts.yml; the file itself is never written.")

  @Option(help: "Only this feed; may be given several times.") var feed: [String] = []

  func run() throws {
    do {
      let market = try CourseMarket()
      guard market.show() else { throw Exit.failed }
      for id in feed where !market.feeds.contains(where: { $0.id == id }) {
        let near = nearestName(to: id, among: market.feeds.map(\.id)).map { "did you mean `\($0)`?" }
        Output.failure(Diagnostic("unknown-feed", .error, "there is no feed `\(id)`", remedy: near ?? "see market/feeds.yml"))
        throw Exit.failed
      }
      let wanted = market.feeds.filter { feed.isEmpty || feed.contains($0.id) }
      let client = FeedClient()
      defer { client.close() }
      var fresh: [String: FeedSnapshot] = [:]
      if !wanted.isEmpty { try makeFolder(market.workspace.snapshots) }
      for one in wanted {
        do {
          let answer = try client.fetch(one.url)
          let snapshot = try FeedSnapshot(one, answer: answer.bytes, type: answer.type, today: today())
          try writeFileAtomically(market.workspace.snapshot(one), try snapshot.json())
          fresh[one.id] = snapshot
        } catch let problem as FeedProblem {
          Output.error("note: \(one.id): \(problem.text); what was known stays\n")
        }
      }
      let here = FileManager.default.currentDirectoryPath + "/"
      let facts = market.workspace.facts
      let text = proposal(market.facts, fresh, in: market.source, path: facts.hasPrefix(here) ? String(facts.dropFirst(here.count)) : facts)
      Output.standard(text)
      let what = text.isEmpty ? "nothing to propose" : "facts.yml is as it was: apply what you believe with `patch -p0`"
      Output.error("\(fresh.count) of \(wanted.count) feeds answered; \(what)\n")
    } catch let error as FileError {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
  }
}

extension Workspace {
  var feeds: String { course + "/market/feeds.yml" }
  var incidents: String { course + "/market/incidents.yml" }
  var snapshots: String { course + "/market/snapshot" }
  func snapshot(_ feed: MarketFeed) -> String { snapshots + "/\(feed.snapshotName).json" }
}

/// What is wrong with the market files of a course: facts, feeds, incidents.
func marketFindings(_ workspace: Workspace) -> [(Diagnostics, SourceText)] {
  let (feeds, feedFindings) = readFeeds(workspace)
  var all: [(Diagnostics, SourceText)] = []
  if let source = try? SourceText(contentsOf: workspace.facts) {
    var found = Diagnostics()
    _ = datedFacts(source, today: today(), feeds: Set(feeds.map(\.id)), diagnostics: &found)
    all.append((found, source))
  }
  all += feedFindings
  if let source = try? SourceText(contentsOf: workspace.incidents) {
    var found = Diagnostics()
    _ = loadIncidents(source, lessons: courseLessons(workspace), diagnostics: &found)
    all.append((found, source))
  }
  return all
}

/// The lessons that incidents may point at: those that are written, with their blocks; of the others only the day.
private func courseLessons(_ workspace: Workspace) -> CourseLessons {
  let days = (1...25).map { ($0 < 10 ? "day0" : "day") + String($0) }
  return CourseLessons(planned: Set(days)) { lesson in
    (try? readFile("\(lesson).md", within: workspace.course, limit: 8 << 20)).map { blockIDs(Document(parsing: SourceText(path: "", bytes: $0))) }
  }
}
