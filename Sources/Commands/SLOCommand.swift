// `nb slo`: objectives from and to OpenSLO files.

import ArgumentParser
import Foundation
import PerfLanguage
import TextModel

struct SLOCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "slo", abstract: "Service level objectives from and to OpenSLO files.", subcommands: [Import.self, Export.self])

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "import", abstract: "An OpenSLO v1 file as slo blocks, on stdout.",
      discussion: """
        nb slo import checkout.yaml --from base --good 'http_req_duration<300ms' >> day26.md

        A file of another tool says by a query which requests are good. nb judges recordings of its own load blocks, so --from and --good
        say what stands for that query here. What a block cannot keep is reported with line and column.
        """)
    @Argument(help: "A YAML file, with several documents where it has them.") var file: String
    @Option(help: "The load block whose recording is judged.") var from: String?
    @Option(help: "Which requests are good, such as 'http_req_duration<300ms' or 'http_req_failed==0'.") var good: String?

    func run() throws {
      let source: SourceText
      do { source = try SourceText(contentsOf: file) } catch {
        Output.failure(error.diagnostic)
        throw Exit.failed
      }
      var findings = Diagnostics()
      let blocks = sloBlocks(openSLO: source, given: OpenSLOGiven(from: from, good: good), diagnostics: &findings)
      Output.diagnostics(findings, in: source)
      guard let blocks else { throw Exit.failed }
      Output.standard(blocks.map { "```perf\n\($0)```\n" }.joined(separator: "\n"))
    }
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "export", abstract: "An slo block as OpenSLO v1, on stdout: the SLO, and a policy for each alert.")
    @Argument(help: "FILE#ID, such as day01.md#slo-latency.") var block: String

    func run() throws {
      let (file, id) = try splitBlock(block)
      let notebook: Notebook
      do { notebook = try Notebook(file) } catch {
        Output.failure(error.diagnostic)
        throw Exit.failed
      }
      var findings = Diagnostics()
      let text = openSLO(notebook.document, id: id, context: notebook.context, diagnostics: &findings)
      Output.diagnostics(findings, in: notebook.source)
      guard let text else {
        let objectives = notebook.planned.blocks.filter { $0.kind == "slo" }.map(\.id)
        if !objectives.contains(id) {
          let near = nearestName(to: id, among: objectives).map { "did you mean `\($0)`?" }
          Output.failure(
            Diagnostic(
              "unknown-block", .error, "there is no slo block `\(id)`", remedy: near ?? "slo blocks: \(objectives.joined(separator: ", "))",
              path: notebook.path))
        }
        throw Exit.failed
      }
      Output.standard(text)
    }
  }
}
