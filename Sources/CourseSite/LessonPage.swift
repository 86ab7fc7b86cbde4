// A notebook with its saved results as a page: the text as written, a plot after each table that has one, the state of
// every claim at the top. Shows only what was measured; what was not says "not yet measured".

import DocumentModel
import ExperimentModel
import Reporting

/// The page of one lesson, with links to those of the course's own pages that are there.
public func lessonPage(
  _ lesson: LessonInput, course: Course, lessons: [LessonLink], theme: Theme, pages: [CoursePage] = CoursePage.allCases
) -> SitePage {
  lessonPage(lesson, in: PageFrame(course, lessons, pages: pages, theme))
}

func lessonPage(_ lesson: LessonInput, in frame: PageFrame) -> SitePage {
  let strings = frame.strings
  let rendered = lesson.document.html(
    pageOptions(strings, unsafe: frame.course.unsafe), additions: plots(lesson, strings), fenceAdditions: pendingNotes(lesson, strings))
  let (heading, rest) = splitAfterTitle(finishedFragment(linkingTraces(rendered.html, lesson.traces), strings))
  let letters = evidenceShown(in: rest)
  var context: [String: Any] = [
    "heading": heading, "body": rest, "title": lesson.title, "hasBlocks": !lesson.blocks.isEmpty, "state": stateText(lesson, strings),
    "stateClass": stateClass(lesson), "hasClaims": !lesson.claims.isEmpty, "strings": strings.texts,
    "claims": lesson.claims.map {
      ["text": $0.claim.text, "status": statusText($0.status, strings), "statusClass": statusClass($0.status)] as [String: Any]
    },
    "evidence": evidenceContext(letters, strings), "hasEvidence": !letters.isEmpty,
  ]
  if frame.theme.names("slides") { context["slides"] = slides(rest, rendered.headings) }
  return frame.page(
    "\(lesson.id).html", title: frame.name(lesson.link), kind: "lesson", kicker: frame.kicker(lesson.link),
    body: frame.theme.render("lesson", context), headings: rendered.headings, lesson: lesson.link)
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

/// Trace ids in cells of tables, as links to the waterfalls that this page has.
private func linkingTraces(_ html: String, _ traces: Set<String>) -> String {
  traces.reduce(html) { html, id in html.replacing("<td>\(id)</td>", with: "<td><a href=\"#trace-\(id)\">\(id)</a></td>") }
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
  guard let end = html.range(of: "</h1>\n") else { return ("", html) }
  return (String(html[..<end.upperBound]), String(html[end.upperBound...]))
}

/// `3 of 17 blocks measured`.
func stateText(_ lesson: LessonInput, _ strings: SiteStrings) -> String {
  let measured = lesson.measured.count
  let total = lesson.blocks.count
  if total == 0 { return strings[.nothingToMeasure] }
  if measured == 0 { return strings[.notMeasured] }
  let state = measured == total
    ? strings.text(.allMeasured, count: total) : strings.text(.someMeasured, ["n": "\(measured)", "total": "\(total)"])
  return lesson.stale.isEmpty ? state : strings.text(.withStale, ["state": state, "n": "\(lesson.stale.count)"])
}

func stateClass(_ lesson: LessonInput) -> String {
  let measured = lesson.measured.count
  return measured == lesson.blocks.count ? "complete" : measured == 0 ? "pending" : "partial"
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
