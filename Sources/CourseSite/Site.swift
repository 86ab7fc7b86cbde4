// The whole site from a course's notebooks and saved results. Pure: the caller reads the notebooks and writes the files.

import DocumentModel
import ExperimentModel
import Reporting
import TextModel

/// What the pages of the course itself are made from.
public struct CourseInput: Sendable {
  /// In the order of reading.
  public var lessons: [LessonSummary]
  /// The optimization log, when there is one.
  public var log: Document?
  /// With none there is no page of them.
  public var budgets: [JudgedBudget]
  /// Dated facts; with none there is no market page.
  public var facts: [MarketFact]

  public init(lessons: [LessonSummary], log: Document? = nil, budgets: [JudgedBudget] = [], facts: [MarketFact] = []) {
    (self.lessons, self.log, self.budgets, self.facts) = (lessons, log, budgets, facts)
  }

  /// The course's own pages that there is something to show on.
  public var pages: [CoursePage] {
    CoursePage.allCases.filter { page in
      switch page {
      case .home: true
      case .runbook: lessons.contains { !$0.runbooks.isEmpty }
      case .log: log != nil
      case .budgets: !budgets.isEmpty
      case .market: !facts.isEmpty
      }
    }
  }
}

/// A site whose lessons' titles are known: makes pages in any order, and says what a lesson's page depends on.
///
/// All pages stand in one folder, beside the theme's assets, and link to each other relatively, so that the site works
/// from any address and from a disk.
public struct Site: Sendable {
  private let frame: PageFrame

  /// - Parameters:
  ///   - lessons: in the order of reading.
  ///   - pages: which of the course's own pages there are.
  public init(_ course: Course, lessons: [LessonLink], pages: [CoursePage], theme: Theme) {
    frame = PageFrame(course, lessons, pages: pages, theme)
  }

  public func page(_ body: LessonBody) -> SitePage { lessonPage(body, in: frame) }

  /// All that the page of this lesson takes from the rest of the site, besides the theme: the same text, the same page.
  public func surroundings(of lesson: String) -> String {
    (frame.pages.map(\.rawValue) + frame.surroundings(of: lesson).map { $0.map { "\($0.day ?? 0)\t\($0.id)\t\($0.title)" } ?? "" }).joined(separator: "\n")
  }

  /// The pages that belong to no lesson: home, runbook, log, budgets, market facts, 404.
  public func coursePages(_ input: CourseInput) -> [SitePage] {
    var pages = [homePage(frame, input.lessons)]
    let runbooks = input.lessons.flatMap { lesson in lesson.runbooks.map { (lesson: lesson.link.id, $0) } }
    if !runbooks.isEmpty {
      pages.append(documentPage(frame, CoursePage.runbook.path, "Runbook", parsed(runbookMarkdown(runbooks))))
    }
    if let log = input.log { pages.append(documentPage(frame, CoursePage.log.path, "Optimization log", log)) }
    if !input.budgets.isEmpty {
      pages.append(documentPage(frame, CoursePage.budgets.path, CoursePage.budgets.title, parsed(budgetPageText(input.budgets))))
    }
    if !input.facts.isEmpty { pages.append(documentPage(frame, CoursePage.market.path, "Market facts", parsed(marketPageText(input.facts)))) }
    let missing = "<h1>There is no such page</h1>\n<p>The address may be of a lesson that was renamed. <a href=\"index.html\">Start from the course’s home.</a></p>\n"
    pages.append(frame.page("404.html", title: "No such page", body: frame.theme.render("plain", ["body": missing])))
    return pages
  }

  /// Whether search should lead to this page: not to lists of pages, nor to a page of missing ones.
  public static func isSearched(_ path: String) -> Bool { path != CoursePage.home.path && path != "404.html" }
}

private func homePage(_ frame: PageFrame, _ lessons: [LessonSummary]) -> SitePage {
  var weeks: [[String: Any]] = []
  for number in Set(lessons.compactMap { $0.link.day.map(PageFrame.week) }).sorted() {
    let inWeek = lessons.filter { $0.link.day.map(PageFrame.week) == number }
    weeks.append(["title": "Week \(number)", "lessons": inWeek.map(entry)])
  }
  let others = lessons.filter { $0.link.day == nil }
  if !others.isEmpty { weeks.append(["title": weeks.isEmpty ? "Notebooks" : "Further notebooks", "lessons": others.map(entry)]) }
  let claims = lessons.flatMap(\.claims)
  let verified = claims.filter { $0.status == .verified || $0.status == .simulated }.count
  let context: [String: Any] = [
    "courseTitle": frame.course.title, "weeks": weeks, "isEmpty": lessons.isEmpty,
    "hasClaims": !claims.isEmpty, "claimState": "\(verified) of \(claims.count) claims shown on the machine that measured these results",
    "evidence": Evidence.allCases.map { ["letter": $0.rawValue, "class": "evidence-\($0.rawValue.lowercased())", "meaning": $0.meaning] as [String: Any] },
  ]
  return frame.page(CoursePage.home.path, title: frame.course.title, body: frame.theme.render("home", context))
}

private func entry(_ lesson: LessonSummary) -> [String: Any] {
  [
    "href": "\(lesson.link.id).html", "label": PageFrame.label(lesson.link), "title": lesson.link.title, "state": stateText(lesson),
    "stateClass": lesson.measured == lesson.blocks ? "complete" : lesson.measured == 0 ? "pending" : "partial",
  ]
}

private func documentPage(_ frame: PageFrame, _ path: String, _ title: String, _ document: Document) -> SitePage {
  let rendered = document.html(HTMLOptions())
  let body = frame.theme.render("plain", ["body": finishedFragment(rendered.html).html])
  // A log of many entries needs no list of them: the newest stands last.
  let contents = rendered.headings.count <= 40 ? rendered.headings : []
  return frame.page(path, title: title, body: body, headings: contents)
}

private func parsed(_ markdown: String) -> Document { Document(parsing: SourceText(path: "", text: markdown)) }

private func budgetPageText(_ budgets: [JudgedBudget]) -> String {
  let broken = budgets.count { $0.outcome == .fail }
  return """
    # Performance budgets

    Limits on measured values, each with the person who decides about it. A budget fails when the whole interval lies beyond
    its limit, and passes when the whole interval keeps it. \(broken == 0 ? "None is broken." : "**\(broken) of \(budgets.count) broken.**")

    \(budgetMarkdown(budgets))

    """
}

private func marketPageText(_ facts: [MarketFact]) -> String {
  """
  # Market facts

  Outside facts that lessons use, each with its source, its date and how long it is believed. A fact that reads STALE is
  older than that: check it before you use it.

  \(marketTable(facts))

  """
}
