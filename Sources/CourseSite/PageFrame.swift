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

  init(_ course: Course, _ lessons: [LessonLink], pages: [CoursePage], _ theme: Theme) {
    self.course = course
    self.lessons = lessons
    self.theme = theme
    self.pages = pages
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
