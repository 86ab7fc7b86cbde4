import DocumentModel
import ExperimentModel
import PerfLanguage
import Testing
import TextModel

@Suite struct FaultPlanningTests {
  private func block(_ faults: String, uses: String = "shop") -> String {
    """
    ```perf
    kind: chaos
    id: storm
    uses: \(uses)
    executor: constant-arrival-rate
    rate: 10rps
    duration: 1s
    scenario: [{get: "/product/{id}", key: products}]
    faults: [\(faults)]
    ```
    """
  }

  private func faults(_ text: String) throws -> [FaultSpec] {
    let (planned, found) = plan(block(text))
    #expect(found.isEmpty, "\(found)")
    guard case .load(let load)? = planned.plan.cells.first?.work else { return [] }
    return load.arms[0].faults
  }

  @Test func parametersHaveTheirUnits() throws {
    let faults = try faults(
      """
      {at: 1s, for: 2s, target: origin, toxic: latency, latency: 50ms, jitter: 1ms, toxicity: 25pct}, {at: 0s, target: origin, toxic: bandwidth, rate: 64KiB},
      {at: 0s, target: lab, toxic: cpu_limit, cpus: 0.5, period: 20ms}, {at: 0s, target: origin, toxic: kill}
      """)
    try #require(faults.count == 4)
    #expect(faults[0].parameters.latency == Nanoseconds(50_000_000) && faults[0].parameters.jitter == Nanoseconds(1_000_000))
    #expect(faults[0].parameters.toxicity == 0.25 && faults[0].duration == Nanoseconds(seconds: 2))
    #expect(faults[1].parameters.rate == 65_536 && faults[1].parameters.toxicity == nil && faults[1].duration == .zero)
    #expect(faults[2].parameters.cpus == 0.5 && faults[2].parameters.period == Nanoseconds(20_000_000) && faults[2].target == "lab")
    #expect(faults[3].toxic == .kill && faults[3].parameters.given.isEmpty)
  }

  @Test func everyToxicHasAPlaceInTheLanguage() throws {
    for toxic in Toxic.allCases {
      let target =
        switch toxic.reach {
        case .cache: "product-cache"
        case .process: "lab"
        default: "origin"
        }
      let examples = [
        "latency": "5ms", "rate": "1KiB", "delay": "5ms", "timeout": "5ms", "average_size": "10B", "bytes": "1MiB", "share": "0.1", "cpus": "1",
      ]
      let needed = toxic.parameters.filter { $0.standard == nil }.map { ", \($0.name): \(examples[$0.name] ?? "?")" }.joined()
      #expect(try faults("{at: 0s, target: \(target), toxic: \(toxic.rawValue)\(needed)}").map(\.toxic) == [toxic])
    }
  }

  @Test func explainShowsWhatTheToxicTakesAndNoMore() throws {
    let source = SourceText(path: "input.md", text: block("{at: 0s, target: origin, toxic: reset_peer}, {at: 0s, target: lab, toxic: cpu_limit, cpus: 1}"))
    let text = try #require(explain(Document(parsing: source), id: "storm", context: Golden.context))
    #expect(text.contains("{at: 0s, target: origin, toxic: reset_peer, timeout: 0s, toxicity: 1}"), "\(text)")
    #expect(text.contains("{at: 0s, target: lab, toxic: cpu_limit, cpus: 1, period: 100ms}"))
  }
}
