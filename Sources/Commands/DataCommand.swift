// `nb data`: the seeded tables and series of the course, for other programs.

import ArgumentParser
import ExperimentModel
import Foundation
import LabSystems
import PerfLanguage
import Reporting
import TextModel

struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Seeded tables and series, the same bytes on every machine.", subcommands: [List.self, Export.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "What can be exported, with its columns.")
    @Flag(help: "Only ASCII characters.") var ascii = false

    func run() {
      let style = TerminalStyle(ascii: ascii, color: false)
      Output.standard(
        columnsText(
          titles: ["schema", "columns"], rows: DatasetSchema.allCases.map { [$0.rawValue, $0.columns.map(\.name).joined(separator: ", ")] }, style: style))
      Output.standard(
        "\n"
          + columnsText(
            titles: ["series", "columns", "what"],
            rows: SeededSeries.allCases.map { [$0.rawValue, $0.columns.joined(separator: ", "), $0.title] }, style: style))
      Output.standard("\nA system's own dataset is SYSTEM.DATASET, such as shop.products, or FILE#SYSTEM.DATASET.\n")
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "export", abstract: "Write rows to stdout or to a file.",
      discussion: """
        nb data export orders --rows 100000 --format sql | sqlite3 store.db
        nb data export day07.md#store.items -o items.csv
        nb data export nightly --rows 60 --seed 3

        A system's dataset has the rows that its lab has. Without --rows a schema has 1000 rows and nightly 60; latency has a day.
        """)
    @Argument(help: "A schema, a series, PRESET.DATASET or FILE#SYSTEM.DATASET.") var what: String
    @Option(help: "Rows; without it as many as the system declares.") var rows: Int?
    @Option(help: "Of all values; without it the system's own, or 1.") var seed: UInt64?
    @Option(help: "csv, json (an object on each line) or sql (for sqlite3).") var format = "csv"
    @Option(name: .shortAndLong, help: "Write to this file instead of stdout.") var output: String?

    func validate() throws {
      if TableExport.Format(rawValue: format) == nil { throw ValidationError("--format is csv, json or sql, not \(format)") }
      if let rows, !(0...10_000_000).contains(rows) { throw ValidationError("--rows is from 0 to 10000000, not \(rows)") }
    }

    func run() throws {
      Interrupts.watch()
      var table: TableExport
      do { table = try self.table(TableExport.Format(rawValue: format) ?? .csv) } catch let error as LabError {
        Output.failure(Diagnostic("lab-failed", .error, "\(error.place): \(error.cause)", remedy: error.remedy))
        throw Exit.failed
      }
      guard let output else {
        while let bytes = table.next() {
          if Interrupts.requested { throw Exit.interrupted }
          Output.bytes(bytes)
        }
        return
      }
      try write(&table, to: output)
    }

    private func table(_ format: TableExport.Format) throws -> TableExport {
      if let series = SeededSeries(rawValue: what) {
        return TableExport(series, rows: rows ?? (series == .nightly ? 60 : 1440), seed: seed ?? 1, format: format)
      }
      if let schema = DatasetSchema(rawValue: what) {
        let rows = rows ?? 1000
        let dataset = DatasetSpec(name: what, rows: rows, popularity: .uniform(n: max(1, rows)), schema: schema)
        return try TableExport(dataset, among: [dataset], seed: seed ?? 1, format: format)
      }
      guard let dot = what.lastIndex(of: "."), what[dot...].firstIndex(of: "/") == nil else { throw unknown(DatasetSchema.allCases.map(\.rawValue) + SeededSeries.allCases.map(\.rawValue)) }
      let system = try resolveSystem(String(what[..<dot]), set: []).spec
      let name = String(what[what.index(after: dot)...])
      guard let dataset = system.data.first(where: { $0.name == name }) else { throw unknown(system.data.map(\.name)) }
      return try TableExport(rows.map(dataset.resized) ?? dataset, among: system.data, seed: seed ?? system.seed, format: format)
    }

    private func unknown(_ names: [String]) -> ExitCode {
      let last = what.split(separator: ".").last.map(String.init) ?? what
      let near = nearestName(to: last, among: names).map { "did you mean `\($0)`?" }
      Output.failure(
        Diagnostic(
          "unknown-dataset", .error, "there is no dataset `\(what)`",
          remedy: near ?? (names.isEmpty ? "the system has no `data`" : "there are \(names.joined(separator: ", "))")))
      return Exit.failed
    }

    /// In one step: a half table is never taken for a whole one.
    private func write(_ table: inout TableExport, to path: String) throws {
      do {
        let file = try AtomicFile(path)
        while let bytes = table.next() {
          if Interrupts.requested { throw Exit.interrupted }
          try file.write(bytes)
        }
        try file.commit()
      } catch let error as FileError {
        Output.failure(error.diagnostic)
        throw Exit.failed
      }
    }
  }
}
