import DocumentModel
import ExperimentModel
import Foundation
import Testing
import TextModel

@testable import Reporting

@Test(arguments: Sample.benches.keys.sorted())
func exportsMatchTheirGolden(name: String) throws {
  let report = try #require(Sample.benches[name])
  for format in BenchExport.allCases {
    let file = format == .benchfmt ? "export.benchfmt.txt" : "export.\(format.rawValue)"
    #expect(try golden(name, file, format.text(of: report)), "\(name)/\(file)")
  }
  #expect(try golden(name, "json-option.jsonl", benchJSONLines(report)))
  for (file, style) in [("terminal.txt", TerminalStyle()), ("terminal-ascii.txt", TerminalStyle(ascii: true))] {
    let text = distributionText(report, style: style) + "\n" + benchSummaryText(report, style: style)
    #expect(try golden(name, file, text), "\(name)/\(file)")
  }
}

@Test(arguments: Sample.benches.keys.sorted())
func theJSONExportLosesNothing(name: String) throws {
  let report = try #require(Sample.benches[name])
  let text = try hyperfineJSON(report)
  let back = try parseBenchJSON(Array(text.utf8))
  // NaN differs from itself: a hostile run is compared by what it writes.
  if name != "bench-hostile" { #expect(back == report) }
  #expect(try hyperfineJSON(back) == text)
  #expect(back.subjects.map(\.source) == report.subjects.map(\.source) && back.doubts == report.doubts)
}

/// What hyperfine 1.15.0 itself exported for these three runs of `true`.
@Test func figuresAreThoseOfHyperfine() throws {
  let times = [0.001305677, 0.0006351870000000001, 0.000628587].map { $0 * 1e9 }
  let report = Sample.bench(
    "t", [BenchSubject(name: "true", kind: .command, source: "true", times: times, exitCodes: [0, 0, 0])], [])
  let result = try #require(results(hyperfineJSON(report)).first)
  for (key, expected) in [
    ("mean", 0.0008564836666666666), ("stddev", 0.0003890268345928509), ("median", 0.0006351870000000001), ("min", 0.000628587),
    ("max", 0.001305677),
  ] { #expect(abs((result[key] as? Double ?? 0) / expected - 1) < 1e-12, "\(key)") }
  #expect((result["exit_codes"] as? [Int]) == [0, 0, 0] && result["parameters"] == nil && result["memory_usage_byte"] == nil)
}

private func results(_ json: String) throws -> [[String: Any]] {
  let top = try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
  return try #require(top?["results"] as? [[String: Any]])
}

@Test func hyperfineReadersFindTheirKeys() throws {
  let faster = try results(hyperfineJSON(Sample.benchFaster))
  for result in faster {
    #expect(
      Set(result.keys) == [
        "command", "mean", "stddev", "median", "user", "system", "min", "max", "times", "exit_codes", "memory_usage_byte",
        "parameters",
      ])
    #expect(
      (result["times"] as? [Double])?.count == 12
        && (result["memory_usage_byte"] as? [Int]) == Array(repeating: 1_884_160, count: 12))
  }
  #expect((faster[1]["parameters"] as? [String: String]) == ["level": "1"])
  let once = try #require(results(hyperfineJSON(Sample.benchOneSample)).first)
  #expect(once["stddev"] is NSNull && once["user"] is NSNull && (once["mean"] as? Double) == 2.5)
  let hostile = try results(hyperfineJSON(Sample.benchHostile))
  #expect((hostile[0]["command"] as? String) == Sample.hostile + "\r\n,;=1+1")
  #expect((hostile[0]["times"] as? [Any])?.count == 3 && (hostile[0]["times"] as? [Any])?[1] is NSNull)
  #expect((hostile[0]["exit_codes"] as? [Any])?[0] is NSNull && hostile[2]["mean"] is NSNull)
}

