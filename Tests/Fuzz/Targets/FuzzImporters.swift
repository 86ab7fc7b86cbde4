// Any bytes as a file of somebody else's; the first one chooses the kind.

import CourseSite
import DocumentModel
import ExperimentModel
import Glibc
import Market
import PerfLanguage
import Reporting
import StrictYAML
import TelemetryCollector
import TelemetryModel
import TextModel

@Sendable public func fuzzImporters(_ bytes: UnsafeRawBufferPointer) throws {
  guard let first = bytes.first else { return }
  let body = Array(bytes[1...])
  let source = SourceText(path: "a.yml", bytes: body)
  var found = Diagnostics()
  switch first % 12 {
  case 0: try openSLO(source)
  case 1: _ = loadFacts(source, today: "2026-11-27", diagnostics: &found)
  case 2: _ = loadFeeds(source, diagnostics: &found)
  case 3: _ = loadIncidents(source, lessons: CourseLessons(blocks: ["day01": ["a"]], planned: ["day02"]), diagnostics: &found)
  case 4: _ = readBudgets(source, diagnostics: &found)
  case 5:
    _ = Course(yaml: source, diagnostics: &found)
    _ = courseMoney(source)
  case 6: try results(body)
  case 7: if let read = FeedSnapshot(json: body) { try require(FeedSnapshot(json: try read.json()) == read, "a snapshot is read as it was written") }
  case 8: feed(body, kind: "atom")
  case 9: feed(body, kind: "json")
  case 10: try telemetry(body)
  default: _ = readLog(String(decoding: body, as: UTF8.self))
  }
  for one in found.all.prefix(20) {
    if let range = one.range { try require(range.upper <= body.count, "a finding lies in its text: \(one.cause)") }
    try require(!one.rendered(in: source).isEmpty, "a finding can be shown")
  }
}

/// A block that is imported is YAML, and is planned or refused like any other.
private func openSLO(_ source: SourceText) throws {
  var found = Diagnostics()
  for text in sloBlocks(openSLO: source, given: OpenSLOGiven(from: "base"), diagnostics: &found) ?? [] {
    let notebook = text.hasPrefix("```") ? text : "```perf\n" + text + "\n```\n"
    let document = Document(parsing: SourceText(path: "a.md", text: notebook))
    try require(document.perfFences.count == 1 && document.diagnostics.isEmpty, "what is imported is one block")
    var mistakes = Diagnostics()
    _ = Planner(PlanContext()).plan(document, diagnostics: &mistakes)
    try require(!mistakes.all.contains { YAMLDiagnosticID.all.contains($0.id) }, "what is imported is YAML: \(mistakes.all.map(\.cause)) \(text)")
  }
}

private func results(_ bytes: [UInt8]) throws {
  guard let read = try? parseResultsJSON(bytes), let written = try? resultsJSON(read) else { return }
  let again: [CellResult]
  do { again = try parseResultsJSON(written) } catch { throw BrokenLaw(description: "written results are read: \(error)") }
  try require(try resultsJSON(again) == written, "results are written as they were read")
  if let id = again.first?.id {
    try require(try parseResultsJSON(written, of: [id]).filter { $0.id == id }.count == again.filter { $0.id == id }.count, "one cell is found alone")
  }
}

private func feed(_ bytes: [UInt8], kind: String) {
  var found = Diagnostics()
  let fields = kind == "json" ? "\n    fields: {version: result.0.name}" : ""
  let list = SourceText(path: "feeds.yml", text: "feeds:\n  - id: a\n    kind: \(kind)\n    url: https://example.org/a\(fields)\n")
  for feed in loadFeeds(list, diagnostics: &found) { _ = try? FeedSnapshot(feed, answer: bytes, type: "", today: "2026-11-27") }
}

private func telemetry(_ bytes: [UInt8]) throws {
  var name = Array("/tmp/nb-fuzz-XXXXXX".utf8CString)
  let file = mkstemp(&name)
  guard file >= 0 else { return }
  defer {
    close(file)
    unlink(name)
  }
  guard bytes.withUnsafeBytes({ write(file, $0.baseAddress, $0.count) }) == bytes.count else { return }
  var files = TelemetryFiles(bytesMax: 1 << 20)
  let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  guard (try? files.add(path, signal: .traces)) != nil else { return }
  _ = files.capture
}
