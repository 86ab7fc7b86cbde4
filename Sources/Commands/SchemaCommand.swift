// `nb schema`: what may stand in a block, for editors (JSON Schema) and for people (the reference page).

import ArgumentParser
import PerfLanguage

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "The JSON Schema of perf blocks, or the reference of their keys.",
    discussion: """
      nb schema > perf.schema.json
      nb schema --reference > reference.md

      Both are made from the table that reads the blocks.
      """)

  @Flag(help: "The reference page in Markdown instead: keys, metrics, closed forms, units, presets.") var reference = false

  func run() { Output.standard(reference ? referencePage() : blockSchema()) }
}
