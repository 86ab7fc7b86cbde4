import ExperimentModel
import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@testable import Reporting

private let hostile = "<script>alert('\"&')</script>\u{202E}\u{0}\n; style=" + String(repeating: "e\u{301}", count: 40) + "|`]]>{{"

private func waterfall(_ bars: Int, name: String = "GET /pay", omitted: Int = 0) -> TraceWaterfall {
  TraceWaterfall(
    traceID: "0af7651916cd43dd8448eb211c80319c", duration: 180e6,
    bars: (0..<bars).map { i in
      TraceWaterfall.Bar(
        name: name, service: i % 2 == 0 ? "edge" : name, depth: i, time: .init(Double(i) * 1e6, 180e6 - Double(i) * 1e5), selfTime: 2e6,
        isError: i == 1, isOrphan: i == 2, critical: i == 0 ? [.init(0, 30e6), .init(170e6, 180e6)] : [])
    }, gaps: [.init(0, 10e6), .init(170e6, 180e6)], omitted: omitted)
}

private func map(_ nodes: Int, name: String = "service") -> ServiceMap {
  var map = ServiceMap(nodes: [], edges: [])
  func call(_ from: Int, _ to: Int, _ calls: Double, errors: Double = 0) {
    map.edges.append(ServiceMap.Edge(from: from, to: to, calls: calls, errors: errors, p95: 12e6))
  }
  for i in 0..<nodes {
    let kind: ServiceMap.Kind = i == 0 ? .clients : i == nodes - 1 ? .outside : .service
    map.nodes.append(ServiceMap.Node(name: i == 0 ? "clients" : "\(name)-\(i)", kind: kind))
    // Each calls the next two.
    for to in [i + 1, i + 2] where to < nodes { call(i, to, Double(1000 - i), errors: Double(i % 3)) }
  }
  if nodes > 3 {
    call(nodes - 2, 1, 5)
    call(1, 1, 3)
  }
  return map
}

private let heat = LatencyHeatMap(
  columnWidth: 0.2e9, edges: [1e6, 2e6, 5e6, 10e6], counts: [[3, 100, 0], [0, 40, 1], [0, 0, 0]], omitted: 2,
  exemplars: [.init(column: 1, row: 2, traceID: "4bf92f3577b34da6a3ce929d0e0e4736"), .init(column: 99, row: 99, traceID: "x")])

private func lifts(_ rows: Int, name: String = "tenant.id") -> AttributeLifts {
  let rows = (0..<rows).map { i -> AttributeLifts.Row in
    let value = 10 - Double(i % 9)
    return AttributeLifts.Row(
      attribute: name, value: "\(name)-\(i)", hits: 30 - i % 20, marked: 60, lift: Estimate(value, low: value * 0.7, high: value + 3),
      p: i == 0 ? 1e-20 : 0.3)
  }
  return AttributeLifts(unit: "logs", chosen: 50, total: 1000, rows: rows, tried: 312)
}

private let profile = StackProfile(
  stacks: [.init(["edge`GET /", "pricing`price"], 240_000), .init(["edge`GET /"], 40_000)], rate: 1e6, cpuSeconds: 0.28)

private let pictures: [TelemetryPicture] = [
  .waterfall(waterfall(5)), .waterfall(waterfall(200, omitted: 812)), .waterfall(TraceWaterfall(traceID: "", duration: 0, bars: [])),
  .waterfall(waterfall(3, name: hostile)),
  .serviceMap(map(6)), .serviceMap(map(60)), .serviceMap(ServiceMap(nodes: [], edges: [])), .serviceMap(map(5, name: hostile)), .serviceMap(map(1)),
  .heatMap(heat), .heatMap(LatencyHeatMap(columnWidth: 0, edges: [], counts: [])),
  .heatMap(LatencyHeatMap(columnWidth: 1, edges: (0..<25).map { 1e6 * Double($0 + 1) }, counts: (0..<60).map { c in (0..<24).map { r in (c * r) % 97 } })),
  .lifts(lifts(3)), .lifts(lifts(50)), .lifts(lifts(0)), .lifts(lifts(4, name: hostile)),
  .flame(profile, traces: 2), .flame(StackProfile(stacks: [], rate: 1e6, cpuSeconds: 0), traces: 0),
  .flame(StackProfile(stacks: [.init([hostile], 5)], rate: 1e6, cpuSeconds: 0), traces: 1),
]

