// Saved results → pages on disk. A page whose bytes are the same is not written again.

import CourseSite
import DocumentModel
import ExperimentModel
import ExperimentRunner
import Foundation
import TextModel

struct PageWriter {
  private let workspace: Workspace

  private let learnerSeed: UInt64?

  init(_ workspace: Workspace, learnerSeed: UInt64? = nil) { (self.workspace, self.learnerSeed) = (workspace, learnerSeed) }

  func pagePath(_ stem: String) -> String { workspace.site + "/\(stem).html" }

  /// What `nb run` writes: a lesson's whole site, so that its links lead somewhere; the page alone for a notebook
  /// that the course does not list, or while another lesson has mistakes.
  func write(_ path: String) throws {
    let (course, theme) = try courseAndTheme()
    let notebook = try Notebook(path, learnerSeed: learnerSeed)
    let listed = lessonPaths(course).contains { Workspace.stem($0) == notebook.stem }
    if workspace.isCourse, listed, (try? writeSite()) != nil { return }
    let links = try lessons(of: course, sure: path).map { $0.link }
    func isThere(_ page: String) -> Bool { access(workspace.site + "/" + page, F_OK) == 0 }
    let page = lessonPage(
      input(notebook), course: course, lessons: links, theme: theme, pages: CoursePage.allCases.filter { isThere($0.path) })
    try write([page], theme.assets)
  }

  /// The whole site; returns the number of pages and what its links say.
  func writeSite() throws -> (pages: Int, findings: Diagnostics) {
    let (course, theme) = try courseAndTheme()
    let lessons = try lessons(of: course, sure: nil)
    if lessons.isEmpty {
      throw FileError("missing-file", "there are no notebooks in this folder", remedy: "name a course folder: `nb build Notebooks`", path: workspace.course)
    }
    var runbooks: [(lesson: String, RunbookSpec)] = []
    for path in lessonPaths(course) {
      let notebook = try Notebook(path, learnerSeed: learnerSeed)
      runbooks += notebook.plan.runbooks.map { (lesson: notebook.lesson, $0) }
    }
    let log = (try? SourceText(contentsOf: workspace.log, limit: 64 << 20)).map { Document(parsing: $0) }
    let pages = buildSite(
      course: course, lessons: lessons, log: log, runbooks: runbooks, budgets: Budgets(workspace, learnerSeed: learnerSeed).judged, facts: Notebook.readFacts(workspace),
      glossary: (try? SourceText(contentsOf: workspace.glossary)).map { Document(parsing: $0) }, trends: trends(workspace, of: lessons), theme: theme)
    let assets = theme.assets + siteFeeds(course: course, pages: pages, log: log, theme: theme)
    try write(pages, assets)
    var findings = checkLinks(pages, assets: assets)
    findings.add(contentsOf: theme.warnings(for: course.lang))
    return (pages.count, findings)
  }

  private func write(_ pages: [SitePage], _ assets: [SiteAsset]) throws {
    try makeFolder(workspace.site)
    for page in pages { try writeFileAtomically(workspace.site + "/" + page.path, Array(page.html.utf8)) }
    for asset in assets { try writeFileAtomically(workspace.site + "/" + asset.path, asset.bytes) }
  }

  private func lessonPaths(_ course: Course) -> [String] {
    course.lessons.isEmpty ? lessonFiles(workspace) : course.lessons.map { workspace.course + "/\($0).md" }
  }

  /// The lessons of the course; one with mistakes stops a build, but not the page of another (`sure`).
  private func lessons(of course: Course, sure: String?) throws -> [LessonInput] {
    try lessonPaths(course).compactMap { path in
      if sure != nil, access(path, F_OK) != 0 { return nil }
      let notebook = try Notebook(path, learnerSeed: learnerSeed)
      if notebook.diagnostics.hasErrors, sure == nil {
        throw DiagnosedError(diagnostics: notebook.diagnostics, source: notebook.source)
      }
      return input(notebook)
    }
  }

  private func courseAndTheme() throws -> (Course, Theme) {
    var course = Course()
    if workspace.isCourse {
      let source = try SourceText(contentsOf: workspace.courseFile)
      var findings = Diagnostics()
      course = Course(yaml: source, diagnostics: &findings)
      if findings.hasErrors { throw DiagnosedError(diagnostics: findings, source: source) }
    }
    do {
      return (course, try Theme(folder: themeFolder(course.theme, workspace), base: themeFolder(Theme.standard, workspace)))
    } catch {
      throw DiagnosedError(diagnostics: error.diagnostics, source: nil)
    }
  }

  private func input(_ notebook: Notebook) -> LessonInput {
    let saved = notebook.knownResults()
    let cells = notebook.plan.cells
    let stale = cells.filter { cell in saved[cell.id].map { $0.inputs != cell.inputs } ?? false }.map(\.id)
    let lesson = notebook.plan.lesson
    // A page that is no lesson, such as the vendors' one, is called by its first heading.
    let title = lesson?.title ?? notebook.document.html(HTMLOptions()).headings.first { $0.level == 1 }?.text ?? notebook.stem
    return LessonInput(
      id: notebook.stem, title: title, day: lesson?.day, document: notebook.document,
      results: cells.compactMap { saved[$0.id] },
      claims: lesson?.claims.map { ClaimState($0, claimStatus($0, in: saved)) } ?? [], blocks: cells.map(\.id),
      stale: Set(stale))
  }
}
