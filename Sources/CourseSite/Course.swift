// What a course says about itself in course.yml: title, language, theme, address, plan, the order of its lessons. Money and allowed
// targets stand in the same file for other modules; here they are only known as legal keys.

import TextModel

/// A course's description; `Course()` is that of a folder without course.yml.
public struct Course: Hashable, Sendable {
  public var title = "Notebooks"
  /// BCP 47, for the `lang` attribute.
  public var lang = "en"
  /// What a newcomer reads first, above the weeks of the home: paragraphs of plain text.
  public var about: [String] = []
  /// A folder in Themes.
  public var theme = "default"
  /// Ids (file names without `.md`) in the order of reading; empty: by name.
  public var lessons: [String] = []
  /// Where the site will stand, ending in `/`; nil: unknown, and then there is neither sitemap nor feed, which need absolute addresses.
  public var url: String?
  /// The plan of the course; empty: five days are a week, and only days with a lesson are shown.
  public var weeks: [CourseWeek] = []
  /// Hosts that are not this machine and that `nb load` may load without being told each time.
  public var targets: [String] = []
  /// Raw HTML in notebooks is kept.
  public var unsafe = false
  public init() {}
}

/// A week as the course plans it. Days count through: the second week begins where the first ends.
public struct CourseWeek: Hashable, Sendable {
  public var title: String
  /// Titles of its days; that of a lesson, once there is one, takes its place.
  public var days: [String]
  /// One paragraph under its title on the home.
  public var about: String?
  /// The notebook that the title leads to: what the week is for. It stands with its week and not among the further notebooks.
  public var page: String?
  public init(title: String, days: [String], about: String? = nil, page: String? = nil) {
    (self.title, self.days, self.about, self.page) = (title, days, about, page)
  }
}

extension Course {
  /// The week of a day, both from 1; a day beyond the plan lies in a week of five.
  func week(of day: Int) -> Int {
    var last = 0
    for (index, week) in weeks.enumerated() {
      last += week.days.count
      if day <= last { return index + 1 }
    }
    return weeks.count + (max(1, day - last) - 1) / 5 + 1
  }

  /// The days of a week, as planned; empty where nothing is.
  func plannedDays(ofWeek number: Int) -> [(day: Int, title: String)] {
    guard number >= 1, number <= weeks.count else { return [] }
    let before = weeks[..<(number - 1)].reduce(0) { $0 + $1.days.count }
    return weeks[number - 1].days.enumerated().map { (before + $0.offset + 1, $0.element) }
  }
}
