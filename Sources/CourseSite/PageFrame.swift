// The frame that all pages share: navigation, contents, previous and next. Values for the theme's templates, no HTML.

import DocumentModel
import Foundation

/// What the layout template needs besides the page's body.
struct PageFrame {
  let course: Course
  let lessons: [LessonLink]
  /// Which of the course's own pages there are, by file name.
  let extras: [(path: String, title: String)]
  let theme: Theme

  static let runbook = "runbook.html"
  static let log = "optimization-log.html"
  static let market = "market.html"

  init(_ course: Course, _ lessons: [LessonLink], hasLog: Bool, hasRunbook: Bool, hasMarket: Bool, _ theme: Theme) {
    self.course = course
    self.lessons = lessons
    self.theme = theme
    extras = [
      (Self.runbook, "Runbook", hasRunbook), (Self.log, "Optimization log", hasLog), (Self.market, "Market facts", hasMarket),
    ].filter(\.2).map { (path: $0.0, title: $0.1) }
  }

  /// A whole page.
  /// - Parameter body: rendered (trusted) HTML.
  func page(
    _ path: String, title: String, kicker: String = "", body: String, headings: [Heading] = [], previous: LessonLink? = nil,
    next: LessonLink? = nil
  ) -> SitePage {
    let entries = [(path: "index.html", title: "Home")] + extras
    let contents = headings.filter { $0.level == 2 || $0.level == 3 }
    var context: [String: Any] = [
      "lang": course.lang, "courseTitle": course.title, "title": title, "kicker": kicker, "body": body,
      "pageTitle": title == course.title ? title : "\(title) · \(course.title)",
      "navigation": entries.map { ["href": $0.path, "text": $0.title, "current": $0.path == path] as [String: Any] },
      "lessons": lessons.map { lesson in
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

  static func name(_ lesson: LessonLink) -> String { lesson.day.map { "Day \($0) · \(lesson.title)" } ?? lesson.title }

  static func week(_ day: Int) -> Int { (max(1, day) - 1) / 5 + 1 }
}
