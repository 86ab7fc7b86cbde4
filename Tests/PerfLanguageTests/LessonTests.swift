import DocumentModel
import ExperimentModel
import Foundation
import Testing
import TextModel

@testable import PerfLanguage

@Suite struct LessonTests {
  /// The sources of the repository's own lessons; empty in a checkout without them.
  static let lessons: [String] = {
    let folder = Golden.repository.appendingPathComponent("Notebooks").path
    return ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasPrefix("day") && $0.hasSuffix(".md") }
      .sorted()
  }()

  @Test("every lesson plans without errors", arguments: lessons)
  func plans(_ name: String) throws {
    let data = try Data(contentsOf: Golden.repository.appendingPathComponent("Notebooks/\(name)"))
    let source = SourceText(path: name, bytes: [UInt8](data))
    // Facts are read by Market, which this module does not know: any fact that is asked for is there.
    var context = Golden.context
    for id in ["amazon-100ms", "deloitte-2020", "akamai-2017", "aws.m7g-large.usd_per_vcpu_hour", "aws.m7g-large.usd_per_hour"] {
      context.facts[id] = Golden.context.facts["vcpu-hour"]
    }
    context.facts["newrelic.usd_per_gb"] = Golden.context.facts["vcpu-hour"]
    context.facts["newrelic.usd_per_gb"]?.unit = .usdPerGB
    context.data = { name in try? String(contentsOf: Golden.repository.appendingPathComponent("Notebooks/\(name)"), encoding: .utf8) }
    let (planned, found) = plan(source, context)
    #expect(found.map { $0.rendered(in: source) } == [])
    #expect(!planned.plan.cells.isEmpty)
    for block in planned.blocks {
      let text = try #require(explain(Document(parsing: source), id: block.id, context: context))
      #expect(!text.isEmpty)
    }
  }

  @Test("mutated notebooks never crash the planner, and every place lies in the text")
  func mutations() throws {
    var seeds = try Golden.cases("Succeed").map { try Golden.input("Succeed", $0).bytes }
    seeds += try Golden.cases("Fail").filter { $0 != "too-large" }.map { try Golden.input("Fail", $0).bytes }
    let words = [
      "kind: ", "id: x", "\n", "  ", "- ", "{", "}", "[", "]", ": ", "'", "\"", "0", "1e9", "ms", "${", "@", ".", "ratio", "set:", "null",
      "~", "é", "\t", "```", "-1", "99999999999999999999",
    ]
    var state: UInt64 = 808
    func random(_ n: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % n
    }
    for round in 0..<6_000 {
      var bytes = seeds[round % seeds.count]
      for _ in 0...random(5) where !bytes.isEmpty {
        let at = random(bytes.count)
        switch random(4) {
        case 0: bytes[at] = UInt8(random(256))
        case 1: bytes.removeSubrange(at..<min(bytes.count, at + 1 + random(12)))
        case 2: bytes.insert(contentsOf: Array(words[random(words.count)].utf8), at: at)
        default:
          let from = random(bytes.count)
          bytes.insert(contentsOf: Array(bytes[from..<min(bytes.count, from + random(40))]), at: at)
        }
      }
      let source = SourceText(path: "x.md", bytes: bytes)
      let (planned, found) = plan(source)
      for diagnostic in found { if let range = diagnostic.range { #expect(range.upper <= bytes.count) } }
      // Nothing is left out of a plan in silence.
      guard !found.contains(where: { $0.severity == .error }) else { continue }
      let executing = planned.blocks.filter { ["load", "bench", "sim", "cost", "check", "observe", "slo"].contains($0.kind) }
      #expect(executing.map(\.id) == planned.plan.cells.map(\.id))
      #expect(planned.plan.cells.allSatisfy { $0.inputs.count == 10 })
    }
  }
}
