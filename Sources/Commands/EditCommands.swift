// Commands that touch a notebook without measuring: clean, accept, explain.

import ArgumentParser
import DocumentModel
import Foundation
import PerfLanguage
import TextModel

struct CleanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clean", abstract: "Remove results from a notebook: the text as its author wrote it.")

  @Argument(help: "Notebooks.") var files: [String]
  @Flag(help: "Print the cleaned text instead of writing the file.") var stdout = false
  @OptionGroup var lock: LockOptions

  func run() throws {
    for file in files {
      do {
        let path = Workspace.find(file)
        let document = try readableDocument(path)
        if stdout {
          Output.bytes(document.cleaned().bytes)
          continue
        }
        let lock = try NotebookLock.take([path], patience: lock.wait, makesState: false)
        defer { lock.release() }
        try rewriteNotebook(path) { source throws(FileError) in Document(parsing: source).cleaned().bytes }
      } catch let error as FileError {
        Output.failure(error.diagnostic)
        throw Exit.failed
      }
    }
  }
}

struct AcceptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accept", abstract: "Keep a hand edit inside a result region.")

  @Argument(help: "FILE#ID, such as day08.md#onoff.") var region: String
  @OptionGroup var lock: LockOptions

  func run() throws {
    let (file, id) = try splitBlock(region)
    do throws(FileError) {
      let path = Workspace.find(file)
      let lock = try NotebookLock.take([path], patience: lock.wait, makesState: false)
      defer { lock.release() }
      try rewriteNotebook(path) { source throws(FileError) in
        let document = Document(parsing: source)
        guard let region = document.regions.first(where: { $0.id == id }) else {
          let near = nearestName(to: id, among: document.regions.map(\.id)).map { "did you mean `\($0)`?" }
          throw FileError("unknown-block", "there are no results of `\(id)`", remedy: near, path: path)
        }
        let body = Array(source.bytes[region.body.lower..<region.body.upper])
        let tail = SourceRange(region.body.upper, region.range.upper)
        let sealed = source.text(tail).replacingOccurrences(of: "sum=\(region.sum)", with: "sum=\(seal(body))")
        return source.applying([Edit(tail, sealed)]).bytes
      }
    } catch {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
  }
}

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "A block with every default filled in.")

  @Argument(help: "FILE#ID, such as day08.md#onoff.") var block: String
  @OptionGroup var learner: LearnerOptions

  func run() throws {
    let (file, id) = try splitBlock(block)
    do {
      let notebook = try Notebook(file, learnerSeed: learner.learnerSeed)
      guard let text = explain(notebook.document, id: id, context: notebook.context) else {
        let near = nearestName(to: id, among: notebook.planned.blocks.map(\.id)).map { "did you mean `\($0)`?" }
        Output.diagnostics(notebook.diagnostics, in: notebook.source)
        Output.failure(Diagnostic("unknown-block", .error, "there is no block `\(id)` to explain", remedy: near, path: notebook.path))
        throw Exit.failed
      }
      Output.standard(text.hasSuffix("\n") ? text : text + "\n")
    } catch let error as FileError {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
  }
}

func splitBlock(_ text: String) throws -> (file: String, id: String) {
  guard let hash = text.lastIndex(of: "#"), hash != text.startIndex else {
    throw ValidationError("give FILE#ID, such as day08.md#onoff")
  }
  return (String(text[..<hash]), String(text[text.index(after: hash)...]))
}
