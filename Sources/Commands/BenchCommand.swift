// `nb bench 'cmd a' 'cmd b'`: commands or code fences beside each other, in turns, with a verdict. The ease of the
// well-known command-line benchmarks, the statistics of a notebook's bench block.

import ArgumentParser
import ExperimentModel
import ExperimentRunner
import Foundation
import MeasureKernel
import PerfLanguage
import Reporting
import TextModel
import Trust

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Time commands or code fences beside each other.",
    discussion: """
      The first subject is the baseline. Samples are taken in turns (ABBA), so that a drifting machine slows all of
      them down alike, and the baseline is compared with itself as a control. Without --pairs it looks at 20, 40, 80 and
      100 pairs, and stops when everything is decided or the budget is used up.

      nb bench 'sort big.txt' 'sort -S 1G big.txt'
      nb bench 'gzip -{level} -c big.txt' -P level=1,6,9 --export md
      nb bench Notebooks/day06.md#recommend-slow Notebooks/day06.md#recommend-fast --trust
      """)

  @Argument(help: "Commands, each in quotes, or FILE.md#FENCE. A shell starts only those that need one (| > * $ …).")
  var subjects: [String]
  @Option(name: [.customShort("n"), .customLong("name")], help: "Names, in the order of the subjects.")
  var names: [String] = []
  @Option(name: .shortAndLong, help: "Shell command before the first sample.") var setup: String?
  @Option(name: .shortAndLong, help: "Shell command before each sample, not timed.") var prepare: String?
  @Option(name: .shortAndLong, help: "Shell command after the last sample.") var cleanup: String?
  @Option(
    name: [.customShort("P"), .customLong("parameter")], help: "NAME=VALUE,VALUE,…: {NAME} in the commands, one subject for each value.")
  var parameters: [String] = []
  @Option(help: "Time for measuring, such as 5s or 500ms.") var budget = "5s"
  @Option(help: "Exactly so many pairs, if the budget allows; never fewer than 6.") var pairs: Int?
  @Option(help: "Of the order of the turns.") var seed: UInt64 = 1
  @Option(help: "File that is each command's stdin.") var input: String?
  @Option(help: "Seconds that one run may take.") var timeout = 60.0
  @Flag(help: "Clear the page cache before each sample; needs root.") var cold = false
  @Flag(name: .shortAndLong, help: "A command that fails is measured all the same.") var ignoreFailure = false
  @Flag(help: "Each command through `sh -c`; the shell's own time is measured and taken off.") var shell = false
  @Flag(help: "Code fences may run, whether their notebook is trusted or not.") var trust = false
  @Flag(help: ArgumentHelp(Confined.help)) var confine = false
  @Option(help: "json, csv, md or benchfmt to stdout, or FORMAT:FILE; may be repeated.") var export: [String] = []
  @Flag(help: "One JSON object a comparison on stdout, nothing else.") var json = false
  @Flag(help: "Pictures without block characters.") var ascii = false
  @Flag(help: "No progress.") var quiet = false

  func validate() throws {
    guard !subjects.isEmpty else { throw ValidationError("name a command, such as nb bench 'sort big.txt'") }
    if let pairs, pairs < 6 { throw ValidationError("an interval needs at least 6 pairs") }
    guard seconds(budget) != nil else { throw ValidationError("--budget is a time such as 5s or 500ms") }
    guard timeout > 0, timeout < 86_400 else { throw ValidationError("--timeout is a number of seconds above 0") }
    for one in export { _ = try exportTarget(one) }
    if names.count > subjects.count { throw ValidationError("there are more names than subjects") }
  }

  func run() throws {
    Interrupts.watch()
    do {
      var requests: [BenchRequest] = []
      for (index, subject) in subjects.enumerated() {
        for (text, values) in try expanded(subject) {
          let name = (index < names.count ? names[index] : text) + (index < names.count && !values.isEmpty ? " " + Self.words(values) : "")
          requests.append(BenchRequest(subject: SubjectSpec(name: name, work: try work(text)), text: text, parameters: values))
        }
      }
      let report = try measured(requests)
      try show(report)
      if Interrupts.requested { throw Exit.interrupted }
    } catch let failure as CellFailure {
      Output.failure(Diagnostic("bench-failed", .error, failure.cause, remedy: failure.remedy))
      throw Exit.failed
    } catch let error as MeasureError {
      for message in error.messages where message.kind == .error { Output.error("\(message)\n") }
      Output.failure(Diagnostic("bench-failed", .error, error.cause, remedy: error.remedy))
      throw Interrupts.requested ? Exit.interrupted : Exit.failed
    } catch let error as FileError {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
  }

  private func measured(_ requests: [BenchRequest]) throws -> BenchReport {
    let live = Output.errorIsTerminal && !quiet
    var options = RunOptions(
      quick: false, launcher: LabLauncher(executable: executablePath(), serveArguments: []), subjectArguments: ["lab", "subject"],
      fenceCache: Workspace.here.state + "/fences")
    options.commands.ignoresFailure = ignoreFailure
    options.commands.cleanup = cleanup
    options.commands.input = input
    options.commands.timeout = timeout
    options.commands.dropsCaches = cold
    guard let confined = Confined(confine) else { throw Exit.failed }
    defer { confined.remove() }
    options.commands.confinement = confined.confinement
    let runner = Runner(
      options, cancelled: { Interrupts.requested },
      report: { event in
        if live, case .progress(_, let note, _, _, _) = event { Output.error("\r\u{1B}[K\(note.prefix(100))") }
      })
    defer { if live { Output.error("\r\u{1B}[K") } }
    return try runner.bench(
      requests, pairs: pairs, setup: setup, prepare: prepare, budget: Nanoseconds(seconds: seconds(budget) ?? 5), seed: seed,
      environment: environmentLine(machineDescription()))
  }

  private func show(_ report: BenchReport) throws {
    if json { Output.standard(try benchJSONLines(report)) }
    var toStandard = json
    for one in export {
      let (format, file) = try exportTarget(one)
      let text = try format.text(of: report)
      if let file { try writeFileAtomically(file, Array(text.utf8)) } else {
        Output.standard(text)
        toStandard = true
      }
    }
    guard !toStandard else { return }
    let style = TerminalStyle(ascii: ascii, color: isatty(1) == 1 && getenv("NO_COLOR") == nil)
    Output.standard(distributionText(report, style: style) + "\n" + benchSummaryText(report, style: style))
  }

  // MARK: What was typed

  private func exportTarget(_ text: String) throws -> (format: BenchExport, file: String?) {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard let format = parts.first.flatMap(BenchExport.init) else {
      throw ValidationError("--export is json, csv, md or benchfmt, or FORMAT:FILE")
    }
    return (format, parts.count > 1 ? parts[1] : nil)
  }

  /// The subject once for each combination of parameter values that it uses.
  private func expanded(_ subject: String) throws -> [(String, [String: String])] {
    var all: [(String, [String: String])] = [(subject, [:])]
    for parameter in parameters {
      let parts = parameter.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, !parts[0].isEmpty else { throw ValidationError("--parameter is NAME=VALUE,VALUE") }
      guard subject.contains("{\(parts[0])}") else { continue }
      all = all.flatMap { text, values in
        parts[1].split(separator: ",", omittingEmptySubsequences: false).map { value in
          (text.replacingOccurrences(of: "{\(parts[0])}", with: value), values.merging([parts[0]: String(value)]) { $1 })
        }
      }
    }
    return all
  }

  private static func words(_ values: [String: String]) -> String {
    values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
  }

  private func work(_ text: String) throws -> SubjectWork {
    if let mark = text.firstIndex(of: "#"), text[..<mark].hasSuffix(".md"), !text.contains(" ") {
      let file = Workspace.find(String(text[..<mark]))
      let id = String(text[text.index(after: mark)...])
      let notebook = try Notebook(file)
      guard let fence = codeFence(notebook.document, id: id) else {
        let near = nearestName(to: id, among: notebook.document.codeFences.compactMap(\.id)).map { "did you mean `\($0)`?" }
        throw CellFailure("\(file) has no code fence `#\(id)` that nb can run", remedy: near ?? "it runs swift, c, python, javascript and sh")
      }
      guard trust || isTrusted(fence, of: notebook) else {
        throw CellFailure("`#\(id)` is code that would be executed, and you have not trusted it", remedy: "read it; then `nb trust \(file)`, or once only: --trust")
      }
      return .fence(fence)
    }
    return .command(CommandSpec(text: text, usesShell: shell || Self.needsShell(text)))
  }

  private func isTrusted(_ fence: FenceSpec, of notebook: Notebook) -> Bool {
    TrustCheck.verdict(of: notebook, [executablePart(of: fence, in: notebook.document)]).isTrusted
  }

  /// Something outside single quotes means more to a shell than to us.
  static func needsShell(_ text: String) -> Bool {
    var isQuoted = false
    for character in text {
      if character == "'" { isQuoted.toggle() } else if !isQuoted, "|&;<>()$`*?~#{}[]\n".contains(character) { return true }
    }
    return false
  }

  /// `5s`, `500ms`, `2min`, or seconds without a unit; nil: none of these, or not above 0.
  private func seconds(_ text: String) -> Double? {
    for (unit, factor) in [("ms", 0.001), ("min", 60.0), ("s", 1), ("", 1)] where text.hasSuffix(unit) {
      guard let number = Double(text.dropLast(unit.count)), number > 0, number.isFinite, number * factor < 86_400 else { return nil }
      return number * factor
    }
    return nil
  }
}
