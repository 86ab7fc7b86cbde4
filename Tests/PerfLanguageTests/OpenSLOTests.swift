import DocumentModel
import ExperimentModel
import Foundation
import Testing
import TextModel

@testable import PerfLanguage

/// OpenSLO v1 files to blocks and back.
@Suite struct OpenSLOTests {
  private static let base = """
    ```perf
    kind: load
    id: base
    uses: shop
    executor: constant-arrival-rate
    rate: 120rps
    duration: 4s
    scenario: [{get: "/product/{id}", key: products}]
    ```

    """

  private func export(_ block: String) -> (text: String?, cell: Cell?, found: [Diagnostic]) {
    let document = Document(parsing: SourceText(path: "input.md", text: Self.base + "```perf\n\(block)```\n"))
    var found = Diagnostics()
    let planned = Planner(Golden.context).plan(document, diagnostics: &found)
    let text = openSLO(document, id: "promise", context: Golden.context, diagnostics: &found)
    return (text, planned.plan.cells.first { $0.id == "promise" }, found.all)
  }

  private func read(_ yaml: String, from: String? = nil, good: String? = nil) -> (blocks: [String]?, found: [Diagnostic], source: SourceText) {
    let source = SourceText(path: "slo.yaml", text: yaml)
    var found = Diagnostics()
    return (sloBlocks(openSLO: source, given: OpenSLOGiven(from: from, good: good), diagnostics: &found), found.ordered, source)
  }

  @Test("block → OpenSLO → block: the same question, and the second file is the first", arguments: [
    "objectives: [{target: 0.99}]\n",
    "objectives: [{target: 0.9995, displayName: \"Good: most of it\"}, {target: 0.9, displayName: 12}]\ntitle: 'A \"title\": with #'\nservice: web\ndescription: on\n"
      .replacing("description: on", with: "description: \"yes\""),
    "objectives: [{target: 0.995, timeSliceTarget: 0.99, timeSliceWindow: 5m}, {target: 0.99, timeSliceTarget: 0.9, timeSliceWindow: 1h}]\nbudgetingMethod: Timeslices\n",
    "objectives: [{target: 0.99}]\ntime_scale: {1s: 1h}\ntimeWindow: [{duration: 28d, isRolling: false}]\napdex: 25ms\n",
    """
    objectives: [{target: 0.99}]
    timeWindow: [{duration: 90min}]
    alerts:
      - {burn: 14.4, long: 1h, short: 5m, severity: page}
      - {burn: 6, long: 6h, short: 30m, after: 2m, severity: page}
      - {burn: 3, long: 1d, after: 1h, severity: ticket}
      - {burn: 0.75, long: 3d, after: 0s, severity: ticket}

    """,
  ])
  func roundTrip(_ rest: String) throws {
    let head = "kind: slo\nid: promise\nfrom: base\nindicator: {ratioMetric: {good: 'http_req_duration<100ms', total: http_reqs}}\n"
    let first = export(head + rest)
    #expect(first.found.map(\.cause) == [])
    let yaml = try #require(first.text)
    let back = read(yaml)
    #expect(back.found.map { $0.rendered(in: back.source) } == [])
    let block = try #require(back.blocks?.first)
    let second = export(block)
    #expect(second.found.map(\.cause) == [])
    #expect(second.cell?.inputs == first.cell?.inputs && second.cell?.work == first.cell?.work && second.cell?.title == first.cell?.title)
    #expect(second.text == yaml)
    // And blocks are stable under it, too.
    #expect(read(try #require(second.text)).blocks == back.blocks)
  }

  private static let foreign = """
    # of another tool
    apiVersion: openslo/v1
    kind: SLO
    metadata:
      name: search
      displayName: Searching time
      labels: {team: web}
    spec:
      service: web-shop
      indicatorRef: latency
      timeWindow:
        - duration: 4w
          isRolling: true
      budgetingMethod: Occurrences
      objectives:
        - displayName: Good experience
          op: lt
          value: 500
          targetPercent: 99.95
      alertPolicies:
        - alertPolicyRef: fast
    ---
    apiVersion: openslo/v1
    kind: SLI
    metadata: {name: latency}
    spec:
      thresholdMetric:
        metricSource:
          type: Prometheus
          spec: {query: histogram_quantile(0.99)}
    ---
    apiVersion: openslo/v1
    kind: AlertPolicy
    metadata: {name: fast}
    spec:
      alertWhenBreaching: true
      conditions:
        - conditionRef: burns
      notificationTargets:
        - targetRef: OnCall
    ---
    apiVersion: openslo/v1
    kind: AlertCondition
    metadata: {name: burns}
    spec:
      severity: page
      condition: {kind: burnrate, op: gte, threshold: 14.4, lookbackWindow: 1h, alertAfter: 5m}
    ---
    apiVersion: openslo/v1
    kind: Service
    metadata: {name: web-shop}
    spec: {}

    """

