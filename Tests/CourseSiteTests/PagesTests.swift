import DocumentModel
import ExperimentModel
import Foundation
import Reporting
import Testing
import TextModel

#if canImport(FoundationXML)
  import FoundationXML
#endif

@testable import CourseSite

private func document(_ text: String) -> Document { Document(parsing: SourceText(path: "x.md", text: text)) }

private func plain(_ day: Int, title: String, text: String = "Words.") -> LessonInput {
  let id = day < 10 ? "day0\(day)" : "day\(day)"
  return LessonInput(id: id, title: title, day: day, document: document("# Day \(day) — \(title)\n\n## A\n\n\(text)\n\n## B\n"), results: [])
}

private let log = """
  # Optimization log

  <!-- nb:log day01 curve in=aaaaaaaaaa verdict=slower -->

  ## 2026-11-20 · day01 · curve: slower

  - **changed:** a → b
  - **why:** a guess

  <!-- nb:log day09 gone in=bbbbbbbbbb verdict=x:faster,y:equivalent -->

  ## 2026-11-21 · day09 · gone: x faster, y equivalent

  - **changed:** <b>

  <!-- nb:log day01 curve in=cccccccccc verdict=faster -->

  ## 2026-11-22 · day01 · curve: faster

  - **changed:** b → c

  """

@Suite struct PagesTests {
  private func site(
    _ lessons: [LessonInput], course: Course = Course(), facts: [MarketFact] = [], glossary: String? = nil, trends: [HistorySeries] = [],
    budgets: [JudgedBudget] = [], theme: Theme? = nil
  ) throws -> [SitePage] {
    try pages(
      lessons.map { lesson in
        var lesson = lesson
        lesson.runbooks = lesson.id == "day01"
          ? [RunbookSpec(id: "rb", symptom: "slow <now>", metrics: [RunbookMetric(name: "hit_ratio", warn: "0.9", page: nil)], steps: ["look"], links: ["curve", "day07/x"])]
          : []
        return lesson
      }, course: course, theme: theme ?? CourseSiteTests.theme(), log: document(log), budgets: budgets, facts: facts, glossary: glossary.map(document),
      trends: trends)
  }

  @Test func aChangedLessonChangesOnlyItsWeekItsNeighboursAndTheHome() throws {
    let lessons = (1...30).map { plain($0, title: "Lesson \($0)") }
    var changed = lessons
    changed[11] = plain(12, title: "Another title", text: "Other words.")
    let (before, after) = (try site(lessons), try site(changed))
    let paths = zip(before, after).filter { $0 != $1 }.map(\.0.path)
    #expect(Set(paths) == ["index.html", "day11.html", "day12.html", "day13.html", "day14.html", "day15.html"])
    // Its text alone changes nothing but its own page.
    changed[11] = plain(12, title: "Lesson 12", text: "Other words.")
    #expect(zip(before, try site(changed)).filter { $0 != $1 }.map(\.0.path) == ["day12.html"])
  }

  @Test func plannedDaysAreShownWhereTheCourseDeclaresThem() throws {
    var course = Course()
    #expect(try !page("index.html", site([plain(1, title: "One")], course: course)).contains("planned"))
    course.weeks = [CourseWeek(title: "Fundamentals", days: ["Planned one", "Planned <two>"])]
    let pages = try site([plain(1, title: "One")], course: course)
    let home = try page("index.html", pages)
    #expect(home.contains("Week 1 · Fundamentals") && home.contains("Planned &lt;two&gt;") && !home.contains("Planned one"))
    #expect(home.contains("1 of 2 days have a lesson") && home.contains("<progress value=\"1\" max=\"2\""))
    // The week of a lesson names them too, without a link.
    #expect(try page("day01.html", pages).contains("class=\"planned\"><span class=\"day\">Day 2</span> Planned &lt;two&gt;"))
  }

  @Test func theHomeSaysWhatTheCourseIsAndAWeeksTitleLeadsToItsPage() throws {
    let written = """
      about: [Ten <hours>., Begin here.]
      weeks:
        - {title: First, about: What it is for., page: week1, days: [One]}
        - {title: Second, page: nowhere, days: [Two]}
      """
    var findings = Diagnostics()
    let course = Course(yaml: SourceText(path: "course.yml", text: written), diagnostics: &findings)
    #expect(findings.all.isEmpty && course.about == ["Ten <hours>.", "Begin here."] && course.weeks.map(\.page) == ["week1", "nowhere"])
    let week = LessonInput(id: "week1", title: "The first week", day: nil, document: document("# The first week\n\nWords.\n"), results: [])
    let home = try page("index.html", site([week, plain(1, title: "One")], course: course))
    #expect(home.contains("<p class=\"about\">Ten &lt;hours&gt;.</p>\n<p class=\"about\">Begin here.</p>"))
    #expect(home.contains("<h2><a href=\"week1.html\">Week 1 · First</a></h2>\n<p class=\"about\">What it is for.</p>"))
    // No second card for it, no link to a page that is not there, and nothing said where nothing was written.
    #expect(home.components(separatedBy: "week1.html").count == 2 && home.contains("<h2>Week 2 · Second</h2>\n<ol"))

    for wrong in ["about: []", "about: [ok, {a: b}]", "weeks: [{title: A, page: ../x, days: [One]}]", "weeks: [{title: A, pages: x, days: [One]}]"] {
      var findings = Diagnostics()
      _ = Course(yaml: SourceText(path: "course.yml", text: wrong), diagnostics: &findings)
      #expect(findings.hasErrors, "\(wrong)")
    }
  }

