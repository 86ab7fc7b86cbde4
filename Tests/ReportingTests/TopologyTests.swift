import ExperimentModel
import Foundation
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

@testable import Reporting

@Suite struct TopologyTests {
  private let system = SystemSpec(
    id: "t", seed: 1,
    roles: [
      RoleSpec(
        name: "store", workers: 2, queueLimit: 8, timeout: Nanoseconds(seconds: 10),
        routes: [
          RouteSpec(
            method: "GET", path: "/row/{id}",
            stages: [
              StageSpec(
                name: "trip",
                work: .wait(WaitSpec(distribution: .uniform(min: Nanoseconds(1_000_000), max: Nanoseconds(2_500_000)), standsFor: "a <remote> party")))
            ])
        ]),
      RoleSpec(
        name: "front", workers: 4, queueLimit: 16, timeout: Nanoseconds(seconds: 1),
        routes: [
          RouteSpec(
            method: "GET", path: "/page/{id}",
            stages: [
              StageSpec(name: "cache", work: .cache(CacheSpec(key: "{id}", capacity: 10, singleFlight: true))),
              StageSpec(name: "rows", work: .call(CallSpec(role: "store", path: "/row/{id}", k: 3, mode: .parallel))),
            ])
        ]),
    ], data: [DatasetSpec(name: "items", rows: 5, popularity: .zipf(n: 5, s: 0.9))])

  @Test func theTerminalSeesRolesStagesAndArrows() {
    #expect(
      topologyText(system) == """
        t

            │ clients
            ▼
        ┌─ front ── origin · workers 4 · queue_limit 16 · timeout 1s ────────────────┐
        │ GET /page/{id}                                                             │
        │   → cache                                                                  │
        │       key {id} · policy lru · capacity 10 · jitter 0.0 · single_flight     │
        │   → call rows                                                              │
        │       store GET /row/{id} × 3, parallel                                    │
        └────────────────────────────────────────────────────────────────────────────┘

            │ from front: GET /row/{id} × 3, parallel
            ▼
        ┌─ store ── origin · workers 2 · queue_limit 8 · timeout 10s ────────────────┐
        │ GET /row/{id}                                                              │
        │   → wait trip                                                              │
        │       distribution uniform (min 1ms, max 2500us) · stands_for a <remote>   │
        │       party                                                                │
        └────────────────────────────────────────────────────────────────────────────┘

          data items: ids 1…5, zipf 0.9

        """)
  }

  @Test func thePictureIsWellFormedAndSaysTheSame() throws {
    let svg = topologySVG(system)
    final class Reader: NSObject, XMLParserDelegate {
      var names: [String: Int] = [:]
      var text = ""
      func parser(_ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?, attributes: [String: String]) {
        names[name, default: 0] += 1
      }
      func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }
    }
    let reader = Reader()
    let parser = XMLParser(data: Data(svg.utf8))
    parser.delegate = reader
    #expect(parser.parse())
    #expect(reader.names["rect"] == 2 && reader.names["title"] == 1 && reader.names["desc"] == 1 && reader.names["script"] == nil)
    #expect(reader.text.contains("front asks store: GET /row/{id} × 3, parallel.") && reader.text.contains("a <remote>"))
    // Two heads of arrows: from the clients and from the caller.
    #expect(svg.components(separatedBy: "marker-end").count == 3 && !svg.contains("style="))
  }
}
