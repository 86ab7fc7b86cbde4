// `nb history`: every saved value of an address over time, and where its level changed. Only values that may be
// compared stand in one series: equal question, equal machine. Nothing is measured and nothing is saved.

import ArgumentParser
import ExperimentModel
import Foundation
import PerfLanguage
import Reporting
import ResultStore
import Statistics
import TextModel

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "How saved values moved over time, with changes of level.",
    discussion: "Without an address all series with at least two runs are listed.")

  @Argument(help: "LESSON, LESSON/BLOCK or LESSON/BLOCK.[ARM.]METRIC, such as day08/onoff.on.mean; none: all.")
  var addresses: [String] = []
  @Option(name: .customLong("import"), help: "A CSV of date,value[,commit] instead of saved results; nothing is saved.")
  var files: [String] = []
  @Option(help: "Series with fewer runs are left out; 1 when addresses are given.") var least: Int?
  @Flag(help: "Quick runs as well, as series of their own.") var quick = false
  @Option(help: "csv: all values as a table on stdout.") var export: String?
  @Flag(help: "One JSON object a series on stdout, nothing else.") var json = false
  @Flag(help: "Only ASCII characters.") var ascii = false

  func validate() throws {
    if let export, export != "csv" { throw ValidationError("--export is csv") }
    if json, export != nil { throw ValidationError("--json and --export csv both want stdout: choose one") }
    if let least, least < 1 { throw ValidationError("--least is at least 1") }
    if !files.isEmpty, !addresses.isEmpty { throw ValidationError("an imported file has one series and no addresses") }
  }

  func run() throws {
    let series = files.isEmpty ? try saved() : try files.map(imported)
    if export != nil { return Output.standard(historyCSV(series)) }
    let judged = series.map { ($0, Self.changes($0)) }
    if json { return try printJSON(judged) }
    let style = TerminalStyle(ascii: ascii, color: isatty(1) == 1 && getenv("NO_COLOR") == nil)
    Output.standard(historyText(judged.map { Self.shown($0, $1, among: series) }, style: style))
    if series.contains(where: { $0.points.count < Self.fewest }) {
      Output.error("a change of level is looked for from \(Self.fewest) runs on\n")
    }
  }

  // MARK: Reading

  private func saved() throws -> [SavedSeries] {
    let workspace = Workspace.here
    guard access(workspace.store, F_OK) == 0 else {
      Output.failure(
        Diagnostic("no-history", .error, "no results are saved here", remedy: "`nb run` saves each block's result in .nb/results.sqlite", path: workspace.store))
      throw Exit.failed
    }
    do {
      let store = try workspace.openStore(forWriting: false)
      let filters = try addresses.isEmpty ? [HistoryFilter()] : addresses.map(filter)
      var found: [SavedSeries] = []
      for (filter, address) in zip(filters, addresses.isEmpty ? [""] : addresses) {
        let some = try store.history(filter).filter { quick || !$0.quick }.filter { $0.points.count >= least ?? (addresses.isEmpty ? 2 : 1) }
        if some.isEmpty, !address.isEmpty { try reportNothing(address, store) }
        found += some.filter { !found.contains($0) }
      }
      return found
    } catch let error as FileError {
      Output.failure(error.diagnostic)
      throw Exit.failed
    } catch let error as StoreError {
      Output.failure(error.diagnostic(workspace))
      throw Exit.failed
    }
  }

  private func reportNothing(_ address: String, _ store: ResultStore) throws {
    let known = Set(try store.history().filter { quick || !$0.quick }.map(\.address))
    let near = nearestName(to: address, among: known.sorted()).map { "did you mean `\($0)`?" }
    Output.failure(
      Diagnostic(
        "no-history", .error, "no \(quick ? "" : "full ")run has saved `\(address)`",
        remedy: near ?? (known.isEmpty ? "run a lesson first" : "`nb history` lists what is there")))
    throw Exit.failed
  }

  /// A lesson, a block of it, or an address of a value.
  private func filter(_ text: String) throws -> HistoryFilter {
    let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard halves.count == 2 else { return HistoryFilter(lesson: text) }
    guard halves[1].contains(".") || halves[1].contains("@") else { return HistoryFilter(lesson: halves[0], block: halves[1]) }
    switch parseAddress(halves[1]) {
    case .success(let address):
      return HistoryFilter(
        lesson: halves[0], block: address.block, arm: address.arm.joined(separator: "."), metric: address.metric, point: address.point)
    case .failure(let error):
      Output.failure(Diagnostic("bad-address", .error, error.cause, remedy: error.remedy))
      throw Exit.failed
    }
  }

  private func imported(_ file: String) throws -> SavedSeries {
    do throws(FileError) {
      let source = try SourceText(contentsOf: file, limit: 16 << 20)
      let (points, mistakes) = readHistoryCSV(source.text(SourceRange(0, source.bytes.count)))
      for mistake in mistakes {
        let place = mistake.line <= source.lineCount ? source.contentRange(ofLine: mistake.line) : nil
        Output.error(
          Diagnostic("bad-csv", .error, mistake.cause, remedy: mistake.remedy, at: place, path: file).rendered(in: source, color: Output.color))
      }
      if mistakes.isEmpty, !points.isEmpty {
        return SavedSeries(
          address: Workspace.stem((file as NSString).deletingPathExtension), unit: .plain, inputs: "", environment: "", quick: false,
          points: points)
      }
      if mistakes.isEmpty {
        throw FileError("bad-csv", "this file has no values", remedy: "a line reads DATE,VALUE or DATE,VALUE,COMMIT", path: file)
      }
    } catch {
      Output.failure(error.diagnostic)
    }
    throw Exit.failed
  }

  // MARK: Judging

  /// Two stretches of the change-point search.
  private static let fewest = 8

  static func changes(_ series: SavedSeries) -> [ChangePoint] {
    series.points.count < fewest ? [] : changePoints(series.points.map(\.value.value))
  }

  // MARK: Text

  /// - Parameter all: where an address stands for several series, each says which it is.
  static func shown(_ series: SavedSeries, _ changes: [ChangePoint], among all: [SavedSeries]) -> HistorySeries {
    var name = series.address
    let others = all.filter { $0.address == series.address && $0 != series }
    // Before the address: behind it stands the metric, which says what is better.
    if series.quick { name = "quick \(name)" }
    if others.contains(where: { $0.environment != series.environment }) { name = "machine \(series.environment) \(name)" }
    if others.contains(where: { $0.inputs != series.inputs }) { name = "inputs \(series.inputs) \(name)" }
    return HistorySeries(
      address: name, unit: series.unit,
      points: series.points.map { HistoryPoint(date: String($0.finished.prefix(10)), commit: $0.commit, value: $0.value) },
      changes: changes.map { change in
        let point = series.points[change.index]
        return HistoryChange(
          index: change.index, date: String(point.finished.prefix(10)), commit: point.commit, relativeChange: change.relativeChange,
          p: change.p)
      })
  }

  private func printJSON(_ judged: [(SavedSeries, [ChangePoint])]) throws {
    struct Change: Encodable {
      var index: Int
      var finished: String
      var commit: String?
      var before: Double
      var after: Double
      var p: Double
    }
    struct Line: Encodable {
      var series: SavedSeries
      var changes: [Change]
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    for (series, changes) in judged {
      let line = Line(
        series: series,
        changes: changes.map {
          let point = series.points[$0.index]
          return Change(index: $0.index, finished: point.finished, commit: point.commit, before: $0.before, after: $0.after, p: $0.p)
        })
      Output.bytes([UInt8](try encoder.encode(line)) + [0x0A])
    }
  }
}
