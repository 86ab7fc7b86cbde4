// `market/incidents.yml`: failures of others whose mechanism a lesson reproduces, each with its own account of what happened.

import StrictYAML
import TextModel

public struct MarketIncident: Codable, Hashable, Sendable {
  public var id: String
  /// ISO.
  public var date: String
  /// Who it happened to, and to what.
  public var title: String
  /// One sentence.
  public var mechanism: String
  /// The owner's own post-mortem.
  public var postmortem: String
  /// A lesson such as `day20`.
  public var lesson: String
  /// The block of it that reproduces the mechanism; nil: the lesson does not yet.
  public var block: String?
}

/// What a course has, for incidents to point at: the lessons that are written with their blocks, and the days that are planned.
public struct CourseLessons: Sendable {
  /// Ids of a lesson's blocks; nil: it is not written. Asked only for lessons that an incident names.
  public var blocks: @Sendable (_ lesson: String) -> Set<String>?
  /// `day01`…`day25`, or what course.yml lists.
  public var planned: Set<String>

  public init(planned: Set<String>, blocks: @escaping @Sendable (String) -> Set<String>?) {
    self.blocks = blocks
    self.planned = planned
  }

  public init(blocks: [String: Set<String>], planned: Set<String>) { self.init(planned: planned) { blocks[$0] } }
}

/// Reads the list of incidents. One with a mistake is left out and reported.
///
/// - Parameter lessons: nil: what lessons there are is not known here.
public func loadIncidents(_ source: SourceText, lessons: CourseLessons?, diagnostics: inout Diagnostics) -> [MarketIncident] {
  guard let root = YAMLNode(parsing: source, limits: YAMLLimits(bytes: 1 << 20), diagnostics: &diagnostics) else { return [] }
  var reader = MarketReader()
  defer { diagnostics.add(contentsOf: reader.findings) }
  guard let list = reader.items(root, "incidents", file: "an incidents file", example: "- id: aws-2025-10-20") else { return [] }
  return reader.incidents(YAMLNode(.sequence(list), at: root["incidents"]?.range ?? root.range), lessons: lessons)
}

extension MarketReader {
  mutating func incidents(_ list: YAMLNode, lessons: CourseLessons?) -> [MarketIncident] {
    guard let items = list.items else {
      report(MarketDiagnosticID.wrongType, "`incidents` is a list, not \(list.kindName)", "begin with `- id:`", list.range)
      return []
    }
    var incidents: [MarketIncident] = []
    for item in items {
      guard let entry = entry(item, Self.incident), day(entry, "date") != nil else { continue }
      guard isFetchable(entry["postmortem"]) else {
        report(
          MarketDiagnosticID.badAddress, "`\(entry["postmortem"])` is not an https address", "give the owner's own account of what happened",
          entry.place("postmortem"))
        continue
      }
      let block = item["block"]?.text
      guard isKnown(entry, block, lessons) else { continue }
      let incident = MarketIncident(
        id: entry["id"], date: entry["date"], title: entry["title"], mechanism: entry["mechanism"], postmortem: entry["postmortem"],
        lesson: entry["lesson"], block: block)
      if incidents.contains(where: { $0.id == incident.id }) {
        reportDuplicate("incidents", incident.id, "give each its own id", entry)
      } else {
        incidents.append(incident)
      }
    }
    return incidents
  }

  /// A lesson that is written must have the block; one that is only planned cannot be asked yet.
  private mutating func isKnown(_ entry: MarketEntry, _ block: String?, _ lessons: CourseLessons?) -> Bool {
    let lesson = entry["lesson"]
    let planned = lessons?.planned ?? Set((1...25).map { ($0 < 10 ? "day0" : "day") + String($0) })
    guard planned.contains(lesson) || lessons?.blocks(lesson) != nil else {
      let near = nearestName(to: lesson, among: Array(planned)).map { "did you mean `\($0)`?" }
      report(MarketDiagnosticID.unknownLesson, "the course has no lesson `\(lesson)`", near ?? "name a day of the course, such as day20", entry.place("lesson"))
      return false
    }
    guard let block, let known = lessons?.blocks(lesson), !known.contains(block) else { return true }
    let near = nearestName(to: block, among: Array(known)).map { "did you mean `\($0)`?" }
    report(
      MarketDiagnosticID.unknownLesson, "the lesson `\(lesson)` has no block `\(block)`",
      near ?? "its blocks: " + known.sorted().map { "`\($0)`" }.joined(separator: ", "), entry.place("block"))
    return false
  }

  private static let incident = EntryShape(
    noun: "an incident", required: ["id", "date", "title", "mechanism", "postmortem", "lesson"], optional: ["block", "note"],
    meaning: [
      "id": "such as aws-2025-10-20", "date": "the day it began, such as 2025-10-20", "title": "whose, and of what",
      "mechanism": "in one sentence", "postmortem": "the owner's own account, an https address", "lesson": "the day whose lesson teaches it, such as day20",
    ])
}