@Test func theJSONOptionGivesOneObjectALine() throws {
  func objects(_ report: BenchReport) throws -> [[String: Any]] {
    try benchJSONLines(report).split(separator: "\n").map { line in
      try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }
  let faster = try #require(objects(Sample.benchFaster).first)
  #expect(
    (faster["verdict"] as? String) == "faster" && (faster["estimate"] as? Double) == 1.31
      && (faster["interval"] as? [Double]) == [1.28, 1.35])
  let subjects = try #require(faster["subjects"] as? [String: [String: Any]])
  #expect(subjects["baseline"]?["name"] as? String == "gzip -6" && subjects["candidate"]?["median_ns"] as? Double == 21e6)
  #expect(try objects(Sample.benchUnresolved).map { $0["verdict"] as? String } == ["equivalent", "unresolved"])
  let once = try objects(Sample.benchOneSample)
  #expect(once.count == 1 && once[0]["verdict"] is NSNull && once[0]["estimate"] is NSNull)
  let hostile = try objects(Sample.benchHostile)
  #expect(hostile.count == 2 && hostile[0]["title"] as? String == Sample.hostile && hostile[0]["estimate"] is NSNull)
  #expect((hostile[1]["subjects"] as? [String: Any])?["candidate"] is NSNull)
}

@Test(arguments: ["", "{", "{\"results\": []}", "{\"nb\": {}}", "[]"])
func foreignJSONIsRefusedWithCauseAndRemedy(text: String) {
  let error = #expect(throws: ResultsFileError.self) { try parseBenchJSON(Array(text.utf8)) }
  #expect(error?.cause.isEmpty == false && error?.remedy.isEmpty == false)
}

// MARK: CSV

/// Records by the grammar of RFC 4180, with LF or CRLF between them.
private func parsedCSV(_ text: String) -> [[String]] {
  var (records, record, field, quoted, isClosed) = ([[String]](), [String](), String.UnicodeScalarView(), false, false)
  let scalars = Array(text.unicodeScalars)
  var i = 0
  while i < scalars.count {
    let scalar = scalars[i]
    if quoted {
      if scalar == "\"" {
        if i + 1 < scalars.count, scalars[i + 1] == "\"" {
          field.append("\"")
          i += 1
        } else {
          quoted = false
          isClosed = true
        }
      } else {
        field.append(scalar)
      }
    } else if scalar == "\"", field.isEmpty, !isClosed {
      quoted = true
    } else if scalar == "," || scalar == "\n" {
      record.append(String(field))
      field = String.UnicodeScalarView()
      isClosed = false
      if scalar == "\n" {
        records.append(record)
        record = []
      }
    } else {
      field.append(scalar)
    }
    i += 1
  }
  return records
}

