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

/// - Parameter unsafe: raw HTML is kept.
public func lessonBody(_ lesson: LessonInput, unsafe: Bool, theme: Theme) -> LessonBody {
  var options = HTMLOptions()
  options.unsafe = unsafe
  let rendered = lesson.document.html(options, additions: plots(lesson), fenceAdditions: pendingNotes(lesson))
  let fragment = finishedFragment(rendered.html, traces: lesson.traces)
  let (heading, rest) = splitAfterTitle(fragment.html)
  let summary = lesson.summary
  let context: [String: Any] = [
    "heading": heading, "body": rest, "hasBlocks": !lesson.blocks.isEmpty, "state": stateText(summary),
    "stateClass": summary.measured == 0 ? "pending" : summary.measured == summary.blocks ? "complete" : "partial",
    "hasClaims": !lesson.claims.isEmpty,
    "claims": lesson.claims.map { ["text": $0.claim.text, "status": statusText($0.status), "statusClass": statusClass($0.status)] as [String: Any] },
    "evidence": fragment.evidence.map { ["letter": $0.rawValue, "class": "evidence-\($0.rawValue.lowercased())", "meaning": $0.meaning] as [String: Any] },
    "hasEvidence": !fragment.evidence.isEmpty,
  ]
  return LessonBody(summary: summary, html: theme.render("lesson", context), headings: rendered.headings)
}

/// The page of a lesson, with links to those of the course's own pages that are there.
func lessonPage(_ body: LessonBody, in frame: PageFrame) -> SitePage {
  let link = body.summary.link
  let (previous, next) = frame.neighbours(of: link.id)
  return frame.page(
    "\(link.id).html", title: PageFrame.name(link), kicker: link.day.map { "Week \(PageFrame.week($0)) · Day \($0)" } ?? "",
    body: body.html, headings: body.headings, previous: previous, next: next)
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
  html.withMarkupBytes { markup in
    guard let end = markup.find("</h1>\n", from: 0).map({ $0 + 6 }) else { return ("", html) }
    return (markup.text(0..<end), markup.text(end..<markup.count))
  }
}

/// `3 of 17 blocks measured`.
func stateText(_ lesson: LessonSummary) -> String {
  let (measured, total) = (lesson.measured, lesson.blocks)
  let stale = lesson.stale == 0 ? "" : ", \(lesson.stale) stale"
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
