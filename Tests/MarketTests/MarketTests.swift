import ExperimentModel
import Testing
import TextModel

@testable import Market

private let file = """
  facts:
    - id: cwv.inp.good
      statement: INP good threshold at p75
      value: 200 ms
      as_of: 2026-11-23
      source: https://web.dev/articles/inp
      source_kind: primary
      ttl_days: 180
      used_by: [day21]
      conflicts:
        - {source: "https://example.org", source_kind: secondary, value: 150 ms, resolution: not adopted}
    - id: amazon-100ms
      statement: +100 ms latency, -1 % sales
      value: 0.01 per 100 ms
      as_of: 2006-11-28
      source: Greg Linden, slides of 2006; tests before 2002
      source_kind: primary
      strength: weak
      ttl_days: 36500
      used_by: [day01, day08]
    - id: k6.latest-major
      statement: k6 v2 removed several CLI commands
      value: "2.3"
      as_of: 2026-11-23
      source: https://grafana.com/docs/k6/latest/release-notes/v2.0.0/
      source_kind: primary
      ttl_days: 120
      check: {feed: github:grafana/k6, field: latest_release, expect: '^v2\\.'}
  feeds:
    - {id: "github:grafana/k6", type: atom, url: "https://github.com/grafana/k6/releases.atom"}
  """

private func load(_ text: String, today: String = "2026-11-23") -> (facts: [MarketFact], ids: [String]) {
  var diagnostics = Diagnostics()
  let facts = loadFacts(SourceText(path: "facts.yml", text: text), today: today, diagnostics: &diagnostics)
  return (facts, diagnostics.all.map(\.id.rawValue))
}

@Suite struct MarketTests {
  @Test("the curriculum's example file reads")
  func example() throws {
    let (facts, ids) = load(file)
    #expect(ids.isEmpty)
    #expect(facts.map(\.id) == ["cwv.inp.good", "amazon-100ms", "k6.latest-major"])
    #expect(facts[0].number == 2e8)
    #expect(facts[0].unit == .nanoseconds)
    #expect(facts[1].number == 0.01)
    #expect(facts[1].unit == .plain)
    #expect(facts[1].strength == "weak")
    #expect(facts[1].usedBy == ["day01", "day08"])
  }

  @Test("a fact is stale on the day after its time to live")
  func ages() {
    #expect(load(file, today: "2027-03-23").facts[2].stale == false)
    #expect(load(file, today: "2027-03-24").facts[2].stale == true)
  }

  @Test(
    "days of the calendar",
    arguments: [
      ("1970-01-01", 0), ("1970-01-02", 1), ("2000-02-29", 11_016), ("2000-03-01", 11_017), ("2026-11-23", 20_780), ("1969-12-31", -1),
    ])
  func days(_ text: String, _ number: Int) { #expect(CalendarDay(text)?.number == number) }

  @Test("what is no day", arguments: ["2026-02-29", "2026-13-01", "2026-1-1", "today", "2026-00-10", "+026-01-01", ""])
  func noDays(_ text: String) { #expect(CalendarDay(text) == nil) }

  @Test(
    "numbers and units of values",
    arguments: [
      ("0.0816 USD/h", 0.0816, MetricUnit.usdPerHour), ("200ms", 2e8, .nanoseconds), ("8.4 %", 0.084, .share), ("8.4%", 0.084, .share),
      ("2.3", 2.3, .plain), ("0.01 per 100 ms", 0.01, .plain), ("-2.4 pct", -0.024, .share),
    ])
  func values(_ text: String, _ number: Double, _ unit: MetricUnit) throws {
    let parsed = try #require(numberAndUnit(text))
    #expect(abs(parsed.number - number) < 1e-9 * max(1, abs(number)))
    #expect(parsed.unit == unit)
  }

  @Test("values without a number", arguments: ["v2.3", "2.3.1", "HTTP/3", "99th percentile", ""])
  func words(_ text: String) { #expect(numberAndUnit(text) == nil) }

  @Test("all mistakes at once, the rest of the file is used")
  func mistakes() {
    let text = file.replacing("as_of: 2006-11-28", with: "as_of: 28.11.2006").replacing("ttl_days: 180", with: "ttl_day: 180")
    let (facts, ids) = load(text)
    #expect(facts.map(\.id) == ["k6.latest-major"])
    #expect(Set(ids) == ["fact-unknown-key", "fact-missing-key", "fact-bad-date"])
    #expect(load("facts: 3").ids == ["fact-wrong-type"])
    #expect(load(file, today: "soon").ids == ["fact-bad-date"])
  }
}