@Suite struct TelemetryPictureTests {
  @Test("every picture is well-formed, has no script, and names itself", arguments: 0..<pictures.count)
  func wellFormed(index: Int) {
    let svg = telemetrySVG(pictures[index], title: index % 2 == 0 ? "Where it goes" : hostile)
    let parser = XMLParser(data: Data(svg.utf8))
    #expect(parser.parse(), "\(String(describing: parser.parserError)) in \(svg.prefix(2_000))")
    for banned in [" style=\"", "<script", "<style", "onload", "href", "\"nan", "inf\"", "\u{202E}"] { #expect(!svg.contains(banned), "\(banned)") }
    #expect(svg.contains("role=\"img\"") && svg.contains("<title>") && svg.contains("<desc>") && svg.utf8.count < 200_000)
    let html = telemetryTableHTML(pictures[index], title: hostile)
    let reader = XMLParser(data: Data(html.utf8))
    #expect(reader.parse(), "\(String(describing: reader.parserError))")
  }

  @Test("the critical path is drawn where it is, and gaps through all rows")
  func waterfalls() {
    let svg = waterfallSVG(waterfall(5), title: "t")
    // 252 + 388·30/180 = 316.67; the root ends at 640.
    #expect(svg.contains("d=\"M252 75H316.67M618.44 75H640\""))
    #expect(svg.components(separatedBy: "class=\"waterfall-gap\"").count == 3 && svg.contains("20.0 ms in all"))
    #expect(svg.contains(">✕ GET") && svg.contains(">? GET") && svg.contains("its parent was not captured") && svg.contains(", failed"))
    #expect(waterfallSVG(waterfall(200, omitted: 812), title: "t").contains("812 more spans are not drawn"))
  }

  @Test("callers stand above what they call; a call back does not move them")
  func ranks() throws {
    let svg = serviceMapSVG(map(6), title: "t")
    func y(_ name: String) throws -> Double {
      let before = try #require(svg.components(separatedBy: ">\(name)</text>").first)
      return try #require(Double(before.components(separatedBy: " y=\"").last?.prefix { $0 != "\"" } ?? ""))
    }
    let names = ["clients"] + (1...5).map { "service-\($0)" }
    let heights = try names.map(y)
    #expect(heights == heights.sorted() && Set(heights).count == 6)
    #expect(svg.contains(">999 × · p95 12.0 ms<") && svg.contains(">✕ 0.100 %<"))
    #expect(serviceMapSVG(map(60), title: "t").contains("20 more services are not drawn"))
  }

  @Test("density grows with the count, in steps that the legend names")
  func heatMaps() {
    let svg = heatMapSVG(heat, title: "t")
    for label in [">1–3<", ">4–6<", ">7–16<", ">17–40<", ">41–100<"] { #expect(svg.contains(label), "\(label)") }
    #expect(svg.components(separatedBy: "<path fill-opacity=").count == 4)
    #expect(svg.components(separatedBy: "class=\"heat-map-exemplar\"").count == 3 && svg.contains("trace 4bf92f3577b34da6a3ce929d0e0e4736"))
    #expect(telemetryTableHTML(.heatMap(heat), title: "t").contains("<td>2.00 ms to 5.00 ms</td><td class=\"number\">140</td><td class=\"number\">100</td><td>–</td>"))
    let linked = telemetrySVG(.heatMap(heat), title: "t", traces: ["4bf92f3577b34da6a3ce929d0e0e4736"])
    #expect(linked.components(separatedBy: "<a href=\"#trace-4bf92f3577b34da6a3ce929d0e0e4736\"><path").count == 2 && !linked.contains("role=\"img\""))
  }

  @Test("bars end at the lift, lines at its interval; what is found is solid")
  func bars() throws {
    let svg = liftSVG(lifts(2), title: "t")
    #expect(svg.contains("50 of 1,000 logs chosen · 312 values tried"))
    // The axis runs from 0 to 15 over 278 units.
    #expect(svg.contains("width=\"185.33\" height=\"14\" class=\"lift-bar\" fill=\"var(--plot-2, #d55e00)\" fill-opacity=\"0.85\""))
    #expect(svg.contains("fill-opacity=\"0.12\"") && svg.contains(">tenant.id = tenant.id-0<") && svg.contains("p &lt; 0.001"))
    #expect(liftSVG(lifts(50), title: "t").contains("30 more rows are in the table"))
  }

  @Test("a flame graph of spans speaks of their time, one of samples of samples")
  func flames() {
    let svg = telemetrySVG(.flame(profile, traces: 2), title: "t")
    #expect(svg.contains("280 ms of 2 traces") && svg.contains("<title>pricing`price: 240 ms, 85.7 %</title>") && !svg.contains("samples"))
    #expect(flameGraphSVG(profile, title: "t").contains("280,000 samples"))
  }
}
