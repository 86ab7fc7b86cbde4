// The frame that all pages share: navigation, contents, previous and next. Values for the theme's templates, no HTML.

import DocumentModel
import Foundation

/// The pages that belong to the course and not to one lesson.
public enum CoursePage: String, CaseIterable, Sendable {
  case home = "index"
  case runbook
  case log = "optimization-log"
  case budgets
  case market

  /// Relative to the site.
  public var path: String { rawValue + ".html" }

  var title: String {
    switch self {
    case .home: "Home"
    case .runbook: "Runbook"
    case .log: "Optimization log"
    case .budgets: "Performance budgets"
    case .market: "Market facts"
    }
  }
}

/// What the layout template needs besides the page's body.
struct PageFrame {
  let course: Course
  let lessons: [LessonLink]
  /// Which of the course's own pages there are.
  let pages: [CoursePage]
  let theme: Theme
  private let places: [String: Int]
  private let weeks: [Int: [LessonLink]]

  init(_ course: Course, _ lessons: [LessonLink], pages: [CoursePage], _ theme: Theme) {
    self.course = course
    self.lessons = lessons
    self.theme = theme
    self.pages = pages
    places = Dictionary(lessons.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { a, _ in a })
    weeks = Dictionary(grouping: lessons.filter { $0.day != nil }) { Self.week($0.day!) }
  }

  func neighbours(of lesson: String) -> (previous: LessonLink?, next: LessonLink?) {
    guard let place = places[lesson] else { return (nil, nil) }
    return (place > 0 ? lessons[place - 1] : nil, place + 1 < lessons.count ? lessons[place + 1] : nil)
  }

  /// The lessons that share a week with this one: all that its page may name besides its neighbours, so that a new title
  /// changes a few pages and not all of them.
  func week(of lesson: String) -> [LessonLink] {
    places[lesson].flatMap { lessons[$0].day }.flatMap { weeks[Self.week($0)] } ?? []
  }

  /// All that a lesson's page takes from other lessons.
  func surroundings(of lesson: String) -> [LessonLink?] {
    let (previous, next) = neighbours(of: lesson)
    return [previous, next] + week(of: lesson)
  }

  /// A whole page.
  /// - Parameter body: rendered (trusted) HTML.
  func page(
    _ path: String, title: String, kicker: String = "", body: String, headings: [Heading] = [], previous: LessonLink? = nil,
    next: LessonLink? = nil
  ) -> SitePage {
    let contents = headings.filter { $0.level == 2 || $0.level == 3 }
    var context: [String: Any] = [
      "lang": course.lang, "courseTitle": course.title, "title": title, "kicker": kicker, "body": body,
      "pageTitle": title == course.title ? title : "\(title) · \(course.title)",
      "navigation": pages.map { ["href": $0.path, "text": $0.title, "current": $0.path == path] as [String: Any] },
      "week": week(of: path.hasSuffix(".html") ? String(path.dropLast(5)) : path).map { lesson in
        ["href": "\(lesson.id).html", "text": lesson.title, "label": Self.label(lesson), "current": "\(lesson.id).html" == path] as [String: Any]
      },
      "hasContents": contents.count > 1, "hasNeighbours": previous != nil || next != nil,
      "contents": contents.map { ["href": "#\($0.id)", "text": $0.text, "level": "\($0.level)"] as [String: Any] },
    ]
    if let previous { context["previous"] = ["href": "\(previous.id).html", "text": Self.name(previous)] as [String: Any] }
    if let next { context["next"] = ["href": "\(next.id).html", "text": Self.name(next)] as [String: Any] }
    return SitePage(path: path, html: theme.render("layout", context))
  }

  static func label(_ lesson: LessonLink) -> String { lesson.day.map { "Day \($0)" } ?? lesson.id }

  /// How a page's title and links call a lesson.
  static func name(_ lesson: LessonLink) -> String { lesson.day.map { "Day \($0) · \(lesson.title)" } ?? lesson.title }

  static func week(_ day: Int) -> Int { (max(1, day) - 1) / 5 + 1 }
}
