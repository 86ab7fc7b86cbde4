import ExperimentModel
import TelemetryModel
import Testing

@testable import LabSystems

@Suite struct SpanSubjectTests {
  private static let names = SpanSubjectKind.allCases.map(\.rawValue)

  private func subject(_ name: String, _ attributes: Int?) throws -> any LabSystems.BenchSubject {
    try makeSubject(BenchJob(subject: SubjectSpec(name: "s", work: .builtin(name), n: attributes), system: nil, seed: 1))
  }

  @Test("all are asked for the same work, whoever records it: one checksum for each count and number of attributes")
  func sameWork() throws {
    var seen: Set<UInt64> = []
    for attributes in [0, 1, 2, 6, 16] {
      for count in [1, 513, 3_000] {
        let sums = try Self.names.map { try subject($0, attributes).run(count).checksum }
        #expect(Set(sums).count == 1, "\(attributes) attributes, \(count) spans: \(sums)")
        seen.insert(sums[0])
      }
    }
    // Other work, another checksum; without attributes it is the number of spans.
    #expect(seen.count == 15 && seen.isSuperset(of: [1, 513, 3_000]))
  }

  @Test("six attributes unless it is said otherwise; each run does its work anew", arguments: names)
  func repeats(name: String) throws {
    let subject = try subject(name, nil)
    let first = try subject.run(1_000)
    #expect(try subject.run(1_000) == first && first.checksum == self.subject(name, 6).run(1_000).checksum)
  }

  @Test("the exported bytes grow by the same with each two attributes, and by spans") func bytes() throws {
    func bytes(_ attributes: Int, _ count: Int) throws -> Int {
      try #require(subject("span-exported", attributes).run(count).counts.first { $0.name == "bytes" }?.value)
    }
    // A span without attributes has ids, times, name, kind and status: some 70 bytes.
    let empty = try Double(bytes(0, 512)) / 512
    #expect((50...100).contains(empty), "\(empty)")
    #expect(try bytes(6, 512) > bytes(4, 512) && bytes(4, 512) > bytes(2, 512) && bytes(2, 512) > bytes(0, 512))
    // Two requests of one size each; the numbers of the second half are no longer in their encoding by much.
    let (one, two) = try (bytes(6, 512), bytes(6, 1_024))
    #expect(abs(two - 2 * one) < 1_100, "\(one), \(two)")
  }

  @Test("more attributes than a span has room for are refused, not dropped", arguments: names) func room(name: String) throws {
    #expect(throws: LabError.self) { try subject(name, 17) }
    #expect(throws: LabError.self) { try subject(name, -1) }
    #expect(SpanContents.keys.count == SpanContents.attributesMax && SpanContents.keyStrings.count == SpanContents.attributesMax)
    #expect(2 * SpanContents.texts.count == SpanContents.attributesMax && 2 * SpanContents.textStrings.count == SpanContents.attributesMax)
    #expect(SpanContents.attributesMax == SpanRecording.Options().attributesMax)
  }
}
