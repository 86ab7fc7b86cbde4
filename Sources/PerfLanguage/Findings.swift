// Collects what is wrong while a notebook is planned. A part that is read for several arms reports
// its mistake once.

import TextModel

/// Diagnostics of one planning run; a class because every reader of a part adds to the same list.
final class Findings {
  private(set) var diagnostics = Diagnostics()
  private var seen: Set<Diagnostic> = []

  /// Nobody reads more remedies at once, and a name that was perhaps meant is looked for among all there are.
  private static let remediesMax = 1_000

  func error(_ id: DiagnosticID, _ cause: String, remedy: @autoclosure () -> String?, at place: SourceRange) {
    add(Diagnostic(id, .error, cause, remedy: seen.count < Self.remediesMax ? remedy() : nil, at: place))
  }

  func warning(_ id: DiagnosticID, _ cause: String, remedy: @autoclosure () -> String?, at place: SourceRange) {
    add(Diagnostic(id, .warning, cause, remedy: seen.count < Self.remediesMax ? remedy() : nil, at: place))
  }

  /// The text of a file of the course, as `read` finds it; nil after a report. A notebook reads nothing outside its course.
  func courseFile(_ file: String, _ read: (String) -> String?, at place: SourceRange) -> String? {
    let isInside = !file.hasPrefix("/") && !file.split(separator: "/").contains("..")
    if isInside, let text = read(file) { return text }
    error(
      PerfDiagnosticID.badData, isInside ? "there is no data file `\(file)` in the course's folder" : "`\(file)` is not in the course's folder",
      remedy: "name a file relative to the folder of course.yml; links out of it are not followed", at: place)
    return nil
  }

  func add(contentsOf more: [Diagnostic]) { more.forEach(add) }

  private func add(_ diagnostic: Diagnostic) {
    if seen.insert(diagnostic).inserted { diagnostics.add(diagnostic) }
  }
}

/// "did you mean `rate`?", else all the legal names when they are few enough to read.
func suggestion(for word: String, among names: [String], what: String = "known here") -> String {
  if let near = nearestName(to: word, among: names) { return "did you mean `\(near)`?" }
  if names.isEmpty { return "nothing is \(what)" }
  return "\(what): " + names.prefix(40).map { "`\($0)`" }.joined(separator: ", ")
}
