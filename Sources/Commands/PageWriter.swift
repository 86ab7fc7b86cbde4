// Saved results → pages on disk. The site of a course is SiteBuilder's; here is what `nb run` writes, and where a course's
// description and theme come from.

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
    let (course, theme, lessons) = try workspace.readCourse()
    let stem = Workspace.stem(path)
    let isListed = lessons.contains { Workspace.stem($0) == stem }
    if workspace.isCourse, isListed, (try? SiteBuilder(workspace, SiteOptions(learnerSeed: learnerSeed)).build()) != nil { return }
    let context = try CourseContext(workspace, learnerSeed: learnerSeed)
    func input(_ path: String) -> LessonInput? {
      guard let source = try? SourceText(contentsOf: path) else { return nil }
      return LessonInput(Notebook(source, in: workspace, context), Notebook.knownResults(workspace, Workspace.stem(path)))
    }
    guard let own = input(path) else { return }
    func isThere(_ page: String) -> Bool { access(workspace.site + "/" + page, F_OK) == 0 }
    // Of the others only the titles are wanted.
    let listed = lessons.compactMap { Workspace.stem($0) == stem ? own.link : input($0)?.link }
    let site = Site(course, lessons: listed, pages: CoursePage.allCases.filter { isThere($0.path) }, theme: theme)
    let page = site.page(lessonBody(own, course: course, theme: theme))
    try makeFolder(workspace.site)
    AtomicFile.removeLeftovers(in: workspace.site)
    try writeFileAtomically(workspace.site + "/" + page.path, Array(page.html.utf8), durable: false)
    for asset in theme.assets { try writeFileAtomically(workspace.site + "/" + asset.path, asset.bytes, durable: false) }
  }
}

extension Workspace {
  /// The course's description, its theme, and the paths of its lessons in the order of reading.
  ///
  /// - Parameter name: a theme instead of the course's.
  /// - Throws: `FileError`, `DiagnosedError`; `missing-file` when there is no notebook.
  func readCourse(theme name: String? = nil) throws -> (Course, Theme, lessons: [String]) {
    var course = Course()
    if isCourse {
      let source = try SourceText(contentsOf: courseFile)
      var findings = Diagnostics()
      course = Course(yaml: source, diagnostics: &findings)
      if findings.hasErrors { throw DiagnosedError(diagnostics: findings, source: source) }
    }
    let lessons = course.lessons.isEmpty ? lessonFiles(self) : course.lessons.map { self.course + "/\($0).md" }
    if lessons.isEmpty {
      throw FileError("missing-file", "there are no notebooks in this folder", remedy: "name a course folder: `nb build Notebooks`", path: self.course)
    }
    do {
      return (course, try Theme(folder: themeFolder(name ?? course.theme, self), base: themeFolder(Theme.standard, self), language: course.lang), lessons)
    } catch {
      throw DiagnosedError(diagnostics: error.diagnostics, source: nil)
    }
  }
}

extension LessonInput {
  /// - Parameter saved: its results by block.
  init(_ notebook: Notebook, _ saved: [String: CellResult]) {
    let cells = notebook.plan.cells
    let stale = cells.filter { cell in saved[cell.id].map { $0.inputs != cell.inputs } ?? false }.map(\.id)
    let lesson = notebook.plan.lesson
    // A page that is no lesson, such as the vendors' one, is called by its first heading.
    let title = lesson?.title ?? notebook.document.html(HTMLOptions()).headings.first { $0.level == 1 }?.text ?? notebook.stem
    self.init(
      id: notebook.stem, title: title, day: lesson?.day, document: notebook.document,
      results: cells.compactMap { saved[$0.id] },
      claims: lesson?.claims.map { ClaimState($0, claimStatus($0, in: saved)) } ?? [], blocks: cells.map(\.id),
      stale: Set(stale), runbooks: notebook.plan.runbooks, exercises: cells.filter { $0.work.kind == "check" }.map(\.id))
  }
}
