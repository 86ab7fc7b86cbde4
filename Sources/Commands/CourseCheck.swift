// The work of `nb check`: each notebook read, planned and held to the rules, several at a time; or, while nothing that it
// depends on has changed, what was found the last time. Measures nothing and prints nothing.

import CourseRules
import CourseSite
import DocumentModel
import ExperimentModel
import Foundation
import Synchronization
import TextModel

/// What was found in one notebook.
struct CheckedFile: Sendable {
  /// As it was given, or found in Notebooks/.
  var path: String
  var findings: [Diagnostic]
  var blocks: Int
  /// It could not be read.
  var isUnreadable = false

  var hasErrors: Bool { findings.contains { $0.severity == .error } }
  func count(_ severity: Severity) -> Int { findings.count { $0.severity == severity } }
}

struct CourseCheck {
  let strict: Bool
  let learnerSeed: UInt64?
  /// false: everything is looked at anew, and nothing is kept.
  let isCached: Bool

  struct Outcome {
    var files: [CheckedFile] = []
    /// Of the market files.
    var market: [(findings: Diagnostics, source: SourceText)] = []
    var budgets: [Budgets] = []
    /// How many notebooks had not changed.
    var unchanged = 0
  }

  func run(_ given: [String]) -> Outcome {
    let paths = given.map(Workspace.find)
    var courses: [String: Around] = [:]
    // Courses whose common files cannot be read.
    var unusable: [String: FileError] = [:]
    var order: [String] = []
    let places = paths.map { path in
      let workspace = Workspace(for: path)
      if courses[workspace.course] == nil, unusable[workspace.course] == nil {
        do throws(FileError) {
          courses[workspace.course] = try Around(workspace, learnerSeed: learnerSeed, isCached: isCached)
          order.append(workspace.course)
        } catch {
          unusable[workspace.course] = error
        }
      }
      return workspace.course
    }
    let (around, broken) = (courses, unusable)
    let results = concurrently(Array(zip(paths, places))) { path, place in
      if let course = around[place] { return check(path, course) }
      return Checked(file: CheckedFile(path: path, findings: broken[place].map { [$0.diagnostic] } ?? [], blocks: 0, isUnreadable: true))
    }
    var outcome = Outcome()
    for (i, one) in results.enumerated() {
      outcome.files.append(one.file)
      if one.isFromCache { outcome.unchanged += 1 } else { courses[places[i]]?.cache.records[key(paths[i])] = one.record }
    }
    for name in order {
      guard let course = courses[name] else { continue }
      outcome.market += marketFindings(course.workspace)
      outcome.budgets.append(budgets(of: course, keeping: &courses[name]!.cache))
      // A folder that is no course is left as it is found.
      if isCached, course.workspace.isCourse, courses[name]?.cache.records != course.cacheBefore { courses[name]?.cache.write(course.workspace.checkCache) }
    }
    return outcome
  }

  private func key(_ path: String) -> String { (strict ? "strict " : "") + URL(fileURLWithPath: path).standardizedFileURL.path + " as " + path }

  private struct Checked: Sendable {
    var file: CheckedFile
    var isFromCache = false
    /// nil: not worth keeping, because something changed meanwhile.
    var record: CheckRecord?
  }

  private func check(_ path: String, _ course: Around) -> Checked {
    if isCached, let record = course.cache.records[key(path)], record.holds(course.inputs) {
      return Checked(file: CheckedFile(path: path, findings: record.findings.map(\.diagnostic), blocks: record.blocks), isFromCache: true)
    }
    let reads = ReadLog(course.inputs)
    for name in course.inputs.common { reads.add(name) }
    let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
    reads.add(CheckInputs.file(absolute))
    // What was hashed before reading and is the same after it is what was read.
    let before = course.inputs.digest(CheckInputs.file(absolute), anew: true)
    do throws(FileError) {
      let notebook = Notebook(try SourceText(contentsOf: path), in: course.workspace, course.context)
      for name in notebook.dataFiles { reads.add(CheckInputs.file(course.workspace.course + "/" + name)) }
      reads.add(CheckInputs.file(course.workspace.results(notebook.stem)))
      var findings = notebook.diagnostics
      findings.add(contentsOf: rules(notebook, course, reads).all)
      let file = CheckedFile(path: path, findings: findings.ordered, blocks: notebook.planned.blocks.count)
      var needs = Dictionary(uniqueKeysWithValues: reads.all.map { ($0, course.inputs.digest($0)) })
      needs[CheckInputs.file(absolute)] = before
      guard isCached, needs.allSatisfy({ course.inputs.digest($0.key, anew: true) == $0.value }) else { return Checked(file: file) }
      return Checked(file: file, record: CheckRecord(needs: needs, findings: file.findings.map(SavedFinding.init), blocks: file.blocks))
    } catch {
      return Checked(file: CheckedFile(path: path, findings: [error.diagnostic], blocks: 0, isUnreadable: true))
    }
  }

