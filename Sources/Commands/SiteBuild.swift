// One build in memory: which lessons changed, their pages, the course's own pages, links, search.

import CourseSite
import DocumentModel
import ExperimentModel
import Foundation
import ResultStore
import Synchronization
import TextModel

struct SiteBuild {
  private let workspace: Workspace
  private let options: SiteOptions
  private let before: SiteRecords
  private let changed: Set<String>
  private let state: String
  private let known: [String: SiteRecord]
  private let course: Course
  private let theme: Theme
  private let context: CourseContext
  private let early: EarlyReading
  /// Paths of the lessons in the order of reading.
  private let lessons: [String]
  /// Digest of all that every page depends on.
  private let shared: String
  /// Files that decide about the course's own pages alone.
  private let ownInputs: [String]
  private let inputs: Set<String>

  /// - Parameters:
  ///   - records: pages of the build before; none: all is made anew.
  ///   - changed: files that it read or wrote and that look different now.
  ///   - state: where details of its pages are.
  init(_ workspace: Workspace, _ options: SiteOptions, records: SiteRecords, changed: Set<String>, state: String) throws {
    (self.workspace, self.options, self.changed, self.state) = (workspace, options, changed, state)
    // Side by side: each reads and parses files of its own, among them those of the notebook that was just saved.
    let saved = EarlyReading.paths(changed, workspace)
    let parts = concurrently([true, false]) { isCourse -> Result<CommonPart, any Error> in
      Result {
        if isCourse { return .course(try workspace.readCourse(theme: options.theme), EarlyReading.results(saved, workspace)) }
        let context = try CourseContext(workspace, learnerSeed: options.learnerSeed)
        return .context(context, EarlyReading.notebooks(saved, workspace, context))
      }
    }
    guard case .course(let read, let results) = try parts[0].get(), case .context(let context, let notebooks) = try parts[1].get() else {
      preconditionFailure("results come in their order")
    }
    (course, theme, lessons) = read
    (self.context, early) = (context, EarlyReading(notebooks: notebooks, results: results))
    let common = [workspace.courseFile, workspace.facts, workspace.learner] + theme.sources
    shared = contentDigest(common.map { (try? readFile($0, limit: 64 << 20)) ?? [] })
    before = records.shared == shared ? records : SiteRecords()
    known = Dictionary(before.pages.map { ($0.path, $0) }, uniquingKeysWith: { a, _ in a })
    ownInputs = [workspace.log, workspace.glossary, workspace.budgets, workspace.progress, workspace.store, workspace.store + "-wal"]
    // A folder changes when a file comes or goes: lessons that course.yml does not list, templates.
    inputs = Set(common + ownInputs + (course.lessons.isEmpty ? [workspace.course] : []))
  }

  private enum CommonPart: Sendable {
    case course((Course, Theme, lessons: [String]), [String: EarlyReading.Results])
    case context(CourseContext, [String: Notebook])
  }

  static func detailPath(_ state: String, _ page: String) -> String { state + "/details/" + page + ".json" }

  private func detail(_ page: String) -> SiteDetail? {
    (try? readFile(Self.detailPath(state, page), limit: 16 << 20)).flatMap { SiteDetail($0) }
  }

