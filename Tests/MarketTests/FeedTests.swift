import ExperimentModel
import Testing
import TextModel

@testable import Market

private let atom = """
  <?xml version="1.0" encoding="UTF-8"?>
  <feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/">
    <title>Release notes</title>
    <entry>
      <id>1</id><updated>2026-11-21T08:00:00Z</updated>
      <link rel="alternate" href="https://github.com/grafana/k6/releases/tag/v2.5.0-rc.1"/><title>v2.5.0-rc.1</title>
    </entry>
    <entry>
      <updated>2026-11-20T08:00:00Z</updated>
      <link rel="self" href="https://example.org/self"/>
      <link href="https://github.com/grafana/k6/releases/tag/v2.4.0"/>
      <media:title>another title</media:title>
      <title>  k6 2.4 &amp; more&#x20;😀 </title>
    </entry>
  </feed>
  """

private let rss = """
  <rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>Status</title><atom:link href="x"/>
    <item><title><![CDATA[Elevated <errors>]]></title><link>https://status.example.org/1</link><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate></item>
    <item><title>Older</title><link>https://status.example.org/0</link><pubDate>Mon, 2 Nov 2026 10:00:00 +0000</pubDate></item>
  </channel></rss>
  """

private func feed(_ kind: MarketFeed.Kind, _ fields: [String: String] = [:]) -> MarketFeed {
  MarketFeed(id: "a:b/c", kind: kind, url: "https://example.org/feed", fields: fields)
}

private func problem(_ text: String, _ kind: MarketFeed.Kind = .atom, type: String = "", fields: [String: String] = [:]) -> String? {
  do {
    _ = try FeedSnapshot(feed(kind, fields), answer: Array(text.utf8), type: type, today: "2026-11-26")
    return nil
  } catch { return error.text }
}