  private func rules(_ notebook: Notebook, _ course: Around, _ reads: ReadLog) -> Diagnostics {
    var findings = Diagnostics()
    let folder = (URL(fileURLWithPath: notebook.path).standardizedFileURL.path as NSString).deletingLastPathComponent
    let results: [String: CellResult]
    if strict {
      for name in notebook.workspace.storeStatus { reads.add(name) }
      results = notebook.knownResults()
    } else {
      // Only what the exercises' gates ask: decoding the rest would take most of the time.
      let asked = notebook.plan.cells.filter { $0.work.kind == "check" }.flatMap(\.gates).compactMap(\.address.block)
      results = asked.isEmpty ? [:] : notebook.savedResults(of: Set(asked))
    }
    let checked = notebook.checked(results)
    findings.add(contentsOf: lessonFindings(of: checked, around: CourseAround(hasLaterLesson: course.hasLesson(after: notebook.plan.lesson?.day))).all)
    let links = LinkFolder(
      exists: { path in
        reads.add(CheckInputs.presence(folder + "/" + path))
        return access(folder + "/" + path, F_OK) == 0
      },
      places: { path in
        reads.add(CheckInputs.file(folder + "/" + path))
        return course.places.of(folder + "/" + path)
      })
    findings.add(contentsOf: linkFindings(of: checked, in: links).all)
    if strict { findings.add(contentsOf: strictFindings(notebook).all) }
    return findings
  }

  private func budgets(of course: Around, keeping cache: inout CheckCache) -> Budgets {
    let key = "budgets " + course.workspace.budgets
    if isCached, let record = cache.records[key], let judged = record.budgets, record.holds(course.inputs) {
      var findings = Diagnostics()
      findings.add(contentsOf: record.findings.map(\.diagnostic))
      return Budgets(judged: judged, diagnostics: findings, source: try? SourceText(contentsOf: course.workspace.budgets, limit: 1 << 20))
    }
    let reads = ReadLog(course.inputs)
    for name in course.inputs.common { reads.add(name) }
    let budgets = Budgets(course.workspace, learnerSeed: learnerSeed, reads: reads)
    let needs = Dictionary(uniqueKeysWithValues: reads.all.map { ($0, course.inputs.digest($0)) })
    let isSame = needs.allSatisfy { course.inputs.digest($0.key, anew: true) == $0.value }
    cache.records[key] = isSame ? CheckRecord(needs: needs, findings: budgets.diagnostics.all.map(SavedFinding.init), blocks: 0, budgets: budgets.judged) : nil
    return budgets
  }
}

/// The places of notebooks that links lead into, each looked up once: all their headings are rendered for it.
private final class PlaceBook: Sendable {
  private let known = Mutex<[String: LinkPlaces]>([:])

  func of(_ path: String) -> LinkPlaces? {
    if let places = known.withLock({ $0[path] }) { return places }
    guard let places = (try? SourceText(contentsOf: path)).map({ LinkPlaces(Document(parsing: $0)) }) else { return nil }
    known.withLock { $0[path] = places }
    return places
  }
}

/// A course as its notebooks are held to it.
private struct Around: Sendable {
  let workspace: Workspace
  let context: CourseContext
  let inputs: CheckInputs
  let days: [Int]
  let places = PlaceBook()
  var cache: CheckCache
  let cacheBefore: [String: CheckRecord]

  init(_ workspace: Workspace, learnerSeed: UInt64?, isCached: Bool) throws(FileError) {
    self.workspace = workspace
    context = try CourseContext(workspace, learnerSeed: learnerSeed)
    var findings = Diagnostics()
    let courseFile = try? SourceText(contentsOf: workspace.courseFile)
    let course = courseFile.map { Course(yaml: $0, diagnostics: &findings) }
    // A lesson that is listed and not yet written leads nowhere.
    days = (course?.lessons ?? []).filter { access(workspace.course + "/\($0).md", F_OK) == 0 }
      .compactMap { $0.hasPrefix("day") ? Int($0.dropFirst(3)) : nil }
    inputs = CheckInputs(
      workspace, learnerSeed: learnerSeed, facts: context.facts, days: days,
      read: [workspace.facts: context.factsFile?.source.bytes, workspace.courseFile: courseFile?.bytes].compactMapValues { $0 })
    cache = isCached ? CheckCache(workspace.checkCache) : CheckCache()
    cacheBefore = cache.records
  }

  func hasLesson(after day: Int?) -> Bool { day.map { day in days.contains { $0 > day } } ?? false }
}
