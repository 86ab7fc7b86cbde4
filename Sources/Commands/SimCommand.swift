// `nb sim MODEL`: a simulation from the shell, with its closed form beside it.

import ArgumentParser
import ExperimentModel
import ExperimentRunner
import Foundation
import PerfLanguage
import Reporting
import TextModel

struct SimCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sim", abstract: "Simulate a named model, seeded, beside its closed form.",
    discussion: """
      nb sim list
      nb sim describe queue
      nb sim mm1 --set rho=0.9
      nb sim queue --set c=4 --set service=20ms --set rate=150rps --set service.dist=lognormal --set service.cv2=4

      The same seed gives the same numbers on every machine. Nothing is measured: what a simulation says is as good as its model.
      """)

  @Argument(help: "A model, `list`, or `describe` and a model.") var words: [String]
  @Option(name: .customLong("set"), help: "NAME=VALUE as in a block's `params`, and replications=N; may be repeated.") var settings: [String] = []
  @Option(help: "Of all random numbers.") var seed: UInt64 = 1
  @Flag(help: "One JSON object on stdout, nothing else.") var json = false
  @Flag(help: "Only ASCII characters.") var ascii = false

  func validate() throws {
    let wanted = words.first == "describe" ? 2 : 1
    guard words.count == wanted else { throw ValidationError("name one model, such as nb sim mm1; `nb sim list` shows them") }
  }

  func run() throws {
    Interrupts.watch()
    if words[0] == "list" { return list() }
    var diagnostics = Diagnostics()
    let name = words.last ?? ""
    guard let asked = typedSimulation(name, set: settings, seed: seed, diagnostics: &diagnostics) else {
      for one in diagnostics.all { Output.failure(one) }
      throw Exit.failed
    }
    if words[0] == "describe" { return describe(asked.model) }
    do {
      let report = try runSimulation(asked.cell, cancelled: { Interrupts.requested })
      Output.standard(json ? try simulationJSON(report) : simulationText(report, style: style))
    } catch let failure as CellFailure {
      if Interrupts.requested { throw Exit.interrupted }
      Output.failure(Diagnostic("simulation-refused", .error, failure.cause, remedy: failure.remedy))
      throw Exit.failed
    }
  }

  private var style: TerminalStyle { TerminalStyle(ascii: ascii, color: isatty(1) == 1 && getenv("NO_COLOR") == nil) }

  private func list() {
    Output.standard(columnsText(titles: ["model", "what"], rows: SimModel.all.map { [$0.name, $0.title] }, style: style))
  }

  private func describe(_ model: SimModel) {
    var text = "\(model.name): \(model.title)\n\n"
    text += columnsText(
      titles: ["parameter", "value", "default", "meaning"],
      rows: modelParameters(model).map { [$0.name, $0.value, $0.standard ?? "", $0.meaning] }, style: style)
    text += "\n" + noteText("closed form", model.closedForm, style: style)
    text += noteText("metrics", (model.columns + model.others).joined(separator: ", "), style: style)
    text += noteText("an event", model.event, style: style)
    Output.standard(text)
  }
}