  func run() throws -> MadeSite {
    let store = workspace.storeToRead()
    let lessons = try madeLessons(store)
    let own = ownPages(lessons)
    let links = lessons.map(\.link)
    let site = Site(course, lessons: links, pages: own, theme: theme)
    var made = MadeSite(inputs: inputs)
    made.notes = theme.warnings(for: course.lang)
    made.records.shared = shared
    made.records.framing = contentDigest([Array((own.map(\.rawValue) + links.map { "\($0.day ?? 0) \($0.id) \($0.title)" }).joined(separator: "\n").utf8)])

    for (record, page, detail) in framed(lessons, site, store, framing: made.records.framing) {
      if let page { made.files[page.path] = Array(page.html.utf8) }
      if let detail { made.details[record.path] = detail }
      made.records.pages.append(record)
    }
    let attachments = attached(to: &made)
    try addOwnPages(to: &made, lessons, site, own.map(\.path) + ["404.html"])
    checkLinks(&made, files: attachments)
    // Without an address of the site there are no feeds, and the log need not be read for them.
    let feeds = course.url == nil ? [] : siteFeeds(course: course, pages: made.records.pages.map(\.path), log: document(workspace.log), theme: theme)
    let assets = theme.assets + feeds
    for asset in assets { made.files[asset.path] = asset.bytes }
    let search = [SearchIndex.folder, SearchIndex.detailFolder].map { workspace.site + "/" + $0 }
    let isSearchWhole = !before.pages.isEmpty && !changed.contains { path in search.contains { path.hasPrefix($0) } }
    SearchFiles(folder: workspace.site, before: isSearchWhole ? before.pages.map(\.path).filter(Site.isSearched) : nil, lessons: lessons.count).add(to: &made)

    // The same pages made from the same files, and files of theirs that are all there: then the list of them is the same.
    let isSameShape = !before.pages.isEmpty && made.records.framing == before.framing && !theme.sources.contains(where: changed.contains) && isSearchWhole
      && !made.records.pages.contains { !$0.attachments.isEmpty && $0.attachments.contains { changed.contains(workspace.course + "/" + $0) } }
      && lessons.allSatisfy { $0.body == nil || known[$0.record.path]?.inputs == $0.record.inputs }
    if !isSameShape {
      made.inputs.formUnion(made.records.pages.flatMap(\.inputs))
      made.outputs = Set(made.records.pages.map(\.path) + assets.map(\.path) + attachments + [SearchIndex.folder, SearchIndex.detailFolder])
    }
    return made
  }

  // MARK: Lessons

  /// A lesson's record, and its part of the page where that had to be made.
  private struct Made: Sendable {
    var record: SiteRecord
    var link: LessonLink
    var body: LessonBody?
    var isSummaryNew = false
  }

  private func madeLessons(_ store: ResultStore?) throws -> [Made] {
    let isStoreChanged = before.pages.isEmpty || changed.contains(workspace.store) || changed.contains(workspace.store + "-wal")
    let versions = isStoreChanged ? (try? store?.newestResults()) ?? [:] : nil
    let results = concurrently(lessons) { path -> Result<Made, any Error> in
      let stem = Workspace.stem(path)
      let old = known["\(stem).html"]
      let stored = versions.map { $0[stem] ?? 0 } ?? old?.stored ?? 0
      if let old, let link = old.lesson, !changed.contains(workspace.site + "/" + old.path), stored == old.stored {
        if !old.inputs.contains(where: changed.contains) || key(old.inputs, stored) == old.key { return .success(Made(record: old, link: link)) }
      }
      return Result { try newLesson(path, store, stored, old) }
    }
    let mistakes = results.compactMap { result -> DiagnosedError? in
      if case .failure(let error as DiagnosedError) = result { error } else { nil }
    }
    if !mistakes.isEmpty { throw DiagnosedErrors(errors: mistakes) }
    return try results.map { try $0.get() }
  }

  private func key(_ inputs: [String], _ stored: Int) -> String { key(of: inputs.map(fileDigest), stored) }

  private func key(of digests: [String], _ stored: Int) -> String {
    contentDigest(Array("\(shared) \(stored) \(digests.joined(separator: " "))".utf8))
  }

  private enum LessonPart: Sendable {
    case notebook(Notebook)
    case saved([String: CellResult])
  }

