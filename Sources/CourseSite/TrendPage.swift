// How saved values moved over time, as a page: a line a value, by lesson, with its course as a picture and its changes of
// level in words. Made from what `nb history` reads; without history the page says so.

import DocumentModel
import ExperimentModel
import Reporting

/// Lines that the page shows at most: beyond that nobody reads them, and `nb history` has them all.
private let linesMax = 300

/// - Parameter series: addresses begin with their lesson (`day08/onoff.on.mean`).
func trendPage(_ frame: PageFrame, _ series: [HistorySeries]) -> SitePage {
  let strings = frame.strings
  let shown = series.prefix(linesMax)
  var headings: [Heading] = []
  var groups: [[String: Any]] = []
  var number = 0
  for lesson in shown.map(lessonName).reduce(into: [String]()) { names, name in if !names.contains(name) { names.append(name) } } {
    let rows = shown.filter { lessonName($0) == lesson }.map { one in
      number += 1
      return row(one, id: "trend-\(number)", frame)
    }
    headings.append(Heading(level: 2, id: "trend-of-\(lesson)", text: lesson))
    groups.append(["name": lesson, "anchor": "trend-of-\(lesson)", "rows": rows, "href": frame.address(of: lesson) ?? "", "isLink": frame.address(of: lesson) != nil])
  }
  let title = strings[.pageTrend]
  var context: [String: Any] = ["title": title, "strings": strings.texts, "groups": groups, "isEmpty": groups.isEmpty]
  if series.count > linesMax { context["more"] = strings.text(.trendMore, count: series.count - linesMax) }
  return frame.page(CoursePage.trend.path, title: title, kind: "trend", body: frame.theme.render("trend", context), headings: headings)
}

/// A name may say more before the address: `quick day08/onoff.on.mean`.
private func lessonName(_ series: HistorySeries) -> String {
  let address = series.address.split(separator: " ").last.map(String.init) ?? series.address
  return String(address.prefix { $0 != "/" })
}

private func row(_ series: HistorySeries, id: String, _ frame: PageFrame) -> [String: Any] {
  let strings = frame.strings
  let (first, last) = (series.points.first?.date ?? "–", series.points.last?.date ?? "–")
  let extent = series.extent
  let description = strings.text(
    .trendPicture, ["n": "\(series.points.count)", "first": first, "last": last, "least": extent?.least ?? "–", "most": extent?.most ?? "–"])
  let changes = series.changes.map { change -> [String: Any] in
    let isBetter = series.isBetter(change)
    let word = isBetter.map { ", \(strings[$0 ? .trendBetter : .trendWorse])" } ?? ""
    let commit = change.commit.map { " (\($0))" } ?? ""
    return ["change": "\(change.date)\(commit): \(levelText(change))\(word)", "changeClass": isBetter.map { $0 ? "good" : "bad" } ?? "neutral"]
  }
  // The lesson stands in the heading.
  let name = series.address.replacing("\(lessonName(series))/", with: "")
  return [
    "name": name, "runs": "\(series.points.count)", "first": first, "last": last, "picture": sparklineSVG(series, description: description, id: id),
    "extent": extent.map { "\($0.least) … \($0.most)" } ?? "–", "lastValue": series.lastText, "changes": changes, "hasChanges": !changes.isEmpty,
  ]
}