  @Test func theLogIsAChainByBlockNewestFirst() throws {
    let html = try page("optimization-log.html", site([lesson([curve])]))
    let places = try ["id=\"day01-curve-2\"", "id=\"day01-curve-1\"", "id=\"day09-gone-1\""].map { try #require(html.range(of: $0)).lowerBound }
    #expect(places == places.sorted())
    #expect(html.contains("<a href=\"day01.html#result-curve\">day01 · curve</a>") && html.contains("2 entries"))
    // A lesson that is not in the site has no link, and its text is still escaped.
    #expect(html.contains("<h2 id=\"day09-gone\">day09 · gone</h2>") && !html.contains("<b>"))
    #expect(html.contains("verdict-word bad") && html.contains("verdict-word good") && html.contains("verdict-word mixed"))
  }

  @Test func theTrendPageSaysWhenThereIsNoHistoryAndDrawsItWhenThereIs() throws {
    #expect(try page("trend.html", site([lesson([curve])])).contains("No history on this machine yet"))
    let points = (0..<12).map { HistoryPoint(date: "2026-11-\(10 + $0)", value: Estimate($0 < 6 ? 10e6 : 12e6, low: 9e6, high: 13e6)) }
    let series = HistorySeries(
      address: "day01/curve.mean", unit: .nanoseconds, points: points, changes: [HistoryChange(index: 6, date: "2026-11-16", commit: "abc", relativeChange: 0.2, p: 0.001)])
    let html = try page("trend.html", site([lesson([curve])], trends: [series]))
    #expect(html.contains("<code>curve.mean</code>") && html.contains("+20 %, p 0.0010, worse") && html.contains("class=\"level bad\""))
    #expect(html.contains("<desc id=\"trend-1-d\">12 values from 2026-11-10 to 2026-11-21; least 10.0 ms, largest 12.0 ms</desc>"))
    #expect(html.contains("class=\"spark-change\"") && html.contains("<span class=\"note\">10.0 ms … 12.0 ms</span>") && html.contains("class=\"plot-interval\"") && html.contains("href=\"day01.html\">day01</a>"))
  }

  @Test func factsCarryTheirState() throws {
    func fact(_ id: String, ttl: Int, stale: Bool) -> MarketFact {
      MarketFact(
        id: id, statement: "S <\(id)>", value: "1", number: 1, unit: .plain, asOf: "2026-01-01", source: "https://example.org/a", sourceKind: "primary",
        strength: nil, ttlDays: ttl, stale: stale, usedBy: ["day01", "day99"])
    }
    let html = try page("market.html", site([lesson([curve])], facts: [fact("a", ttl: 30, stale: false), fact("b", ttl: 1, stale: true), fact("c", ttl: 40000, stale: false)]))
    #expect(html.contains("2 current, 1 stale, 0 in conflict") && !html.contains("fact-conflict"))
    var disputed = fact("d", ttl: 30, stale: false)
    disputed.conflicts = [MarketFact.Conflict(source: "", sourceKind: "secondary", value: "150 ms", resolution: "not adopted")]
    let other = try page("market.html", site([lesson([curve])], facts: [disputed]))
    #expect(other.contains("1 in conflict") && other.contains("fact-state fact-conflict\">conflict</span>"))
    #expect(other.contains("<span class=\"note\">150 ms (secondary) · not adopted</span></th>"))
    #expect(html.contains("fact-state fact-fresh\">current</span><span class=\"note\">for 30 days") && html.contains("fact-state fact-stale\">STALE</span><span class=\"note\">for a day"))
    #expect(html.contains("fact-state fact-history\">history</span></td>") && html.contains("S &lt;a&gt;") && !html.contains("day99"))
  }

  @Test func theGlossaryHasAnIndexAndAnchors() throws {
    let pages = try site([lesson([curve])], glossary: "# Words\n\nIntro.\n\n## Hit ratio\n\nA share. [Day 1](day01.md)\n")
    let html = try page("glossary.html", pages)
    #expect(html.contains("<li><a href=\"#hit-ratio\">Hit ratio</a></li>") && html.contains("<h2 id=\"hit-ratio\">") && html.contains("href=\"day01.html\">Day 1"))
    #expect(checkLinks(pages, assets: try theme().assets).all.isEmpty)
  }

  @Test func theRunbookLinksWhatIsThere() throws {
    let html = try page("runbook.html", site([lesson([curve])]))
    #expect(html.contains("<h2>Slow &lt;now&gt;</h2>") && html.contains("href=\"day01.html#result-curve\">curve</a>") && !html.contains("day07"))
    #expect(html.contains("<code>hit_ratio</code></th><td class=\"number\">0.9</td><td class=\"number\">–</td>"))
  }

  @Test func feedsNeedAnAddress() throws {
    var course = Course()
    let pages = try site([lesson([curve])], course: course)
    #expect(siteFeeds(course: course, pages: pages.map(\.path), log: document(log), theme: try theme()).isEmpty)
    #expect(try !page("index.html", pages).contains("canonical"))
    course.url = "https://example.org/a/"
    course.title = "A & B"
    let feeds = siteFeeds(course: course, pages: pages.map(\.path), log: document(log), theme: try theme())
    for feed in feeds { #expect(XMLParser(data: Data(feed.bytes)).parse(), "\(feed.path)") }
    let map = String(decoding: try #require(feeds.first { $0.path == "sitemap.xml" }).bytes, as: UTF8.self)
    #expect(map.contains("<loc>https://example.org/a/</loc>") && map.contains("<loc>https://example.org/a/day01.html</loc>") && !map.contains("404"))
    let atom = String(decoding: try #require(feeds.first { $0.path == "feed.xml" }).bytes, as: UTF8.self)
    #expect(atom.components(separatedBy: "<entry>").count == 4 && atom.contains("<updated>2026-11-22T00:00:00Z</updated>"))
    // The newest comes first, and an entry's id is its place on the log's page.
    #expect(atom.range(of: "#day01-curve-2")!.lowerBound < atom.range(of: "#day01-curve-1")!.lowerBound)
    let html = try page("day01.html", site([lesson([curve])], course: course))
    #expect(html.contains("rel=\"canonical\" href=\"https://example.org/a/day01.html\"") && html.contains("href=\"https://example.org/a/feed.xml\""))
  }

  @Test(arguments: [("de", "Zum Text springen"), ("ja", "本文へ移動"), ("ko", "본문으로 건너뛰기"), ("zh-Hans", "跳到正文")])
  func theSiteSpeaksTheCoursesLanguage(lang: String, skip: String) throws {
    var course = Course()
    course.lang = lang
    let text = "# T\n\n> [!NOTE]\n> x\n\n| a |\n| :-- |\n| b |\n\nText {{ x.y }} [^1]\n\n[^1]: n\n"
    var input = lesson([])
    input.document = document(text)
    let pages = try site([input], course: course)
    let english = try theme().strings(for: "en").texts
    for one in pages {
      #expect(one.html.contains("<html lang=\"\(lang)\">") && one.html.contains(">\(skip)</a>"))
      for key in ["skip", "onThisPage", "search", "footer", "notMeasured", "calloutNote", "backToText", "claimsTitle", "missingText", "trendNone"] {
        let words = try #require(english[key])
        #expect(!one.html.contains(">\(words)<") && !one.html.contains("\"\(words)\""), "\(one.path) says \(words)")
      }
    }
  }

  @Test func tablesOnPagesScrollAndSayWhatTheirHeadsAre() throws {
    var input = lesson([])
    input.document = document("# T\n\n| a | b |\n| :-- | --: |\n| c | d |\n")
    let html = try page("day01.html", site([input]))
    #expect(html.contains("<div class=\"table-box\" role=\"group\" aria-label=\"Table 1\" tabindex=\"0\">\n<table>"))
    #expect(html.contains("<th scope=\"col\" class=\"align-right\">b</th>") && html.contains("<td class=\"align-right\">d</td>"))
  }
}

@Suite struct SlidesTests {
  private let headings = [Heading(level: 2, id: "a", text: "A"), Heading(level: 2, id: "q", text: "Q"), Heading(level: 3, id: "b", text: "B")]
  private let html = "<p>Before</p>\n<h2 id=\"a\">A</h2>\n<blockquote>\n<h2 id=\"q\">Q</h2>\n</blockquote>\n<h3 id=\"b\">B</h3>\n<p>End</p>\n"

  @Test func slidesAreWholeAndTogetherTheText() {
    let made = slides(html, headings)
    #expect(made.map { $0["body"] as? String ?? "" }.joined() == html)
    // A heading inside a quote begins no slide.
    #expect(made.map { $0["name"] as? String } == [nil, "A", "B"])
    #expect(made.map { $0["nextAnchor"] as? String } == ["slide-2", "slide-3", "end"])
    #expect(made.map { $0["previousAnchor"] as? String } == ["overview", "slide-1", "slide-2"])
  }

  @Test func theSlidesThemeMakesALessonATalk() throws {
    let theme = try Theme(folder: repository + "/Themes/slides", base: repository + "/Themes/default")
    let pages = pages([lesson([curve])], theme: theme, log: document(log))
    let html = try page("day01.html", pages)
    #expect(html.components(separatedBy: "<section class=\"slide\"").count == 4 && html.contains("id=\"overview\"") && html.contains("href=\"#slide-3\""))
    #expect(html.contains("<link rel=\"stylesheet\" href=\"style.css\">\n<link rel=\"stylesheet\" href=\"slides.css\">"))
    #expect(checkLinks(pages, assets: theme.assets).all.isEmpty, "\(checkLinks(pages, assets: theme.assets).all)")
  }
}
