// What a lesson must have before it is published: one claim in front, a price in a bracket, a paired comparison, a picture, a
// runbook, an exercise that can be graded, a way on. Warnings, because an unfinished lesson is no mistake; `--strict` counts them.

import DocumentModel
import ExperimentModel
import PerfLanguage
import TextModel

/// What the rules know of the course around a lesson.
public struct CourseAround: Sendable {
  /// `course.yml` lists a lesson of a later day.
  public var hasLaterLesson: Bool
  public init(hasLaterLesson: Bool) { self.hasLaterLesson = hasLaterLesson }
}

/// All findings about a lesson's form, in the order of its text; none for a notebook without a `lesson` block.
public func lessonFindings(of notebook: CheckedNotebook, around: CourseAround) -> Diagnostics {
  var findings = Diagnostics()
  guard let lesson = notebook.plan.lesson else { return findings }
  var rules = LessonRules(notebook, lesson, around)
  rules.checkParts()
  rules.checkClaims()
  rules.checkBlocks()
  rules.checkFacts()
  rules.checkSimulations()
  rules.checkTomorrow()
  rules.checkExercises()
  rules.checkUnfinished()
  findings.add(contentsOf: rules.findings.ordered)
  return findings
}

struct LessonRules {
  let notebook: CheckedNotebook
  let lesson: LessonSpec
  let around: CourseAround
  let outline: LessonOutline
  private(set) var findings = Diagnostics()

  init(_ notebook: CheckedNotebook, _ lesson: LessonSpec, _ around: CourseAround) {
    self.notebook = notebook
    self.lesson = lesson
    self.around = around
    outline = LessonOutline(notebook.document)
  }

  var lessonPlace: SourceRange { notebook.place(of: lesson.id) }

  mutating func warn(_ id: DiagnosticID, _ cause: String, _ remedy: String, at place: SourceRange) {
    findings.add(Diagnostic(id, .warning, cause, remedy: remedy, at: place))
  }

  // MARK: Claims and blocks

  mutating func checkClaims() {
    guard let headline = lesson.claims.first else {
      warn(
        RuleID.noClaim, "the lesson claims nothing, so nothing in it can be verified",
        "say in one sentence what a learner will have seen: claims: [{id: …, text: …, verified_by: BLOCK.expect}]", at: lessonPlace)
      return
    }
    let block = String(headline.verifiedBy.prefix { $0 != "." })
    guard let kind = notebook.plan.cells.first(where: { $0.id == block })?.work.kind, kind == "sim" || kind == "cost" else { return }
    let word = kind == "sim" ? "simulated" : "computed"
    guard !headline.text.lowercased().contains(kind == "sim" ? "simulat" : "comput") else { return }
    warn(
      RuleID.weakHeadline, "the first claim, `\(headline.id)`, rests on what is only \(word), and does not say so",
      "let a measurement verify it, or say \"\(word)\" in it", at: notebook.place(of: headline.id, in: lesson.id))
  }

  mutating func checkBlocks() {
    let cells = notebook.plan.cells
    if !cells.contains(where: { Self.hasBracket($0.work) }) {
      warn(
        RuleID.noBracket, "no `cost` block has a bracket, so what the problem costs is missing or looks exact",
        "give the weakest input as {low, base, high}", at: lessonPlace)
    }
    if !cells.contains(where: { Self.comparesInPairs($0.work) }) {
      warn(
        RuleID.noComparison, "nothing is compared in pairs with an A/A control, so no gain is shown",
        "give a load or bench block `compare: {baseline, candidates}`, in the order `abba`", at: lessonPlace)
    }
    if !cells.contains(where: { !$0.plots.isEmpty }) {
      warn(RuleID.noPlot, "the lesson draws nothing", "give a block `plots: [{kind: distribution}]`", at: lessonPlace)
    }
    for cell in cells {
      let place = notebook.place(of: cell.id)
      if Self.comparesInPairs(cell.work), cell.why == nil {
        warn(RuleID.noReason, "`\(cell.id)` does not say why the change was tried, and its entry in the log will not either", "add `why:` in one line", at: place)
      }
      if cell.blockTime == nil, ["load", "bench", "sim"].contains(cell.work.kind) {
        warn(
          RuleID.noBlockTime, "`\(cell.id)` does not say how long it may take, so the lesson's sum is not known", "add block_time: {full: 5s, quick: 1s}",
          at: place)
      }
    }
  }

  private static func hasBracket(_ work: Work) -> Bool {
    guard case .cost(let cost) = work else { return false }
    return (Array(cost.inputs.values) + Array((cost.roi ?? [:]).values)).contains { if case .bracket = $0 { true } else { false } }
  }

  static func comparesInPairs(_ work: Work) -> Bool {
    switch work {
    case .load(let load): if case .compare = load.design { true } else { false }
    case .bench(let bench): bench.comparison != nil && bench.order != .sequential
    default: false
    }
  }

  // MARK: Market facts