@Test func csvComesBackAsItWas() throws {
  let hostile = parsedCSV(hyperfineCSV(Sample.benchHostile))
  #expect(hostile.count == 4 && hostile.allSatisfy { $0.count == 9 })
  #expect(hostile[0][8] == "parameter_" + Sample.hostile)
  for row in hostile.dropFirst() { #expect(row[0] == Sample.hostile + "\r\n,;=1+1" && row[8] == Sample.hostile) }
  #expect(hostile[1][1] == "0.0015" && hostile[1][6] == "0", "the mean of −0 and 3 ms; no −0")
  #expect(Array(hostile[3][1...7]) == Array(repeating: "", count: 7), "nothing measured, nothing invented")
  let faster = parsedCSV(hyperfineCSV(Sample.benchFaster))
  #expect(faster[0] == ["command", "mean", "stddev", "median", "user", "system", "min", "max", "parameter_level"])
  for (row, subject) in zip(faster.dropFirst(), Sample.benchFaster.subjects) {
    #expect(Double(row[6]) == (subject.times.min() ?? 0) / 1e9 && Double(row[1]).map { abs($0 - 0.024) < 0.006 } == true)
  }
}

@Test(arguments: [
  ("a", "a"), ("", ""), ("a,b", "\"a,b\""), ("\"", "\"\"\"\""), ("a\r\nb", "\"a\r\nb\""), ("=1+1", "=1+1"), (" a ", " a "),
])
func csvFieldsAreQuotedWhereNeeded(text: String, field: String) { #expect(csvField(text) == field) }

// MARK: Go benchmark format

/// A reader by the rules of golang/perf's benchfmt: configuration, and per result its name, iterations and values by unit.
private struct GoReader {
  var configuration: [String: String] = [:]
  var results: [(name: String, iterations: Int, values: [String: Double])] = []
  var isWellFormed = true

  init(_ text: String) {
    for line in text.split(separator: "\n") {
      if line.hasPrefix("Benchmark") {
        let fields = line.split(whereSeparator: \.isWhitespace).map(String.init)
        guard fields.count >= 4, fields.count % 2 == 0, let iterations = Int(fields[1]) else {
          isWellFormed = false
          continue
        }
        var values: [String: Double] = [:]
        for i in stride(from: 2, to: fields.count, by: 2) {
          guard let value = Double(fields[i]) else {
            isWellFormed = false
            continue
          }
          values[fields[i + 1]] = value
        }
        results.append((String(fields[0].dropFirst(9)), iterations, values))
      } else if let colon = line.firstIndex(of: ":"), !line.hasPrefix("#") {
        let key = line[..<colon]
        if key.first?.isLowercase != true || key.contains(where: { $0.isWhitespace || $0.isUppercase }) { isWellFormed = false }
        configuration[String(key)] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      } else if !line.hasPrefix("#") {
        isWellFormed = false
      }
    }
  }
}

@Test func goReadersGetEverySample() throws {
  let report = Sample.benchFaster
  let read = GoReader(goBenchmarkText(report))
  #expect(
    read.isWellFormed && read.configuration["title"] == "compress a log"
      && read.configuration["subject-2"] == "gzip -1: gzip -1 < access.log")
  #expect(read.results.compactMap { $0.values["ns/op"] } == report.subjects.flatMap(\.times))
  #expect(read.results.compactMap { $0.values["user-ns/op"] } == report.subjects.flatMap(\.user))
  #expect(read.results.compactMap { $0.values["peak-RSS-bytes"] } == report.subjects.flatMap(\.residentMax))
  #expect(Set(read.results.map(\.name)) == ["Compress_a_log/subject=gzip_6", "Compress_a_log/subject=gzip_1"])
  #expect(GoReader(goBenchmarkText(Sample.benchUnresolved)).results.allSatisfy { $0.iterations == 5000 })
}

@Test func hostileTextCannotForgeAGoResult() {
  let text = goBenchmarkText(Sample.benchHostile)
  let read = GoReader(text)
  #expect(read.isWellFormed && read.results.count == 2, "only two samples are finite")
  #expect(
    read.results.allSatisfy {
      $0.iterations == 1 && $0.values["ns/op"]?.isFinite == true && $0.name.filter { $0 == "/" }.count == 1
    })
  #expect(!text.contains("-0") && text.contains("# a_8: no samples") && text.contains("2 samples without a time are left out"))
  var same = Sample.benchOneSample
  same.subjects.append(same.subjects[0])
  #expect(Set(GoReader(goBenchmarkText(same)).results.map(\.name)).count == 2, "one name twice is two subjects")
}

@Test(arguments: [
  ("gzip -6", "gzip_6"), ("a-8", "a_8"), ("a-b", "a-b"), ("a-", "a_"), ("x/y z=1", "x_y_z_1"), ("", "none"), (" \n", "none"),
  ("größer", "größer"),
  ("day05.md#dedupe", "day05.md_dedupe"),
])
func goNamesKeepTheirMeaning(text: String, name: String) { #expect(benchmarkName(text, otherwise: "none") == name) }

// MARK: Markdown

@Test(arguments: Sample.benches.keys.sorted())
func markdownStaysOneTableWithoutMarkupOfItsFields(name: String) throws {
  let text = benchMarkdown(try #require(Sample.benches[name]))
  let rows = text.split(separator: "\n").filter { $0.hasPrefix("|") }
  #expect(rows.count == 2 + (Sample.benches[name]?.subjects.count ?? 0))
  let document = Document(parsing: SourceText(path: "x.md", text: text))
  var options = HTMLOptions()
  options.unsafe = true
  let html = document.html(options).html
  #expect(!html.contains("<script") && !html.contains("<h2") && document.values.isEmpty)
  #expect(
    html.components(separatedBy: "<table").count == 2 && html.components(separatedBy: "<td").count - 1 == 8 * (rows.count - 2))
}

@Test(
  arguments: [
    (0.0, "0"), (-0.0, "0"), (1, "1"), (27_500_000, "27500000"), (0.0015, "0.0015"), (1e300, "1e+300"),
    (1.0 / 3, "0.3333333333333333"),
  ] as [(Double, String)])
func plainNumbersAreShortAndExact(value: Double, text: String) {
  #expect(plainNumber(value) == text && Double(plainNumber(value)) == value)
}
