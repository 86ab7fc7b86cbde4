// The course that comes with nb is trusted from the start, by the digests of what it executes, not by its name: a lesson
// that somebody changed is somebody's lesson. `make update` writes the list anew; a test compares it with the course.

public enum ShippedTrust {
  /// Digests by title, of one lesson.
  ///
  /// - Parameter lesson: the notebook's name without `.md`.
  public static func parts(of lesson: String) -> [String: Set<String>] { all[lesson] ?? [:] }

  private static let all = parse(PackageResources.course_txt)

  /// Lines of lesson, digest and title, as `line(of:in:)` makes them.
  static func parse(_ bytes: [UInt8]) -> [String: [String: Set<String>]] {
    var found: [String: [String: Set<String>]] = [:]
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ", maxSplits: 2).map(String.init)
      if words.count == 3 { found[words[0], default: [:]][words[2], default: []].insert(words[1]) }
    }
    return found
  }

  /// One line of the list.
  public static func line(of part: ExecutablePart, in lesson: String) -> String { "\(lesson) \(part.digest) \(part.title)\n" }
}
