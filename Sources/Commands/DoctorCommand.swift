// `nb doctor`: this machine as an instrument. What disturbs measurements, how, and what to do about it.

import ArgumentParser
import Foundation
import MeasureKernel
import Reporting
import TextModel

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "This machine as an instrument: what disturbs measurements, and the remedy.",
    discussion: """
      Takes about three seconds; the first one should be quiet. It reads /proc and /sys, tries clock, timer and disk, asks
      the tools on the PATH for their versions, and changes nothing.
      """)

  @Flag(help: "One JSON object a finding on stdout, nothing else.") var json = false
  @Flag(help: "Only ASCII characters.") var ascii = false

  func run() throws {
    let findings = examineMachine(folder: stateFolder())
    if json {
      for finding in findings { try Output.json(finding) }
      return
    }
    let style = TerminalStyle(ascii: ascii, color: isatty(1) == 1 && getenv("NO_COLOR") == nil)
    let cautions = findings.filter { $0.verdict == .caution }
    Output.standard(
      columnsText(
        titles: ["item", "verdict", "value"], rows: findings.map { [$0.item, $0.verdict.rawValue, $0.value] },
        emphasised: Set(findings.indices.filter { findings[$0].verdict == .caution }), style: style))
    for finding in cautions {
      let sentences = [finding.effect, finding.remedy].compactMap { $0 }.joined(separator: ". Remedy: ")
      Output.standard("\n" + noteText(finding.item, sentences + ".", style: style))
    }
    let unknown = findings.count { $0.verdict == .unknown }
    Output.standard("\n\(cautions.count) caution\(cautions.count == 1 ? "" : "s"), \(unknown) unknown: what is unknown is never taken for ok\n")
  }

  /// `.nb` where it is, else the folder where it would be made; else the system's temporary folder.
  private func stateFolder() -> String {
    let workspace = Workspace.here
    return [workspace.state, workspace.root].first { access($0, W_OK) == 0 } ?? NSTemporaryDirectory()
  }
}
