// The course's home: a map of its weeks with the state of each day, and how far the course and its measurements are.

import ExperimentModel

func homePage(_ frame: PageFrame, _ lessons: [LessonSummary], passed: Set<String>) -> SitePage {
  let strings = frame.strings
  let inputs = Dictionary(lessons.map { ($0.link.id, $0) }, uniquingKeysWith: { a, _ in a })
  var weeks: [[String: Any]] = frame.weekNumbers.map { number in
    let days = frame.days(ofWeek: number).map { day, title, link in
      link.flatMap { inputs[$0.id] }.map { card($0, frame) }
        ?? ["label": strings.text(.day, ["n": "\(day)"]), "title": title, "isPlanned": true, "state": strings[.planned], "stateClass": "planned"]
    }
    let week = number <= frame.course.weeks.count ? frame.course.weeks[number - 1] : nil
    let page = week?.page.flatMap(frame.address)
    return [
      "title": frame.weekTitle(number), "days": days, "weekAbout": week?.about.map { [["text": $0]] } ?? [], "isLink": page != nil, "href": page ?? "",
    ]
  }
  // A week's own page stands at its title.
  let weekPages = Set(frame.course.weeks.compactMap(\.page))
  let others = lessons.filter { $0.link.day == nil && !weekPages.contains($0.link.id) }
  if !others.isEmpty {
    weeks.append(["title": strings[weeks.isEmpty ? .notebooks : .furtherNotebooks], "days": others.map { card($0, frame) }])
  }
  let progress = progressContext(frame, lessons, passed)
  let context: [String: Any] = [
    "courseTitle": frame.course.title, "courseAbout": frame.course.about.map { ["text": $0] }, "strings": strings.texts, "weeks": weeks,
    "isEmpty": lessons.isEmpty, "progress": progress,
    "hasProgress": !progress.isEmpty, "evidence": evidenceContext(Evidence.allCases, strings),
  ]
  return frame.page(CoursePage.home.path, title: frame.course.title, kind: "home", body: frame.theme.render("home", context))
}

/// What the theme draws as bars; only what there is something of.
private func progressContext(_ frame: PageFrame, _ lessons: [LessonSummary], _ passed: Set<String>) -> [[String: Any]] {
  func bar(_ key: StringKey, _ n: Int, of total: Int) -> [String: Any] {
    ["text": frame.strings.text(key, ["n": "\(n)", "total": "\(total)"]), "value": "\(n)", "total": "\(total)"]
  }
  var bars: [[String: Any]] = []
  let planned = frame.course.weeks.reduce(0) { $0 + $1.days.count }
  let days = Set(lessons.compactMap(\.link.day))
  if planned > 0 { bars.append(bar(.progressDays, days.filter { $0 <= planned }.count, of: planned)) }
  let blocks = lessons.reduce(0) { $0 + $1.blocks }
  if blocks > 0 { bars.append(bar(.progressBlocks, lessons.reduce(0) { $0 + $1.measured }, of: blocks)) }
  let claims = lessons.flatMap(\.claims)
  if !claims.isEmpty { bars.append(bar(.progressClaims, claims.count { $0.status == .verified || $0.status == .simulated }, of: claims.count)) }
  let exercises = lessons.flatMap { lesson in lesson.exercises.map { "\(lesson.link.id)/\($0)" } }
  // Nobody has begun: then a bar of nothing would only discourage.
  if !passed.isEmpty { bars.append(bar(.progressExercises, exercises.count(where: passed.contains), of: exercises.count)) }
  return bars
}

private func card(_ lesson: LessonSummary, _ frame: PageFrame) -> [String: Any] {
  [
    "href": "\(lesson.link.id).html", "label": frame.label(lesson.link), "title": lesson.link.title, "state": stateText(lesson, frame.strings),
    "stateClass": stateClass(lesson), "isPlanned": false,
  ]
}
