// Commands that show saved results: render, build, log, runbook. None of them measures.

import ArgumentParser
import CourseSite
import DocumentModel
import ExperimentModel
import Foundation
import Reporting
import TextModel

struct RenderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render", abstract: "One Markdown document to HTML on stdout.")

  @Argument(help: "A Markdown file, at most 64 MiB.") var file: String
  @Flag(help: "Without the surrounding page.") var fragment = false
  @Flag(help: "CommonMark only, byte for byte what the cmark program prints.") var plainCommonmark = false
  @Flag(help: "Keep raw HTML and unsafe links.") var unsafe = false

  func run() throws {
    do {
      let path = Workspace.find(file)
      if plainCommonmark {
        let source = SourceText(path: path, bytes: try readFile(path, limit: 64 << 20))
        try refuse(obstacle(toReading: source), in: source)
        Output.bytes(commonMarkHTML(source.bytes, unsafe: unsafe))
        return
      }
      var options = HTMLOptions()
      options.unsafe = unsafe
      let rendered = try readableDocument(path, limit: 64 << 20).html(options, additions: [:])
      if fragment {
        Output.standard(rendered.html)
      } else {
        let title = rendered.headings.first?.text ?? Workspace.stem(path)
        Output.standard(standalonePage(title: title, body: rendered.html, runsScripts: unsafe))
      }
    } catch let error as FileError {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
  }
}

struct BuildCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "The course site in _site/, from saved results.")

  @Argument(help: "The course folder; default: Notebooks here.") var folder: String?
  @Option(help: "A theme instead of the course's, such as slides.") var theme: String?
  @Flag(help: "Refuse what must not be published: unverified claims, stale values, prose without its numbers, broken links.") var strict = false
  @Flag(help: "No closing line.") var quiet = false

  func run() throws {
    let workspace = folder.map { Workspace(for: $0) } ?? Workspace.here
    do {
      let built = try SiteBuilder(workspace, SiteOptions(theme: theme)).build()
      var findings = Diagnostics()
      findings.add(contentsOf: built.findings)
      Output.diagnostics(findings, in: nil)
      if strict, try !isPublishable(workspace) || !built.findings.isEmpty { throw Exit.failed }
      if !quiet { Output.error("\(built.pages) pages in \(workspace.site)/, \(built.written.count) files written\n") }
    } catch let error as FileError {
      Output.failure(error.diagnostic)
      throw Exit.failed
    } catch let error as DiagnosedError {
      Output.diagnostics(error.diagnostics, in: error.source)
      throw Exit.failed
    } catch let error as DiagnosedErrors {
      for one in error.errors { Output.diagnostics(one.diagnostics, in: one.source) }
      throw Exit.failed
    }
  }

  /// Says what speaks against publishing each lesson.
  private func isPublishable(_ workspace: Workspace) throws -> Bool {
    let lessons = try workspace.readCourse(theme: theme).lessons.map(shortened)
    let checked = CourseCheck(strict: true, learnerSeed: nil, isCached: true).run(lessons)
    for file in checked.files where file.hasErrors {
      let source = try? SourceText(contentsOf: file.path)
      for one in file.findings where one.severity == .error { Output.error(one.rendered(in: source, color: Output.color)) }
    }
    return !checked.files.contains(where: \.hasErrors)
  }
}

struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "The optimization log.")

  func run() throws {
    let path = Workspace.here.log
    guard let bytes = try? readFile(path, limit: 64 << 20) else {
      Output.error("no entries yet: `nb run` appends one for each comparison with a verdict\n")
      return
    }
    Output.bytes(bytes)
  }
}

struct RunbookCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runbook", abstract: "The runbook entries of all lessons, as Markdown.")

  @Argument(help: "Notebooks; none: all of the course here.") var files: [String] = []

  func run() throws {
    var entries: [(lesson: String, RunbookSpec)] = []
    for file in files.isEmpty ? lessonFiles(Workspace.here) : files {
      do {
        let notebook = try Notebook(file)
        entries += notebook.plan.runbooks.map { (lesson: notebook.lesson, $0) }
      } catch {
        Output.failure(error.diagnostic)
        throw Exit.failed
      }
    }
    Output.standard(runbookMarkdown(entries))
  }
}

/// Findings that stopped a command, with the text that they are about.
struct DiagnosedError: Error {
  var diagnostics: Diagnostics
  var source: SourceText?
}
