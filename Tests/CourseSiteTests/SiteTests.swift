import DocumentModel
import ExperimentModel
import Foundation
import Reporting
import Testing
import TextModel

@testable import CourseSite

let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

func theme() throws -> Theme { try Theme(folder: repository + "/Themes/default") }

private let notebook = """
  # Day 1 — A *small* lesson

  See [the curve](#result-curve), [the log](optimization-log.md) and [elsewhere](https://example.org/a.md).
  The ratio is <!--nb curve.hit_ratio-->55.7 %<!--/nb-->; the other {{ curve.p99 }}.

  ## One

  ```perf
  kind: load
  id: curve
  ```

  <!-- nb:result curve in=0123456789 -->

  | capacity | hit ratio |
  | :-- | --: |
  | 100 | 26 % |

  *evidence R · machine quiet*

  <!-- nb:end curve sum=x -->

  ## Two

  ```perf
  kind: load
  id: later
  ```

  """

var curve: CellResult {
  var result = CellResult(id: "curve", kind: "load", inputs: "0123456789", quick: false, evidence: .real)
  result.plots = [
    PlotData(
      title: "Hits <script>", xLabel: "capacity", yLabel: "hits", xUnit: .count, yUnit: .share, logX: true,
      series: [PlotSeries(name: "measured", mark: .dots, x: [100, 1000], y: [0.26, 0.55])])
  ]
  return result
}

func lesson(_ results: [CellResult], stale: Set<String> = []) -> LessonInput {
  let claim = Claim(id: "c", text: "Hits < misses & more", verifiedBy: "curve.expect")
  return LessonInput(
    id: "day01", title: "A small lesson", day: 1, document: Document(parsing: SourceText(path: "day01.md", text: notebook)),
    results: results, claims: [ClaimState(claim, results.isEmpty ? nil : .verified)], blocks: ["curve", "later"], stale: stale,
    runbooks: [RunbookSpec(id: "rb", symptom: "slow", metrics: [], steps: ["look"], links: ["curve"])])
}

/// Every page at once.
func pages(
  _ lessons: [LessonInput], course: Course = Course(), theme: Theme, log: Document? = nil, budgets: [JudgedBudget] = [], facts: [MarketFact] = [],
  glossary: Document? = nil, trends: [HistorySeries] = []
) -> [SitePage] {
  let bodies = lessons.map { lessonBody($0, course: course, theme: theme) }
  let input = CourseInput(lessons: bodies.map(\.summary), log: log, budgets: budgets, facts: facts, glossary: glossary, trends: trends)
  let site = Site(course, lessons: lessons.map(\.link), pages: input.pages, theme: theme)
  return site.coursePages(input) + bodies.map(site.page)
}

private func site(_ lessons: [LessonInput], log: String? = "# Optimization log\n") throws -> [SitePage] {
  try pages(lessons, theme: theme(), log: log.map { Document(parsing: SourceText(path: "log.md", text: $0)) })
}

