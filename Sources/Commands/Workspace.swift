// Where things are: the course folder of a file, its results, its state, its site.

import Foundation
import TextModel

/// The folders that belong to one course.
struct Workspace {
  /// The nearest ancestor of the file with course.yml, else the file's own folder. No trailing slash.
  let course: String
  /// The parent of a course folder called Notebooks, else the course folder itself.
  let root: String
  /// course.yml was found.
  let isCourse: Bool

  var state: String { root + "/.nb" }
  var site: String { root + "/_site" }
  var store: String { state + "/results.sqlite" }
  var log: String { course + "/optimization-log.md" }
  var glossary: String { course + "/glossary.md" }
  var facts: String { course + "/market/facts.yml" }
  var budgets: String { course + "/budgets.yml" }
  var courseFile: String { course + "/course.yml" }
  func results(_ stem: String) -> String { course + "/results/\(stem).json" }

  /// - Parameter path: a file that exists, or a folder.
  init(for path: String) {
    let absolute = URL(fileURLWithPath: path).standardizedFileURL.path
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: absolute, isDirectory: &isFolder)
    let own = isFolder.boolValue ? absolute : (absolute as NSString).deletingLastPathComponent
    var folder = own
    var found: String?
    while true {
      if FileManager.default.fileExists(atPath: folder + "/course.yml") { found = folder; break }
      if folder == "/" || folder.isEmpty { break }
      folder = (folder as NSString).deletingLastPathComponent
    }
    course = found ?? own
    isCourse = found != nil
    root = (course as NSString).lastPathComponent == "Notebooks" ? (course as NSString).deletingLastPathComponent : course
  }

  /// A folder of a course's notebooks beside its own.
  init(folder: String, of other: Workspace) {
    course = folder
    root = other.root
    isCourse = other.isCourse
  }

  /// `day08.md` is also found as `Notebooks/day08.md`, so that a lesson can be named from the root.
  static func find(_ path: String) -> String {
    let inNotebooks = "Notebooks/" + path
    if access(path, F_OK) != 0, !path.hasPrefix("/"), access(inNotebooks, F_OK) == 0 { return inNotebooks }
    return path
  }

  /// `Notebooks/` when it is here, else this folder.
  static var here: Workspace {
    Workspace(for: access("Notebooks/course.yml", F_OK) == 0 ? "Notebooks" : ".")
  }

  /// The file's name without `.md`; what results and pages are called after.
  static func stem(_ path: String) -> String {
    let name = (path as NSString).lastPathComponent
    return name.hasSuffix(".md") ? String(name.dropLast(3)) : name
  }
}

/// Today, or what `NB_TODAY` says (for tests of ages), as an ISO date.
func today() -> String {
  if let frozen = ProcessInfo.processInfo.environment["NB_TODAY"], !frozen.isEmpty { return frozen }
  var (seconds, parts) = (time(nil), tm())
  gmtime_r(&seconds, &parts)
  return String(format: "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday)
}

/// Now in UTC, ISO 8601 to the second.
func now() -> String {
  let formatter = ISO8601DateFormatter()
  return formatter.string(from: Date())
}
