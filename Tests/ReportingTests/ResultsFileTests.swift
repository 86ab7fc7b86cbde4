import ExperimentModel
import Foundation
import Testing

@testable import Reporting

private func finiteResults() -> [CellResult] {
  [Sample.onoff, Sample.curve]
}

@Test func resultsComeBackAsTheyWere() throws {
  let bytes = try resultsJSON(finiteResults())
  let back = try parseResultsJSON(bytes)
  var expected = finiteResults()
  #expect(back.map(\.arms) == expected.map(\.arms))
  // Plots are kept to six digits; everything else is exact.
  for i in expected.indices { expected[i].plots = back[i].plots }
  #expect(back == expected)
  #expect(try resultsJSON(back) == bytes)
}

@Test func infinityAndHostileTextComeBack() throws {
  let back = try parseResultsJSON(resultsJSON([Sample.hostileResult]))
  #expect(back[0].title == Sample.hostile)
  #expect(back[0].arms[1].metrics[Sample.hostile]?.estimate.value == .infinity)
  #expect(back[0].arms[0].metrics[Sample.hostile]?.estimate.value.isNaN == true)
}

@Test func keysAreSortedAndNumberListsStandOnOneLine() throws {
  let text = String(decoding: try resultsJSON(finiteResults()), as: UTF8.self)
  #expect(text.hasSuffix("}\n"))
  let lines = text.split(separator: "\n")
  #expect(lines.contains { $0.contains("\"x\" : [100, 500, 1000, 2500, 5000]") })
  var keys: [String] = []
  for line in lines where line.hasPrefix("      \"") && !line.hasPrefix("       ") {
    keys.append(String(line.split(separator: "\"")[1]))
    if line.contains("\"why\"") || keys.count > 1 && keys[keys.count - 2] > keys[keys.count - 1] {
      #expect(keys.dropLast() == keys.dropLast().sorted()[...])
      keys = []
    }
  }
}

@Test func aListWithinAStringIsLeftAlone() {
  let json = Array("{\n  \"a\" : \"[\\n 1,\\\" [ 2 ]\",\n  \"b\" : [\n    1,\n    -2.5e3\n  ],\n  \"c\" : [\n    \"x\"\n  ],\n  \"d\" : [\n\n  ]\n}".utf8)
  #expect(String(decoding: joiningNumberLists(json), as: UTF8.self) == "{\n  \"a\" : \"[\\n 1,\\\" [ 2 ]\",\n  \"b\" : [1, -2.5e3],\n  \"c\" : [\n    \"x\"\n  ],\n  \"d\" : []\n}")
}

@Test func plotsAreThinnedUntilTheFileFits() throws {
  var many: [CellResult] = []
  for i in 0..<12 {
    var result = Sample.onoff
    result.id = "block-\(i)"
    result.plots = [Sample.cdf, Sample.cdf]
    many.append(result)
  }
  let bytes = try resultsJSON(many)
  #expect(bytes.count <= resultsFileLimit)
  let back = try parseResultsJSON(bytes)
  let points = back[0].plots[0].series[0].x
  #expect(points.count < 120 && points.count > 2)
  #expect(points.first == many[0].plots[0].series[0].x.first && abs(points.last! / many[0].plots[0].series[0].x.last! - 1) < 1e-5)
  #expect(back.map(\.arms) == many.map(\.arms), "numbers are never thinned")
  #expect(try resultsJSON(back) == bytes)
}

@Test func whatCannotFitIsAnError() throws {
  let many = (0..<200).map { i in
    var result = Sample.onoff
    result.id = "block-\(i)"
    return result
  }
  #expect(throws: ResultsFileError.self) { try resultsJSON(many) }
}

@Test(arguments: ["", "[]", "{", "{\"format\": 9, \"cells\": []}", "{\"format\": 1}", "{\"format\": 1, \"cells\": [{\"id\": 3}]}"])
func otherFilesAreRefusedWithCauseAndRemedy(text: String) {
  do {
    _ = try parseResultsJSON(Array(text.utf8))
    Issue.record("was accepted: \(text)")
  } catch {
    let error = error as? ResultsFileError
    #expect(error?.cause.isEmpty == false && error?.remedy.isEmpty == false)
  }
}
