// The form of a lesson: five parts of fixed minutes after a market check, and what each part must hold
// (Notebooks are written so that an hour in a class has the same rhythm every day). Only notebooks with a `lesson` block.

import DocumentModel
import ExperimentModel
import PerfLanguage
import TextModel

/// One part: `## 2. Pattern implementation (25 min)`.
struct LessonPart {
  var number: Int
  var title: String
  /// The key of `minutes`, and the standard; nil for the market check, which comes before class.
  var minutes: (key: String, standard: Int)?
  var sections: [LessonSection]

  static let all: [LessonPart] = [
    LessonPart(number: 0, title: "Market check (before class)", minutes: nil, sections: []),
    LessonPart(
      number: 1, title: "Performance problem", minutes: ("problem", 8),
      sections: [
        LessonSection("The user impact", ["user impact"], "who waits, and for what"),
        LessonSection("The baseline", ["baseline"], "the system before any change, measured"),
        LessonSection("The cost of poor performance", ["cost of poor performance"], "a `cost` block with a bracket", kind: "cost"),
      ]),
    LessonPart(
      number: 2, title: "Pattern implementation", minutes: ("pattern", 25),
      sections: [
        LessonSection("Observe first", ["observe"], "where the time is, before anything is changed", kind: "observe"),
        LessonSection("Change 1", ["change", "question"], "one change, measured beside what it replaces"),
        LessonSection("What did not help", ["did not help", "decoy"], "a change that sounds right, with its measured non-effect"),
      ]),
    LessonPart(
      number: 3, title: "Load testing and analysis", minutes: ("load", 12),
      sections: [LessonSection("Cost of the gain", ["cost of the gain", "looking cost"], "what the gain costs in machines, memory or money", kind: "cost")]),
    LessonPart(number: 4, title: "Optimisation and trade-offs", minutes: ("tradeoffs", 10), sections: []),
    LessonPart(
      number: 5, title: "Learning documentation", minutes: ("docs", 5),
      sections: [
        LessonSection("Runbook", ["runbook"], "what somebody on call looks at and does", kind: "runbook"),
        LessonSection("Optimisation log", ["optimisation log", "optimization log"], "a link to optimization-log.md, which `nb run` writes"),
        LessonSection("Exercise", ["exercise"], "a `check` block with gates", kind: "check"),
        LessonSection("Tomorrow's target", ["tomorrow"], "what is left, and a link to the lesson that takes it up"),
      ]),
  ]
}

/// What must stand in a part: a heading with one of the words, or a block of the kind.
struct LessonSection {
  var title: String
  var words: [String]
  var meaning: String
  var kind: String?

  init(_ title: String, _ words: [String], _ meaning: String, kind: String? = nil) {
    self.title = title
    self.words = words
    self.meaning = meaning
    self.kind = kind
  }
}

/// The headings of a lesson by part.
struct LessonOutline {
  let headings: [OutlineHeading]
  /// The level-2 heading of each part, by number.
  let parts: [Int: OutlineHeading]

  init(_ document: Document) {
    headings = document.outline
    var found: [Int: OutlineHeading] = [:]
    for heading in headings where heading.level == 2 {
      guard let number = Self.number(of: heading.text), found[number] == nil else { continue }
      found[number] = heading
    }
    parts = found
  }

  /// Of `2. Pattern implementation`: 2.
  private static func number(of title: String) -> Int? {
    guard let dot = title.firstIndex(of: "."), title.distance(from: title.startIndex, to: dot) <= 2 else { return nil }
    return Int(title[..<dot])
  }

  /// The minutes that a heading promises: `(8 min)`.
  static func minutes(of title: String) -> Int? {
    guard title.hasSuffix(" min)"), let open = title.lastIndex(of: "(") else { return nil }
    return Int(title[title.index(after: open)...].dropLast(5))
  }

  /// The first heading within a part whose words hold one of these.
  func section(_ words: [String], in part: OutlineHeading) -> OutlineHeading? {
    headings.first { heading in
      part.body.contains(heading.range.lower) && words.contains { heading.text.lowercased().contains($0) }
    }
  }
}

extension LessonRules {
  mutating func checkParts() {
    var last: (part: LessonPart, heading: OutlineHeading)?
    for part in LessonPart.all {
      guard let heading = outline.parts[part.number] else {
        let minutes = part.minutes.map { " (\($0.standard) min)" } ?? ""
        warn(
          RuleID.missingPart, "the lesson has no part \(part.number), `\(part.title)`",
          "add a heading: ## \(part.number). \(part.title)\(minutes)", at: lessonPlace)
        continue
      }
      if let last, heading.range.lower < last.heading.range.lower {
        warn(
          RuleID.missingPart, "part \(part.number) stands before part \(last.part.number)", "put the parts in the order of their numbers",
          at: heading.range)
      }
      last = (part, heading)
      checkMinutes(part, heading)
      for section in part.sections where outline.section(section.words, in: heading) == nil {
        if let kind = section.kind, notebook.planned.blocks.contains(where: { $0.kind == kind && heading.body.contains($0.fence.lower) }) { continue }
        warn(
          RuleID.missingSection, "part \(part.number) has no `\(section.title)`: \(section.meaning)", "add a heading: ### \(section.title)",
          at: heading.range)
      }
    }
    checkHour()
  }

  private mutating func checkMinutes(_ part: LessonPart, _ heading: OutlineHeading) {
    guard let (key, _) = part.minutes, let written = LessonOutline.minutes(of: heading.text), let declared = lesson.minutes[key], declared != written
    else { return }
    warn(
      RuleID.wrongMinutes, "the heading says \(written) min, and `minutes` of the lesson says `\(key): \(declared)`", "correct one of the two",
      at: heading.range)
  }

  /// The parts together are an hour.
  private mutating func checkHour() {
    guard !lesson.minutes.isEmpty else { return }
    let sum = LessonPart.all.compactMap(\.minutes).reduce(0) { $0 + (lesson.minutes[$1.key] ?? $1.standard) }
    guard sum != 60 else { return }
    warn(
      RuleID.wrongMinutes, "the lesson's minutes sum to \(sum), not to 60", "a lesson takes an hour: {problem: 8, pattern: 25, load: 12, tradeoffs: 10, docs: 5}",
      at: notebook.place(of: "minutes", in: lesson.id))
  }
}
