// The whole site from a course's notebooks and saved results. Pure: the caller reads the notebooks and writes the files.

import DocumentModel
import ExperimentModel
import Reporting
import TextModel

/// Every page of the course: home, lessons, glossary, runbook, log, trend, budgets, market facts, 404. All stand in one folder, beside the theme's
/// assets, and link to each other relatively, so that the site works from any address and from a disk.
///
/// - Parameters:
///   - lessons: in the order of reading.
///   - log: the optimization log, when there is one.
///   - budgets: with none there is no page of them.
///   - facts: dated facts; with none there is no market page.
///   - glossary: glossary.md, when there is one.
///   - trends: values over time; with none the trend page says so.
public func buildSite(
  course: Course, lessons: [LessonInput], log: Document?, runbooks: [(lesson: String, RunbookSpec)], budgets: [JudgedBudget] = [],
  facts: [MarketFact], glossary: Document? = nil, trends: [HistorySeries] = [], theme: Theme
) -> [SitePage] {
  let own = CoursePage.allCases.filter { page in
    switch page {
    case .home, .trend: true
    case .glossary: glossary != nil
    case .runbook: !runbooks.isEmpty
    case .log: log != nil
    case .budgets: !budgets.isEmpty
    case .market: !facts.isEmpty
    }
  }
  let frame = PageFrame(course, lessons.map(\.link), pages: own, theme)
  var pages = [homePage(frame, lessons)]
  pages += lessons.map { lessonPage($0, in: frame) }
  if let glossary { pages.append(glossaryPage(frame, glossary)) }
  if !runbooks.isEmpty { pages.append(runbookPage(frame, runbooks)) }
  if let log { pages.append(logPage(frame, log)) }
  pages.append(trendPage(frame, trends))
  if !budgets.isEmpty { pages.append(budgetsPage(frame, budgets)) }
  if !facts.isEmpty { pages.append(marketPage(frame, facts)) }
  pages.append(missingPage(frame))
  return pages
}
