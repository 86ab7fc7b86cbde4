// The whole site from a course's notebooks and saved results. Pure: the caller reads the notebooks and writes the files.

import DocumentModel
import ExperimentModel
import Reporting

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
  /// glossary.md, when there is one.
  public var glossary: Document?
  /// Values over time; with none the trend page says so.
  public var trends: [HistorySeries]
  /// Exercises that the learner here has passed, as `day08/exercise`.
  public var passed: Set<String>

  public init(
    lessons: [LessonSummary], log: Document? = nil, budgets: [JudgedBudget] = [], facts: [MarketFact] = [], glossary: Document? = nil,
    trends: [HistorySeries] = [], passed: Set<String> = []
  ) {
    (self.lessons, self.log, self.budgets, self.facts) = (lessons, log, budgets, facts)
    (self.glossary, self.trends, self.passed) = (glossary, trends, passed)
  }

  /// The course's own pages that there is something to show on.
  public var pages: [CoursePage] {
    CoursePage.allCases.filter { page in
      switch page {
      case .home, .trend: true
      case .glossary: glossary != nil
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

  /// The pages that belong to no lesson: home, glossary, runbook, log, trend, budgets, market facts, 404.
  public func coursePages(_ input: CourseInput) -> [SitePage] {
    var pages = [homePage(frame, input.lessons, passed: input.passed)]
    let runbooks = input.lessons.flatMap { lesson in lesson.runbooks.map { (lesson: lesson.link.id, $0) } }
    if let glossary = input.glossary { pages.append(glossaryPage(frame, glossary)) }
    if !runbooks.isEmpty { pages.append(runbookPage(frame, runbooks)) }
    if let log = input.log { pages.append(logPage(frame, log)) }
    pages.append(trendPage(frame, input.trends))
    if !input.budgets.isEmpty { pages.append(budgetsPage(frame, input.budgets)) }
    if !input.facts.isEmpty { pages.append(marketPage(frame, input.facts)) }
    pages.append(missingPage(frame))
    return pages
  }

  /// Whether search should lead to this page: not to lists of pages, nor to a page of missing ones.
  public static func isSearched(_ path: String) -> Bool { path != CoursePage.home.path && path != "404.html" }
}