  @Test("a file of another tool: references are followed, its query is replaced, and what is lost is said")
  func foreignFile() throws {
    let found = read(Self.foreign, from: "base", good: "http_req_duration<500ms")
    let block = try #require(found.blocks?.first)
    #expect(
      block == """
        kind: slo
        id: search
        title: Searching time
        service: web-shop
        from: base
        indicator: {ratioMetric: {good: "http_req_duration<500ms", total: http_reqs}}
        objectives:
          - {target: 0.9995, displayName: "Good experience"}
        timeWindow: [{duration: 28d, isRolling: true}]
        alerts:
          - {burn: 14.4, long: 1h, after: 5m, severity: page}

        """)
    #expect(found.found.map { "\(found.source.position(at: $0.range?.lower ?? 0).line) \($0.severity.rawValue) \($0.cause)" } == [
      "7 warning `labels` of metadata of an SLO is not kept", "40 warning a notification target is not kept", "50 warning a block keeps nothing of `Service` web-shop",
    ])
    #expect(export(block.replacing("id: search", with: "id: promise")).found.isEmpty)
    // Without what only a person knows, the query is where it stops.
    let alone = read(Self.foreign)
    #expect(alone.blocks == nil)
    let error = try #require(alone.found.first { $0.severity == .error })
    #expect(error.cause.contains("another tool") && error.remedy?.contains("--from BLOCK --good") == true)
    #expect(alone.source.position(at: error.range?.lower ?? 0).line == 28)
  }

  @Test("what cannot be said is refused, with line and column", arguments: [
    ("duration: 4w", "duration: 1M", "calendar", 12, 17), ("isRolling: true", "calendar: {startTime: 2022-01-01}", "begins with the calendar", 13, 17),
    ("Occurrences", "RatioTimeslices", "cannot be counted", 14, 20), ("severity: page", "severity: sev1", "not one of ours", 46, 13),
    ("op: gte", "op: lt", "fires when all is well", 47, 35), ("kind: burnrate", "kind: anomaly", "not judged", 47, 21),
    ("alertPolicyRef: fast", "alertPolicyRef: fsat", "no AlertPolicy `fsat`", 21, 23), ("alertPolicyRef: fast", "fsat", "no AlertPolicy `fsat`", 21, 7),
    ("op: lt", "indicatorRef: part", "part of a composite", 17, 7),
    ("openslo/v1\nkind: SLO", "openslo/v1alpha\nkind: SLO", "not read", 2, 13), ("name: search", "name: Search.SLO", "block's id", 5, 9),
    ("targetPercent: 99.95", "tarjetPercent: 99.95", "unknown key `tarjetPercent`", 19, 7), ("threshold: 14.4", "threshold: much", "is a number", 47, 51),
    ("lookbackWindow: 1h", "lookbackWindow: 1 hour", "is a time such as 5m", 47, 73), ("kind: SLI", "kind: SLIs", "no kind `SLIs`", 24, 7),
    ("alertWhenBreaching: true", "alertWhenBreaching: false", "silent while", 36, 23),
  ])
  func refused(_ old: String, _ new: String, _ cause: String, _ line: Int, _ column: Int) throws {
    let text = try #require(Self.foreign.firstRange(of: old)).lowerBound
    let yaml = Self.foreign.replacing(old, with: new, subrange: text..<Self.foreign.endIndex, maxReplacements: 1)
    let found = read(yaml, from: "base", good: "http_req_failed==0")
    #expect(found.blocks == nil)
    let errors = found.found.filter { $0.severity == .error && $0.cause.contains(cause) }
    #expect(errors.count == 1, "\(found.found.map { $0.rendered(in: found.source) })")
    let place = found.source.position(at: errors.first?.range?.lower ?? 0)
    #expect(place.line == line && place.column == column, "\(place)")
  }

  @Test("a list of objects is a file too; an SLI that stands elsewhere is missed, unless somebody says what is good")
  func listOfObjects() throws {
    let objects = Self.foreign.components(separatedBy: "---\n").filter { !$0.contains("kind: SLI") }
    let list = objects.map { object in
      object.split(separator: "\n").filter { !$0.hasPrefix("#") }.enumerated().map { ($0.offset == 0 ? "- " : "  ") + $0.element }.joined(separator: "\n")
    }.joined(separator: "\n") + "\n"
    #expect(read(list, from: "base", good: "http_req_duration<500ms").blocks == read(Self.foreign, from: "base", good: "http_req_duration<500ms").blocks)
    #expect(read(list).found.contains { $0.cause.contains("no SLI `latency`") })
  }

  @Test("a threshold metric of our own is a limit; a time that OpenSLO cannot write is told on export")
  func thresholdMetric() {
    let own = Self.foreign.replacing("type: Prometheus", with: "type: nb").replacing("{query: histogram_quantile(0.99)}", with: "{from: base, expression: http_req_duration ms}")
    #expect(read(own).blocks?.first?.contains("good: \"http_req_duration<500ms\"") == true)
    let odd = export(
      "kind: slo\nid: promise\nfrom: base\nindicator: {ratioMetric: {good: 'http_req_failed==0'}}\nobjectives: [{target: 0.9}]\nalerts: [{burn: 2, long: 90s, short: 5s, severity: page}]\n")
    #expect(odd.text == nil && odd.found.contains { $0.cause.contains("whole minutes") })
    #expect(read("apiVersion: openslo/v1\nkind: Service\nmetadata: {name: a}\nspec: {}\n").found.contains { $0.cause.contains("no document of kind SLO") })
  }
}
