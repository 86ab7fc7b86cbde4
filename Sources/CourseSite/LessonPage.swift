// A notebook with its saved results as a page: the text as written, a plot after each table that has one, the state of
// every claim at the top. Shows only what was measured; what was not says "not yet measured".

import DocumentModel
import ExperimentModel
import Reporting

/// A lesson's own part of its page: nothing in it depends on other lessons, so that it is made once and framed when the
/// titles of all are known.
public struct LessonBody: Sendable {
  public var summary: LessonSummary
  var html: String
  var headings: [Heading]
}

public func lessonBody(_ lesson: LessonInput, course: Course, theme: Theme) -> LessonBody {
  let strings = theme.strings(for: course.lang)
  let rendered = lesson.document.html(
    pageOptions(strings, unsafe: course.unsafe), additions: plots(lesson, strings), fenceAdditions: pendingNotes(lesson, strings))
  let fragment = finishedFragment(rendered.html, strings, traces: lesson.traces)
  let (heading, rest) = splitAfterTitle(fragment.html)
  let summary = lesson.summary
  var context: [String: Any] = [
    "heading": heading, "body": rest, "title": lesson.title, "hasBlocks": !lesson.blocks.isEmpty, "state": stateText(summary, strings),
    "stateClass": stateClass(summary), "hasClaims": !lesson.claims.isEmpty, "strings": strings.texts,
    "claims": lesson.claims.map {
      ["text": $0.claim.text, "status": statusText($0.status, strings), "statusClass": statusClass($0.status)] as [String: Any]
    },
    "evidence": evidenceContext(fragment.evidence, strings), "hasEvidence": !fragment.evidence.isEmpty,
  ]
  if theme.names("slides") { context["slides"] = slides(rest, rendered.headings) }
  return LessonBody(summary: summary, html: theme.render("lesson", context), headings: rendered.headings)
}

/// The page of a lesson, with links to those of the course's own pages that are there.
func lessonPage(_ body: LessonBody, in frame: PageFrame) -> SitePage {
  let link = body.summary.link
  return frame.page(
    "\(link.id).html", title: frame.name(link), kind: "lesson", kicker: frame.kicker(link), body: body.html, headings: body.headings, lesson: link)
}

/// Figures by result region, below a note where the block was edited since.
private func plots(_ lesson: LessonInput, _ strings: SiteStrings) -> [String: String] {
  var additions: [String: String] = [:]
  let traces = lesson.traces
  for id in lesson.stale {
    additions[id] = "<p class=\"stale\">\(escapedHTML(strings[.staleBlock]))</p>\n"
  }
  for result in lesson.results where result.hasNumbers {
    let title = result.title ?? result.id
    var figures = result.plots.map { plot in
      figure(
        plotSVG(plot), kind: strings[.plot], title: plot.title,
        table: dataTableHTML(plot, summary: strings[.plotNumbers]), summary: strings[.plotNumbers])
    }
    if let profile = result.profile {
      figures.append(
        figure(
          flameGraphSVG(profile, title: title), kind: strings[.flameGraph], title: title,
          table: profileTableHTML(profile, title: title, summary: strings[.profileNumbers]), summary: strings[.profileNumbers]))
    }
    for picture in result.pictures ?? [] {
      let name = title + (picture.traceID.map { ": trace \($0)" } ?? "")
      figures.append(
        figure(
          telemetrySVG(picture, title: name, traces: traces), kind: strings[.telemetryPicture], title: name,
          table: telemetryTableHTML(picture, title: name, summary: strings[.pictureNumbers]), summary: strings[.pictureNumbers],
          // A waterfall can be linked to: exemplars lead to their trace.
          id: picture.traceID.map { "trace-\($0)" }))
    }
    additions[result.id, default: ""] += figures.joined()
  }
  return additions.filter { !$0.value.isEmpty }
}

private func figure(_ svg: String, kind: String, title: String, table: String, summary: String, id: String? = nil) -> String {
  """
  <figure class="plot-figure"\(id.map { " id=\"\(escapedHTML($0))\"" } ?? "")>
  \(scrolling(svg, "plot-box", label: "\(kind): \(title)"))<figcaption>\(escapedHTML(title))
  \(scrollingTable(table, label: "\(summary): \(title)"))</figcaption>
  </figure>

  """
}

extension LessonInput {
  /// Traces that the page shows as waterfalls.
  fileprivate var traces: Set<String> {
    Set(results.filter { $0.failure == nil && $0.validity != .invalid }.flatMap { $0.pictures ?? [] }.compactMap(\.traceID))
  }
}

/// After each block without a result region, so that links to its result lead somewhere.
private func pendingNotes(_ lesson: LessonInput, _ strings: SiteStrings) -> [String: String] {
  let shown = Set(lesson.document.regions.map(\.id))
  return Dictionary(
    lesson.blocks.filter { !shown.contains($0) }.map { id in
      let command = "nb run --only \(id) \(lesson.id).md"
      return (id, "<p class=\"pending\" id=\"result-\(escapedHTML(id))\">\(escapedHTML(strings[.notMeasuredBlock])) <code>\(escapedHTML(command))</code></p>\n")
    }, uniquingKeysWith: { a, _ in a })
}

/// The first heading of level 1 and what stands before it, apart from the rest: the summary goes between.
private func splitAfterTitle(_ html: String) -> (heading: String, rest: String) {
  html.withMarkupBytes { markup in
    guard let end = markup.find("</h1>\n", from: 0).map({ $0 + 6 }) else { return ("", html) }
    return (markup.text(0..<end), markup.text(end..<markup.count))
  }
}

/// `3 of 17 blocks measured`.
func stateText(_ lesson: LessonSummary, _ strings: SiteStrings) -> String {
  let (measured, total) = (lesson.measured, lesson.blocks)
  if total == 0 { return strings[.nothingToMeasure] }
  if measured == 0 { return strings[.notMeasured] }
  let state = measured == total
    ? strings.text(.allMeasured, count: total) : strings.text(.someMeasured, ["n": "\(measured)", "total": "\(total)"])
  return lesson.stale == 0 ? state : strings.text(.withStale, ["state": state, "n": "\(lesson.stale)"])
}

func stateClass(_ lesson: LessonSummary) -> String {
  lesson.measured == lesson.blocks ? "complete" : lesson.measured == 0 ? "pending" : "partial"
}

func statusText(_ status: ClaimStatus?, _ strings: SiteStrings) -> String {
  switch status {
  case .verified: strings[.claimVerified]
  case .notReproduced: strings[.claimNotReproduced]
  case .inconclusive: strings[.claimInconclusive]
  case .simulated: strings[.claimSimulated]
  case nil: strings[.notMeasured]
  }
}

func statusClass(_ status: ClaimStatus?) -> String {
  switch status {
  case .verified: "verified"
  case .notReproduced: "not-reproduced"
  case .inconclusive: "inconclusive"
  case .simulated: "simulated"
  case nil: "pending"
  }
}
