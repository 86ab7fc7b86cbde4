// What is read of a notebook that was just saved while the theme and the course are still read: then its page is made a
// third sooner. Used only where the files are still what was read.

import DocumentModel
import ExperimentModel
import Foundation
import TextModel

struct EarlyReading: Sendable {
  struct Results: Sendable {
    var digest: String
    var saved: [String: CellResult]
  }

  /// By path.
  var notebooks: [String: Notebook]
  /// By stem.
  var results: [String: Results]

  /// The notebooks among files that changed; none when there are many, which all cores then read in turn.
  static func paths(_ changed: Set<String>, _ workspace: Workspace) -> [String] {
    let paths = changed.filter {
      $0.hasSuffix(".md") && ($0 as NSString).deletingLastPathComponent == workspace.course && $0 != workspace.log && $0 != workspace.glossary
    }
    return paths.count <= 2 ? paths.sorted() : []
  }

  static func notebooks(_ paths: [String], _ workspace: Workspace, _ context: CourseContext) -> [String: Notebook] {
    Dictionary(paths.compactMap { path in (try? SourceText(contentsOf: path)).map { (path, Notebook($0, in: workspace, context)) } }, uniquingKeysWith: { a, _ in a })
  }

  static func results(_ paths: [String], _ workspace: Workspace) -> [String: Results] {
    Dictionary(
      paths.map(Workspace.stem).map { ($0, Results(digest: fileDigest(workspace.results($0)), saved: Notebook.savedResults(workspace, $0))) },
      uniquingKeysWith: { a, _ in a })
  }

  func notebook(_ source: SourceText) -> Notebook? {
    notebooks[source.path].flatMap { $0.source.bytes == source.bytes ? $0 : nil }
  }

  func results(_ stem: String, _ digest: String) -> [String: CellResult]? {
    results[stem].flatMap { $0.digest == digest ? $0.saved : nil }
  }
}

/// Of a file's content; that of nothing for a file that is not there.
func fileDigest(_ path: String) -> String { contentDigest((try? readFile(path, limit: 64 << 20)) ?? []) }
