// `nb fmt`: the layout of perf blocks, and of nothing else in a notebook.

import ArgumentParser
import DocumentModel
import Foundation
import PerfLanguage
import TextModel

struct FormatCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fmt", abstract: "Lay out the YAML of perf blocks: two spaces a level, one space between words.",
    discussion: """
      Words, quotes, comments, the order of keys and the choice between `{…}` and lines stay; so does every byte outside of the \
      blocks, and no result becomes stale. A block that is not YAML is left to `nb check`.
      """)

  @Argument(help: "Notebooks; none: all of the course here.") var files: [String] = []
  @Flag(help: "Write nothing; exit code 1 and the names of what would change.") var check = false
  @Flag(help: "Write nothing; what would change, as a diff on stdout.") var diff = false
  @OptionGroup var lock: LockOptions

  func run() throws {
    var failed = false
    for file in files.isEmpty ? lessonFiles(Workspace.here) : files {
      do throws(FileError) {
        let path = Workspace.find(file)
        if !check, !diff {
          let lock = try NotebookLock.take([path], patience: lock.wait, makesState: false)
          defer { lock.release() }
          if try rewriteNotebook(path, { source throws(FileError) in source.applying(formattingEdits(Document(parsing: source))).bytes }) { Output.error("\(path)\n") }
          continue
        }
        let document = Document(parsing: try SourceText(contentsOf: path))
        let edits = formattingEdits(document)
        guard !edits.isEmpty else { continue }
        let laidOut = document.source.applying(edits).bytes
        if diff { Output.standard(unifiedDiff(document.source.bytes, laidOut, name: path)) }
        if check { Output.error("\(path): blocks are not laid out; nb fmt \(path)\n") }
        if check { failed = true }
      } catch {
        Output.failure(error.diagnostic)
        failed = true
      }
    }
    if failed { throw Exit.failed }
  }
}