func page(_ path: String, _ pages: [SitePage]) throws -> String { try #require(pages.first { $0.path == path }).html }

@Suite struct SiteTests {
  @Test func aSiteHasItsPagesAndEveryLinkLeadsSomewhere() throws {
    let pages = try site([lesson([curve])])
    #expect(Set(pages.map(\.path)) == ["index.html", "day01.html", "runbook.html", "optimization-log.html", "trend.html", "404.html"])
    let findings = checkLinks(pages, assets: try theme().assets)
    #expect(findings.all.isEmpty, "\(findings.all)")
  }

  @Test func aBrokenLinkAndAMissingAnchorAreNamed() throws {
    var pages = try site([lesson([curve])])
    pages[0].html += "<a href=\"dya01.html\">x</a><a href=\"day01.html#result-crve\">y</a>"
    let texts = checkLinks(pages, assets: try theme().assets).all.map { $0.remedy ?? "" }
    #expect(texts == ["did you mean `#result-curve`?", "did you mean `day01.html`?"])
  }

  @Test func whatWasMeasuredIsShownWithItsPlot() throws {
    let html = try page("day01.html", site([lesson([curve])]))
    #expect(html.contains("1 of 2 blocks measured") && html.contains("verified here"))
    #expect(html.components(separatedBy: "<svg").count - 1 == 1)
    #expect(html.contains("Hits &lt;script&gt;") && !html.contains("<script>"))
    #expect(html.contains("id=\"result-curve\""))
    // Tables scroll in a box of their own, and the verdict's letter leads to the legend.
    #expect(html.contains("<div class=\"table-box\"") && html.contains("class=\"badge evidence-r\" href=\"#evidence\""))
    #expect(html.contains("href=\"optimization-log.html\"") && html.contains("href=\"https://example.org/a.md\""))
  }

  @Test func whatWasNotMeasuredSaysSo() throws {
    let html = try page("day01.html", site([lesson([])]))
    #expect(html.contains("class=\"state pending\">not yet measured"))
    #expect(html.contains("Not yet measured: <code>nb run --only later day01.md</code>"))
    #expect(html.contains("<span class=\"value pending\"") && html.contains(">not yet measured</span>"))
    #expect(!html.contains("<svg"))
  }

  @Test func aFailedOrInvalidResultDrawsNothing() throws {
    var failed = curve
    failed.failure = "the lab ended"
    var invalid = curve
    invalid.validity = .invalid
    for result in [failed, invalid] { #expect(try !page("day01.html", site([lesson([result])])).contains("<svg")) }
  }

  @Test func aStaleBlockSaysSo() throws {
    #expect(try page("day01.html", site([lesson([curve], stale: ["curve"])])).contains("Stale: the block was edited"))
  }

  @Test func pagesHaveNoInlineScriptNoNetworkAndNoInlineStyle() throws {
    for one in try site([lesson([curve])]) {
      // Scripts are files of the theme, and only add to the page.
      #expect(one.html.components(separatedBy: "<script").count == one.html.components(separatedBy: ".js\" defer></script>").count)
      for banned in [" style=", " onclick=", "http-equiv=\"refresh\"", "src=\"http", "@import", "javascript:"] {
        #expect(!one.html.contains(banned), "\(one.path) has \(banned)")
      }
      #expect(one.html.contains("default-src 'none'; style-src 'self'; script-src 'self';") && one.html.contains("<html lang=\"en\">"))
      #expect(one.html.components(separatedBy: "<h1").count == 2, "\(one.path) has exactly one heading of level 1")
    }
  }

  @Test func lessonsAreNeighboursInTheirOrder() throws {
    var second = lesson([])
    second.id = "day02"
    second.day = 2
    let pages = try site([lesson([]), second])
    #expect(try page("day01.html", pages).contains("rel=\"next\" class=\"next\" href=\"day02.html\""))
    #expect(try page("day02.html", pages).contains("rel=\"prev\" class=\"previous\" href=\"day01.html\""))
    #expect(try !page("day01.html", pages).contains("rel=\"prev\""))
  }

  @Test func aCourseWithoutLessonsStillBuilds() throws {
    let pages = try site([], log: nil)
    #expect(try page("index.html", pages).contains("No lesson is here yet"))
  }
}

@Suite struct ThemeTests {
  private func folder(_ files: [String: String]) throws -> String {
    let path = NSTemporaryDirectory() + "nb-theme-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for (name, text) in files { try text.write(toFile: path + "/" + name, atomically: true, encoding: .utf8) }
    return path
  }

  @Test func everyMistakeOfAThemeIsReportedWithItsPlace() throws {
    let path = try folder(["layout.mustache": "a\n{{#open}}\n", "home.mustache": "{{> hom}}", "lesson.mustache": "", "style.css": ""])
    defer { try? FileManager.default.removeItem(atPath: path) }
    do {
      _ = try Theme(folder: path)
      Issue.record("a broken theme was accepted")
    } catch {
      let texts = error.diagnostics.all.map { "\($0.path ?? "") \($0.cause) \($0.remedy ?? "")" }.joined(separator: "\n")
      #expect(texts.contains("layout.mustache:") && texts.contains("a section is never closed"))
      #expect(texts.contains("home.mustache:1") && texts.contains("did you mean `home`?"))
      #expect(texts.contains("plain.mustache"))
    }
  }

  @Test func aMissingFolderIsAnErrorWithARemedy() {
    #expect(throws: ThemeError.self) { try Theme(folder: "/nonexistent/theme") }
  }
}

@Suite struct CourseFileTests {
  private func read(_ yaml: String) -> (Course, Diagnostics) {
    var findings = Diagnostics()
    let course = Course(yaml: SourceText(path: "course.yml", text: yaml), diagnostics: &findings)
    return (course, findings)
  }

  @Test func aCourseFileIsRead() {
    let (course, findings) = read("title: My course\nlang: de\ntheme: slides\nlessons: [day01, day08]\n")
    #expect(findings.all.isEmpty)
    #expect(course.title == "My course" && course.lang == "de" && course.theme == "slides" && course.lessons == ["day01", "day08"])
  }

  @Test func addressAndPlanAreRead() {
    let (course, findings) = read("url: https://example.org/course\nweeks:\n  - {title: One, days: [A, B, C]}\n  - {title: Two, days: [D]}\n")
    #expect(findings.all.isEmpty && course.url == "https://example.org/course/")
    #expect(course.week(of: 3) == 1 && course.week(of: 4) == 2 && course.week(of: 5) == 3 && course.week(of: 10) == 4)
    #expect(course.plannedDays(ofWeek: 2).map(\.day) == [4] && course.plannedDays(ofWeek: 3).isEmpty)
    #expect(Course().week(of: 5) == 1 && Course().week(of: 6) == 2)
  }

  @Test(arguments: [
    ("titel: x\n", "did you mean `title`?"), ("lessons: [a, a]\n", "remove one of them"), ("theme: ../etc\n", "correct the value"),
    ("url: example.org\n", "correct the value"), ("url: 'https://a/?b'\n", "correct the value"), ("weeks: [a]\n", "write `- {title"),
    ("weeks: [{title: A, dais: [x]}]\n", "write `- {title"), ("lang: '<b>'\n", "correct the value"), ("- a\n", "write lines such as"), ("lessons: [../x]\n", "write `day08`"),
  ])
  func mistakesHaveARemedy(yaml: String, remedy: String) {
    #expect(read(yaml).1.all.contains { ($0.remedy ?? "").contains(remedy) }, "\(read(yaml).1.all)")
  }
}