  private func newLesson(_ path: String, _ store: ResultStore?, _ stored: Int, _ old: SiteRecord?) throws -> Made {
    let stem = Workspace.stem(path)
    // Before they are read: what changes meanwhile makes the next build look again.
    let digests = [path, workspace.results(stem)].map(fileDigest)
    let source = try SourceText(contentsOf: path)
    let parts = concurrently([true, false]) { isNotebook -> LessonPart in
      if isNotebook { return .notebook(early.notebook(source) ?? Notebook(source, in: workspace, context)) }
      return .saved(Notebook.knownResults(early.results(stem, digests[1]) ?? Notebook.savedResults(workspace, stem), of: stem, store))
    }
    guard case .notebook(let notebook) = parts[0], case .saved(let saved) = parts[1] else { preconditionFailure("results come in their order") }
    if notebook.diagnostics.hasErrors { throw DiagnosedError(diagnostics: notebook.diagnostics, source: notebook.source) }
    let data = notebook.dataFiles.map { workspace.course + "/" + $0 }
    let body = lessonBody(LessonInput(notebook, saved), course: course, theme: theme)
    var record = SiteRecord(path: "\(stem).html")
    let link = body.summary.link
    (record.lesson, record.stored, record.inputs) = (link, stored, [path, workspace.results(stem)] + data)
    record.key = key(of: digests + data.map(fileDigest), stored)
    record.hasRunbooks = !body.summary.runbooks.isEmpty
    let isSummaryNew = old == nil || detail(record.path)?.summaryBytes != SiteDetail.bytes(of: body.summary)
    return Made(record: record, link: link, body: body, isSummaryNew: isSummaryNew)
  }

  // MARK: Pages

  private func ownPages(_ lessons: [Made]) -> [CoursePage] {
    CoursePage.allCases.filter { page in
      switch page {
      case .home, .trend: true
      case .glossary: access(workspace.glossary, F_OK) == 0
      case .runbook: lessons.contains { $0.record.hasRunbooks }
      case .log: access(workspace.log, F_OK) == 0
      case .budgets: access(workspace.budgets, F_OK) == 0
      case .market: !context.facts.isEmpty
      }
    }
  }

  /// Each lesson's record, and its page where that has to be written: it changed, or what it says of other lessons did.
  private func framed(_ lessons: [Made], _ site: Site, _ store: ResultStore?, framing: String) -> [(SiteRecord, SitePage?, SiteDetail?)] {
    concurrently(lessons) { lesson -> (SiteRecord, SitePage?, SiteDetail?) in
      var record = lesson.record
      if lesson.body == nil, framing == before.framing { return (record, nil, nil) }
      let surroundings = contentDigest([Array(site.surroundings(of: lesson.link.id).utf8)])
      if lesson.body == nil, record.surroundings == surroundings { return (record, nil, nil) }
      guard let body = lesson.body ?? (try? newLesson(record.inputs[0], store, record.stored, record))?.body else { return (record, nil, nil) }
      let page = site.page(body)
      record.surroundings = surroundings
      let detail = Self.detail(of: page, summary: body.summary, &record)
      let own = Set(theme.assets.map(\.path))
      record.attachments = detail.links(page.path).attachments.filter { !own.contains($0) }
      let files = record.attachments.map { workspace.course + "/" + $0 }.filter { !record.inputs.contains($0) }
      if !files.isEmpty {
        record.inputs += files
        record.key = key(record.inputs, record.stored)
      }
      return (record, page, detail)
    }
  }

  /// The attachments that are there; those that may have changed are copied.
  private func attached(to made: inout MadeSite) -> [String] {
    var found: Set<String> = []
    for record in made.records.pages {
      for path in record.attachments where !found.contains(path) {
        let source = workspace.course + "/" + path
        guard access(source, F_OK) == 0 else { continue }
        do throws(FileError) { _ = try TextModel.path(of: path, within: workspace.course) } catch {
          made.notes.append(error.diagnostic)
          continue
        }
        found.insert(path)
        let isKept = made.details[record.path] == nil && !changed.contains(source) && !changed.contains(workspace.site + "/" + path)
        if !isKept, let bytes = try? readFile(path, within: workspace.course, limit: 64 << 20) { made.files[path] = bytes }
      }
    }
    return found.sorted()
  }

  private static func detail(of page: SitePage, summary: LessonSummary?, _ record: inout SiteRecord) -> SiteDetail {
    let links = PageLinks(page)
    record.anchors = contentDigest([Array(links.anchors.joined(separator: "\n").utf8)])
    return SiteDetail(links, summary)
  }

