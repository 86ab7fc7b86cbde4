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
  var options = HTMLOptions()
  options.unsafe = frame.course.unsafe
  let rendered = lesson.document.html(options, additions: plots(lesson), fenceAdditions: pendingNotes(lesson))
  let (heading, rest) = splitAfterTitle(finishedFragment(linkingTraces(rendered.html, lesson.traces)))
  let measured = lesson.measured
  let context: [String: Any] = [
    "heading": heading, "body": rest, "hasBlocks": !lesson.blocks.isEmpty, "state": stateText(lesson),
    "stateClass": measured.isEmpty ? "pending" : measured.count == lesson.blocks.count ? "complete" : "partial",
    "hasClaims": !lesson.claims.isEmpty,
    "claims": lesson.claims.map { ["text": $0.claim.text, "status": statusText($0.status), "statusClass": statusClass($0.status)] as [String: Any] },
    "evidence": evidenceShown(in: rest).map { ["letter": $0.rawValue, "class": "evidence-\($0.rawValue.lowercased())", "meaning": $0.meaning] as [String: Any] },
    "hasEvidence": !evidenceShown(in: rest).isEmpty,
  ]
  let place = frame.lessons.firstIndex { $0.id == lesson.id }
  return frame.page(
    "\(lesson.id).html", title: PageFrame.name(lesson.link), kicker: lesson.day.map { "Week \(PageFrame.week($0)) · Day \($0)" } ?? "",
    body: frame.theme.render("lesson", context), headings: rendered.headings,
    previous: place.flatMap { $0 > 0 ? frame.lessons[$0 - 1] : nil },
    next: place.flatMap { $0 + 1 < frame.lessons.count ? frame.lessons[$0 + 1] : nil })
}

/// Figures by result region, below a note where the block was edited since.
private func plots(_ lesson: LessonInput) -> [String: String] {
  var additions: [String: String] = [:]
  let traces = lesson.traces
  for id in lesson.stale {
    additions[id] = "<p class=\"stale\">Stale: the block was edited after this was measured.</p>\n"
  }
  for result in lesson.results where result.hasNumbers {
    additions[result.id, default: ""] += result.plots.map(figure).joined() + (result.profile.map { flameFigure($0, result) } ?? "")
    additions[result.id, default: ""] += (result.pictures ?? []).map { telemetryFigure($0, result, traces) }.joined()
  }
  return additions.filter { !$0.value.isEmpty }
}

private func flameFigure(_ profile: StackProfile, _ result: CellResult) -> String {
  let title = result.title ?? "Profile \(result.id)"
  return """
    <figure class="plot-figure">
    <div class="plot-box" role="region" aria-label="Flame graph" tabindex="0">
    \(flameGraphSVG(profile, title: title))</div>
    <figcaption>\(escapedHTML(title))
    \(profileTableHTML(profile, title: title))</figcaption>
    </figure>

    """
}

/// A waterfall can be linked to: exemplars lead to their trace.
private func telemetryFigure(_ picture: TelemetryPicture, _ result: CellResult, _ traces: Set<String>) -> String {
  let title = (result.title ?? result.id) + (picture.traceID.map { ": trace \($0)" } ?? "")
  let anchor = picture.traceID.map { " id=\"trace-\(escapedHTML($0))\"" } ?? ""
  return """
    <figure class="plot-figure"\(anchor)>
    <div class="plot-box" role="region" aria-label="Picture of telemetry" tabindex="0">
    \(telemetrySVG(picture, title: title, traces: traces))</div>
    <figcaption>\(escapedHTML(title))
    \(telemetryTableHTML(picture, title: title))</figcaption>
    </figure>

    """
}

private func figure(_ plot: PlotData) -> String {
  """
  <figure class="plot-figure">
  <div class="plot-box" role="region" aria-label="Plot" tabindex="0">
  \(plotSVG(plot))</div>
  <figcaption>\(escapedHTML(plot.title))
  \(dataTableHTML(plot))</figcaption>
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
private func pendingNotes(_ lesson: LessonInput) -> [String: String] {
  let shown = Set(lesson.document.regions.map(\.id))
  return Dictionary(
    lesson.blocks.filter { !shown.contains($0) }.map { id in
      (id, "<p class=\"pending\" id=\"result-\(escapedHTML(id))\">Not yet measured: <code>nb run --only \(escapedHTML(id)) \(escapedHTML(lesson.id)).md</code></p>\n")
    }, uniquingKeysWith: { a, _ in a })
}

/// The first heading of level 1 and what stands before it, apart from the rest: the summary goes between.
private func splitAfterTitle(_ html: String) -> (heading: String, rest: String) {
  guard let end = html.range(of: "</h1>\n") else { return ("", html) }
  return (String(html[..<end.upperBound]), String(html[end.upperBound...]))
}

/// `3 of 17 blocks measured`.
func stateText(_ lesson: LessonInput) -> String {
  let measured = lesson.measured.count
  let total = lesson.blocks.count
  let stale = lesson.stale.isEmpty ? "" : ", \(lesson.stale.count) stale"
  if total == 0 { return "nothing to measure" }
  if measured == 0 { return "not yet measured" }
  return measured == total ? "all \(total) blocks measured\(stale)" : "\(measured) of \(total) blocks measured\(stale)"
}

func statusText(_ status: ClaimStatus?) -> String { status?.rawValue ?? "not yet measured" }

func statusClass(_ status: ClaimStatus?) -> String {
  switch status {
  case .verified: "verified"
  case .notReproduced: "not-reproduced"
  case .inconclusive: "inconclusive"
  case .simulated: "simulated"
  case nil: "pending"
  }
}