@Suite struct FeedTests {
  @Test("the newest release that is no preview, with its date and address")
  func releases() throws {
    let snapshot = try FeedSnapshot(feed(.atom), answer: Array(atom.utf8), type: "application/atom+xml; charset=utf-8", today: "2026-11-26")
    #expect(snapshot.fields == [
      "latest_release": "v2.4.0", "latest_title": "k6 2.4 & more 😀", "latest_date": "2026-11-20",
      "latest_link": "https://github.com/grafana/k6/releases/tag/v2.4.0",
    ])
    #expect(snapshot.entries.count == 2)
    #expect(FeedSnapshot(json: try snapshot.json()) == snapshot)
    #expect(feed(.atom).snapshotName == "a-b-c")
  }

  @Test("RSS, with dates as mail has them")
  func items() throws {
    let snapshot = try FeedSnapshot(feed(.rss), answer: Array(rss.utf8), type: "text/xml", today: "2026-11-26")
    #expect(snapshot.entries == [
      FeedEntry(title: "Elevated <errors>", link: "https://status.example.org/1", date: "2026-11-20"),
      FeedEntry(title: "Older", link: "https://status.example.org/0", date: "2026-11-02"),
    ])
  }

  @Test("paths of JSON, expressions of text")
  func fields() throws {
    let json = #"{"result": {"releases": [{"latest": {"name": "18.1", "days": 3}}]}, "rev": "11"}"#
    let one = try FeedSnapshot(
      feed(.json, ["latest": "result.releases.0.latest.name", "days": "result.releases.0.latest.days", "none": "result.releases.7.x"]), answer: Array(json.utf8),
      type: "application/json", today: "2026-11-26")
    #expect(one.fields == ["latest": "18.1", "days": "3"])
    let text = try FeedSnapshot(
      feed(.text, ["good": #"below or at \**(\d+ milliseconds)"#]), answer: Array("An INP below or at **200 milliseconds** is good".utf8), type: "text/plain",
      today: "2026-11-26")
    #expect(text.fields == ["good": "200 milliseconds"])
  }

  @Test(
    "what is refused",
    arguments: [
      ("<!DOCTYPE x [<!ENTITY a \"b\">]><feed xmlns=\"http://www.w3.org/2005/Atom\">&a;</feed>", "it has a document type, which is refused"),
      ("<?xml version=\"1.0\"?><!DOCTYPE lolz SYSTEM \"file:///etc/passwd\"><feed/>", "it has a document type, which is refused"),
      ("<feed xmlns=\"http://www.w3.org/2005/Atom\">&lol;</feed>", "undefined entity"),
      ("<html><body/></html>", "neither Atom nor RSS"), ("<feed><entry/></feed>", "neither Atom nor RSS"),
      ("<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry>", "it is not XML"), ("", "it is not XML"), ("{}", "it is not XML"),
      (String(repeating: "<a>", count: 100), "elements within one another"),
      ("<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><title>" + String(repeating: "x", count: 70_000) + "</title></entry></feed>", "a text of more than"),
    ])
  func hostile(_ text: String, _ expected: String) throws {
    #expect(try #require(problem(text)).contains(expected))
  }

  @Test("entities that would grow into gigabytes are never expanded")
  func bomb() throws {
    var text = "<!DOCTYPE lolz [<!ENTITY a0 \"lol\">"
    for i in 1...20 { text += "<!ENTITY a\(i) \"" + String(repeating: "&a\(i - 1);", count: 10) + "\">" }
    text += "]><feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><title>&a20;</title></entry></feed>"
    #expect(try #require(problem(text)).contains("document type"))
  }

  @Test("brackets without end are no JSON, and no crash")
  func deep() throws {
    let text = String(repeating: "[", count: 1_000_000)
    #expect(try #require(problem(text, .json, fields: ["a": "b"])).contains("not JSON"))
    #expect(try #require(problem("\u{FEFF}\u{0}\u{0}", .json, fields: ["a": "b"])).contains("not JSON"))
  }

  @Test("answers of another kind")
  func kinds() throws {
    #expect(try #require(problem(atom, type: "text/html")).contains("a web page"))
    #expect(try #require(problem("<feed/>", .json, fields: ["a": "b"])).contains("not JSON"))
    #expect(try #require(problem("{}", .json, fields: ["a": "b"])).contains("none of the fields a"))
    #expect(try #require(problem("nothing", .text, fields: ["a": "(b)"])).contains("none of its fields"))
  }

  @Test(
    "addresses that may be asked",
    arguments: [
      ("https://example.org/a?b=c", true), ("http://127.0.0.1:8080/feed", true), ("http://localhost/feed", true), ("http://[::1]:9/f", true),
      ("http://example.org/", false), ("http://127.0.0.1.example.org/", false), ("http://localhost.example.org/", false), ("https://u:p@example.org/", false),
      ("https:///feed", false), ("file:///etc/passwd", false), ("https://example.org/#a", false), ("https://example.org/a b", false),
    ])
  func addresses(_ url: String, _ isFine: Bool) { #expect(isFetchable(url) == isFine) }

  @Test("days", arguments: [("2026-11-20T10:00:00Z", "2026-11-20"), ("Fri, 20 Nov 2026 10:00:00 GMT", "2026-11-20"), ("20 Nov 26", ""), ("soon", ""), ("2026-13-01", "")])
  func days(_ text: String, _ day: String) { #expect(isoDay(text) == day) }
}

@Suite struct JudgingTests {
  private static let file = """
    facts:
      - id: k6.release
        statement: k6, the load tool
        value: "2.3"
        as_of: 2026-09-01
        source: https://github.com/grafana/k6/releases
        source_kind: primary
        ttl_days: 120
        check: {feed: k6, field: latest_release, expect: '^v2\\.'}
      - id: other
        statement: nothing to check
        value: 5 %
        as_of: 2026-09-01
        source: somewhere
        source_kind: secondary
        ttl_days: 10
        conflicts: [{source: elsewhere, source_kind: secondary, value: 6 %, resolution: not adopted}]
    """

  private func facts(_ today: String = "2026-11-26") -> (SourceText, [DatedFact]) {
    let source = SourceText(path: "facts.yml", text: Self.file)
    var found = Diagnostics()
    let facts = datedFacts(source, today: today, feeds: ["k6"], diagnostics: &found)
    #expect(found.all == [])
    return (source, facts)
  }

  private func snapshot(_ release: String) throws -> [String: FeedSnapshot] {
    let text = atom.replacing("/v2.4.0\"", with: "/\(release)\"").replacing("v2.5.0-rc.1", with: "v9.9.9-rc.1")
    let feed = MarketFeed(id: "k6", kind: .atom, url: "https://example.org/k6", fields: [:])
    return ["k6": try FeedSnapshot(feed, answer: Array(text.utf8), type: "", today: "2026-11-26")]
  }

  @Test("what a feed said confirms a fact or contradicts it")
  func outcomes() throws {
    let check = try #require(facts().1[0].check)
    #expect(judge(check, [:]) == .noSnapshot)
    #expect(judge(check, try snapshot("v2.4.0")) == .confirmed(said: "v2.4.0", fetched: "2026-11-26"))
    #expect(judge(check, try snapshot("v3.0.0")) == .contradicted(said: "v3.0.0", fetched: "2026-11-26"))
    #expect(judge(FactCheck(feed: "k6", field: "size", expect: "."), try snapshot("v2.4.0")) == .noField(fetched: "2026-11-26"))
    #expect(judge(nil, [:]) == .unchecked)
  }

  @Test("the state says the worst, and ages decide as everywhere else")
  func states() throws {
    let all = facts().1
    #expect(all.map(\.age) == [86, 86])
    #expect(factState(all[0].fact, .noSnapshot) == "fresh")
    #expect(factState(all[0].fact, judge(all[0].check, try snapshot("v3.0.0"))) == "contradicted")
    #expect(factState(all[1].fact, .unchecked) == "STALE, conflict")
  }

  @Test("a proposal is a diff with its evidence; a release that the fact covers changes its date only")
  func proposals() throws {
    let (source, all) = facts()
    let same = proposal(all, try snapshot("v2.3.1"), in: source, path: "market/facts.yml")
    #expect(same == """
      # k6.release: k6 said latest_release = v2.3.1 on 2026-11-26 (of 2026-11-20, https://github.com/grafana/k6/releases/tag/v2.3.1)
      --- market/facts.yml
      +++ market/facts.yml
      @@ -2,7 +2,7 @@
         - id: k6.release
           statement: k6, the load tool
           value: "2.3"
      -    as_of: 2026-09-01
      +    as_of: 2026-11-26
           source: https://github.com/grafana/k6/releases
           source_kind: primary
           ttl_days: 120

      """)
    let next = proposal(all, try snapshot("v3.0.0"), in: source, path: "market/facts.yml")
    #expect(next.contains("-    value: \"2.3\"\n+    value: \"v3.0.0\"\n"))
    #expect(next.contains("It is not what the fact expects"))
    #expect(proposal(all, [:], in: source, path: "x") == "")
  }

  @Test(
    "the same release written in two ways",
    arguments: [("2.3", "v2.3.1", true), ("2.3", "v2.30.1", false), ("2.47.0", "2.47.0", true), ("Swift 6.3", "swift-6.3.1-RELEASE", true), ("25", "26", false)])
  func releases(_ value: String, _ said: String, _ same: Bool) { #expect(agrees(value, said) == same) }
}

@Suite struct IncidentTests {
  private func read(_ lesson: String, _ block: String?) -> [String] {
    let text = """
      incidents:
        - id: x
          date: 2025-06-12
          title: somebody's
          mechanism: it broke
          postmortem: https://example.org/
          lesson: \(lesson)\(block.map { "\n    block: \($0)" } ?? "")
      """
    var found = Diagnostics()
    let lessons = CourseLessons(blocks: ["day08": ["onoff", "stampede"]], planned: ["day08", "day20"])
    let incidents = loadIncidents(SourceText(path: "incidents.yml", text: text), lessons: lessons, diagnostics: &found)
    #expect(incidents.isEmpty == found.hasErrors)
    return found.all.map(\.cause)
  }

  @Test("blocks of lessons that are written must exist; of planned ones any may be named")
  func blocks() {
    #expect(read("day08", "stampede") == [])
    #expect(read("day20", "storm") == [])
    #expect(read("day08", nil) == [])
    #expect(read("day08", "stampeed") == ["the lesson `day08` has no block `stampeed`"])
    #expect(read("day30", nil) == ["the course has no lesson `day30`"])
  }
}