  /// Made anew when a lesson's summary, the lessons themselves or a file of their own changed.
  private func addOwnPages(to made: inout MadeSite, _ lessons: [Made], _ site: Site, _ paths: [String]) throws {
    let old = before.pages.filter { !$0.isLesson }
    let files = ownInputs + paths.map { workspace.site + "/" + $0 }
    let isKept = !lessons.contains(where: \.isSummaryNew) && before.framing == made.records.framing && !files.contains(where: changed.contains)
      && Set(old.map(\.path)) == Set(paths)
    if isKept {
      made.records.pages += old
      return
    }
    let summaries = try concurrently(lessons) { lesson -> Result<LessonSummary, any Error> in
      if let summary = lesson.body?.summary ?? detail(lesson.record.path)?.summary { return .success(summary) }
      // What was kept is damaged.
      return Result { try newLesson(lesson.record.inputs[0], nil, lesson.record.stored, nil).body!.summary }
    }.map { try $0.get() }
    let input = CourseInput(
      lessons: summaries, log: document(workspace.log), budgets: Budgets(workspace, learnerSeed: options.learnerSeed).judged, facts: context.facts, glossary: document(workspace.glossary),
      trends: trends(workspace, of: summaries),
      passed: Set(((try? workspace.readProgress()) ?? [:]).filter { $0.value.passed != nil }.keys))
    for page in site.coursePages(input).sorted(by: { $0.path < $1.path }) {
      made.files[page.path] = Array(page.html.utf8)
      var record = SiteRecord(path: page.path)
      made.details[page.path] = Self.detail(of: page, summary: nil, &record)
      made.records.pages.append(record)
    }
  }

  private func document(_ path: String) -> Document? { (try? SourceText(contentsOf: path, limit: 64 << 20)).map { Document(parsing: $0) } }

  // MARK: Links

  /// Of pages that are new, and of those whose targets are.
  ///
  /// - Parameter attached: files of the course that the site holds.
  private func checkLinks(_ made: inout MadeSite, files attached: [String]) {
    let places = Dictionary(made.records.pages.enumerated().map { ($1.path, $0) }, uniquingKeysWith: { a, _ in a })
    let (pages, details) = (made.records.pages, made.details)
    // Read once, and only those that somebody asks about.
    let links = Mutex<[String: PageLinks]>([:])
    let asked: @Sendable (String) -> PageLinks? = { path in
      guard places[path] != nil else { return nil }
      if let known = links.withLock({ $0[path] }) { return known }
      let found = (details[path] ?? detail(path))?.links(path)
      links.withLock { $0[path] = found }
      return found
    }
    var moved = Set(known.keys.filter { places[$0] == nil })
    for path in details.keys where known[path]?.anchors != pages[places[path]!].anchors { moved.insert(path) }
    let gone = moved
    let assets = Set(theme.assets.map(\.path) + ["feed.xml", "sitemap.xml"] + attached)
    // A page that is missed is missed by many others: it is looked for once.
    let names = Mutex<[String: String?]>([:])
    let nearest: @Sendable (String) -> String? = { path in
      if let known = names.withLock({ $0[path] }) { return known }
      let found = nearestName(to: path, among: places.keys.sorted())
      names.withLock { $0[path] = found }
      return found
    }
    let findings = concurrently(pages) { page -> [Diagnostic]? in
      guard details[page.path] != nil || !gone.isEmpty, let own = asked(page.path) else { return nil }
      guard details[page.path] != nil || !own.targets.isDisjoint(with: gone) else { return nil }
      return brokenLinks(of: own, files: assets, nearest: nearest, page: asked)
    }
    for (i, found) in findings.enumerated() { if let found { made.records.pages[i].findings = found } }
  }
}

/// Mistakes of several lessons.
struct DiagnosedErrors: Error {
  var errors: [DiagnosedError]
}
