// The whole site from a course's notebooks and saved results. Pure: the caller reads the notebooks and writes the files.

import DocumentModel
import ExperimentModel
import Reporting
import TextModel

/// Every page of the course: home, lessons, runbook, log, market facts, 404. All stand in one folder, beside the theme's
/// assets, and link to each other relatively, so that the site works from any address and from a disk.
///
/// - Parameters:
///   - lessons: in the order of reading.
///   - log: the optimization log, when there is one.
///   - budgets: with none there is no page of them.
///   - facts: dated facts; with none there is no market page.
public func buildSite(
  course: Course, lessons: [LessonInput], log: Document?, runbooks: [(lesson: String, RunbookSpec)], budgets: [JudgedBudget] = [],
  facts: [MarketFact], theme: Theme
) -> [SitePage] {
  let own = CoursePage.allCases.filter { page in
    switch page {
    case .home: true
    case .runbook: !runbooks.isEmpty
    case .log: log != nil
    case .budgets: !budgets.isEmpty
    case .market: !facts.isEmpty
    }
  }
  let frame = PageFrame(course, lessons.map(\.link), pages: own, theme)
  var pages = [homePage(frame, lessons)]
  pages += lessons.map { lessonPage($0, in: frame) }
  if !runbooks.isEmpty {
    pages.append(documentPage(frame, CoursePage.runbook.path, "Runbook", parsed(runbookMarkdown(runbooks))))
  }
  if let log { pages.append(documentPage(frame, CoursePage.log.path, "Optimization log", log)) }
  if !budgets.isEmpty {
    pages.append(documentPage(frame, CoursePage.budgets.path, CoursePage.budgets.title, parsed(budgetPageText(budgets))))
  }
  if !facts.isEmpty { pages.append(documentPage(frame, CoursePage.market.path, "Market facts", parsed(marketPageText(facts)))) }
  let missing = "<h1>There is no such page</h1>\n<p>The address may be of a lesson that was renamed. <a href=\"index.html\">Start from the course’s home.</a></p>\n"
  pages.append(frame.page("404.html", title: "No such page", body: frame.theme.render("plain", ["body": missing])))
  return pages
}

private func homePage(_ frame: PageFrame, _ lessons: [LessonInput]) -> SitePage {
  var weeks: [[String: Any]] = []
  for number in Set(lessons.compactMap { $0.day.map(PageFrame.week) }).sorted() {
    let inWeek = lessons.filter { $0.day.map(PageFrame.week) == number }
    weeks.append(["title": "Week \(number)", "lessons": inWeek.map(entry)])
  }
  let others = lessons.filter { $0.day == nil }
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

private func entry(_ lesson: LessonInput) -> [String: Any] {
  let measured = lesson.measured.count
  return [
    "href": "\(lesson.id).html", "label": PageFrame.label(lesson.link), "title": lesson.title, "state": stateText(lesson),
    "stateClass": lesson.blocks.isEmpty || measured == lesson.blocks.count ? "complete" : measured == 0 ? "pending" : "partial",
  ]
}

private func documentPage(_ frame: PageFrame, _ path: String, _ title: String, _ document: Document) -> SitePage {
  let rendered = document.html(HTMLOptions())
  let body = frame.theme.render("plain", ["body": finishedFragment(rendered.html)])
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
