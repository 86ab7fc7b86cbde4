// The frame that all pages share: navigation, contents, the lessons of the week, previous and next. Values for the theme's
// templates, no HTML. A lesson's page depends on the course, its own content, its neighbours and the titles of its week, and
// on nothing else: one changed lesson among a thousand does not change a thousand pages.

import DocumentModel
import Foundation

/// The pages that belong to the course and not to one lesson, in the order of navigation.
public enum CoursePage: String, CaseIterable, Sendable {
  case home = "index"
  case glossary
  case runbook
  case log = "optimization-log"
  case trend
  case budgets
  case market

  /// Relative to the site.
  public var path: String { rawValue + ".html" }

  var title: StringKey {
    switch self {
    case .home: .pageHome
    case .glossary: .pageGlossary
    case .runbook: .pageRunbook
    case .log: .pageLog
    case .trend: .pageTrend
    case .budgets: .pageBudgets
    case .market: .pageMarket
    }
  }
}

/// Where the feed of the optimization log stands, relative to the site.
let feedPath = "feed.xml"

/// What the layout template needs besides the page's body.
struct PageFrame {
  let course: Course
  let lessons: [LessonLink]
  /// Which of the course's own pages there are.
  let pages: [CoursePage]
  let theme: Theme
  let strings: SiteStrings
  /// Positions in `lessons`.
  private let places: [String: Int]
  private let weeks: [Int: [LessonLink]]
  private let scripts: [String]
  private let styles: [String]

  init(_ course: Course, _ lessons: [LessonLink], pages: [CoursePage], _ theme: Theme) {
    self.course = course
    self.lessons = lessons
    self.theme = theme
    self.pages = pages
    let strings = theme.strings(for: course.lang)
    self.strings = strings
    places = Dictionary(lessons.enumerated().map { ($0.element.id, $0.offset) }, uniquingKeysWith: { a, _ in a })
    weeks = Dictionary(grouping: lessons.filter { $0.day != nil }) { course.week(of: $0.day ?? 1) }
    scripts = theme.assets.map(\.path).filter { $0.hasSuffix(".js") }
    // The first stylesheet is the one that every theme has; further ones may override it.
    styles = theme.assets.map(\.path).filter { $0.hasSuffix(".css") }.sorted { ($0 != "style.css" ? 1 : 0, $0) < ($1 != "style.css" ? 1 : 0, $1) }
  }

  private func neighbours(of lesson: String?) -> (previous: LessonLink?, next: LessonLink?) {
    guard let place = lesson.flatMap({ places[$0] }) else { return (nil, nil) }
    return (place > 0 ? lessons[place - 1] : nil, place + 1 < lessons.count ? lessons[place + 1] : nil)
  }

  /// All that a lesson's page takes from other lessons.
  func surroundings(of lesson: String) -> [LessonLink?] {
    let (previous, next) = neighbours(of: lesson)
    let week = places[lesson].flatMap { lessons[$0].day }.map { weeks[course.week(of: $0)] ?? [] } ?? []
    return [previous, next] + week
  }

  /// A whole page.
  /// - Parameters:
  ///   - kind: what the page is, for the stylesheet: `lesson`, `home`.
  ///   - body: rendered (trusted) HTML.
  func page(
    _ path: String, title: String, kind: String, kicker: String = "", body: String, headings: [Heading] = [], lesson: LessonLink? = nil
  ) -> SitePage {
    let contents = headings.filter { $0.level == 2 || $0.level == 3 }
    let (previous, next) = neighbours(of: lesson?.id)
    var context: [String: Any] = [
      "lang": course.lang, "courseTitle": course.title, "strings": strings.texts, "scripts": scripts, "styles": styles, "theme": theme.name,
      "searchOne": strings.text(.searchMany, count: 1), "scriptWords": strings.scriptWords,
    ]
    if let url = course.url, pages.contains(.log) { context["feedAddress"] = url + feedPath }
    context["title"] = title
    if !kicker.isEmpty { context["kicker"] = kicker }
    context["body"] = body
    context["pageClass"] = "page-\(kind)"
    context["pageTitle"] = title == course.title ? title : "\(title) · \(course.title)"
    context["navigation"] = pages.map { ["href": $0.path, "text": strings[$0.title], "current": $0.path == path] as [String: Any] }
    context["hasContents"] = contents.count > 1
    context["contents"] = contents.map { ["href": "#\($0.id)", "text": $0.text, "level": "\($0.level)"] as [String: Any] }
    context["hasNeighbours"] = previous != nil || next != nil
    if let previous { context["previous"] = ["href": "\(previous.id).html", "text": name(previous)] as [String: Any] }
    if let next { context["next"] = ["href": "\(next.id).html", "text": name(next)] as [String: Any] }
    if let url = course.url, kind != "missing" { context["canonical"] = url + (path == CoursePage.home.path ? "" : path) }
    if let week = lesson.flatMap(weekContext) { context["week"] = week }
    return SitePage(path: path, html: theme.render("layout", context))
  }

  /// The lessons of a lesson's week, and the planned days that have none yet; nil when it would stand alone.
  private func weekContext(_ lesson: LessonLink) -> [String: Any]? {
    guard let day = lesson.day else { return nil }
    let number = course.week(of: day)
    let days = self.days(ofWeek: number).map { day, title, link in
      [
        "label": strings.text(.day, ["n": "\(day)"]), "text": title, "isLink": link != nil && link != lesson, "current": link == lesson,
        "href": link.map { "\($0.id).html" } ?? "",
      ] as [String: Any]
    }
    return days.count < 2 ? nil : ["weekTitle": weekTitle(number), "days": days]
  }

  /// Lessons and planned days of a week, by day.
  func days(ofWeek number: Int) -> [(day: Int, title: String, link: LessonLink?)] {
    let taught = (weeks[number] ?? []).map { (day: $0.day ?? 0, title: $0.title, link: LessonLink?.some($0)) }
    let known = Set(taught.map(\.day))
    let planned = course.plannedDays(ofWeek: number).filter { !known.contains($0.day) }.map { (day: $0.day, title: $0.title, link: LessonLink?.none) }
    return (taught + planned).sorted { ($0.day, $0.title) < ($1.day, $1.title) }
  }

  /// Numbers of the weeks that have a lesson or a plan.
  var weekNumbers: [Int] { Set(weeks.keys).union(course.weeks.indices.map { $0 + 1 }).sorted() }

  func weekTitle(_ number: Int) -> String {
    number <= course.weeks.count
      ? strings.text(.weekTitle, ["n": "\(number)", "title": course.weeks[number - 1].title]) : strings.text(.week, ["n": "\(number)"])
  }

  func kicker(_ lesson: LessonLink) -> String {
    lesson.day.map { strings.text(.weekDay, ["week": "\(course.week(of: $0))", "day": "\($0)"]) } ?? ""
  }

  func label(_ lesson: LessonLink) -> String { lesson.day.map { strings.text(.day, ["n": "\($0)"]) } ?? lesson.id }

  func name(_ lesson: LessonLink) -> String {
    lesson.day.map { strings.text(.dayTitle, ["n": "\($0)", "title": lesson.title]) } ?? lesson.title
  }

  /// The lesson's page when it has one, for links from the course's own pages.
  func address(of lesson: String) -> String? { places[lesson].map { _ in "\(lesson).html" } }
}