  mutating func checkFacts() {
    let known = Dictionary(notebook.facts.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
    let tables = notebook.document.values.filter { $0.kind == .marketRegion }
    let days = Set(tables.compactMap { $0.expression.split(separator: " ").last.map(String.init) })
    for cell in notebook.plan.cells {
      guard case .cost(let cost) = cell.work else { continue }
      var used = cost.sources
      for case .fact(let id, _, _, _, _, _) in Array(cost.inputs.values) + Array((cost.roi ?? [:]).values) { used.append(id) }
      for id in Set(used).sorted() {
        // One that is not there is a mistake that planning has reported.
        guard let fact = known[id], days.isDisjoint(with: fact.usedBy) else { continue }
        let remedy =
          days.isEmpty
          ? "put {{ market \(notebook.stem) }} alone on a line of part 0, and `\(notebook.stem)` into the fact's `used_by`"
          : "add `\(notebook.stem)` to its `used_by` in market/facts.yml"
        warn(RuleID.unlistedFact, "`\(cell.id)` uses the fact `\(id)`, and the lesson's market table does not list it", remedy, at: notebook.place(of: id, in: cell.id))
      }
    }
    for table in tables {
      let day = table.expression.split(separator: " ").last.map(String.init) ?? notebook.stem
      let stale = notebook.facts.filter { $0.stale && $0.usedBy.contains(day) }.map { "`\($0.id)`" }
      guard !stale.isEmpty else { continue }
      let line = notebook.source.contentRange(ofLine: notebook.source.line(at: table.range.lower))
      warn(
        PerfDiagnosticID.staleFact, "\(stale.count) fact\(stale.count == 1 ? " of this table is" : "s of this table are") older than believed: \(stale.joined(separator: ", "))",
        "read their sources again and write value and date anew into market/facts.yml", at: line)
    }
  }

  // MARK: Prose

  /// A number that was simulated says so in its paragraph or in the heading above it.
  mutating func checkSimulations() {
    let simulated = Set(notebook.plan.cells.filter { $0.work.kind == "sim" }.map(\.id))
    guard !simulated.isEmpty else { return }
    for value in notebook.document.values where value.kind == .value {
      guard case .success(let address) = parseAddress(value.expression), let block = address.block, simulated.contains(block) else { continue }
      let heading = outline.headings.last { $0.range.lower < value.range.lower }?.text ?? ""
      if (paragraph(around: value.range) + heading).lowercased().contains("simulat") { continue }
      warn(
        RuleID.unmarkedSimulation, "`\(value.expression)` is simulated, and neither its paragraph nor its heading says so",
        "write \"simulated\" beside it: no request was sent for this number", at: value.range)
    }
  }

  private func paragraph(around range: SourceRange) -> String {
    let source = notebook.source
    var first = source.line(at: range.lower)
    var last = first
    while first > 1, !source.text(source.contentRange(ofLine: first - 1)).allSatisfy(\.isWhitespace) { first -= 1 }
    while last < source.lineCount, !source.text(source.contentRange(ofLine: last + 1)).allSatisfy(\.isWhitespace) { last += 1 }
    return source.text(SourceRange(source.lineRange(first).lower, source.lineRange(last).upper))
  }

  mutating func checkTomorrow() {
    guard around.hasLaterLesson, let part = outline.parts[5], let section = outline.section(["tomorrow"], in: part) else { return }
    let leads = notebook.document.links().contains { link in
      link.kind == .link && section.body.contains(link.range.lower) && link.address.prefix { $0 != "#" }.hasSuffix(".md")
    }
    if !leads { warn(RuleID.noTomorrow, "tomorrow's target leads to no lesson", "link it, as in [day 9](day09.md)", at: section.range) }
  }

  /// What the author left to be done: each line that says so.
  mutating func checkUnfinished() {
    let mark = "TODO"  // tidy: allow this is the word that is looked for
    let source = notebook.source
    guard source.lineCount > 0 else { return }
    for line in 1...source.lineCount {
      let range = source.contentRange(ofLine: line)
      let text = source.text(range)
      guard let found = text.firstRange(of: mark) else { continue }
      let rest = text[found.upperBound...]
      // A word of its own: no letter or digit beside it.
      if let before = text[..<found.lowerBound].last, before.isLetter || before.isNumber { continue }
      if let after = rest.first, after.isLetter || after.isNumber { continue }
      let told = rest.drop { $0 == ":" || $0 == " " }.prefix { $0 != "|" }.trimmingMarks
      let lower = range.lower + text[..<found.lowerBound].utf8.count
      warn(
        RuleID.unfinished, told.isEmpty ? "something is left to be done here" : "left to be done: \(told)", "do it, then remove the mark",
        at: SourceRange(lower, lower + mark.utf8.count))
    }
  }
}

extension Substring {
  /// Without what closes a comment, a quote or a list.
  fileprivate var trimmingMarks: String {
    var text = self
    while let last = text.last, " ->}]'\"*,".contains(last) { text.removeLast() }
    return String(text)
  }
}
