// The optimization log read back: entries by block, so that a page can show what a block said before. The file stays the
// record; what an entry says is taken from it as it stands.

/// One entry of the log file.
public struct ReadLogEntry: Hashable, Sendable {
  public var lesson: String
  public var block: String
  /// ISO date.
  public var date: String
  /// As in the entry's mark: `faster`, or `l1:faster,l2:slower`.
  public var verdict: String
  /// Markdown below the entry's heading.
  public var text: String
  /// From 1 among the entries of its block, oldest first. Entries are only appended, so it never changes.
  public var number: Int
  /// From 1 among all entries of the file.
  public var place: Int

  /// The anchor of the entry on its page.
  public var anchor: String { "\(lesson)-\(block)-\(number)" }
}

/// All entries in the order of the file. What stands between an entry's mark and its heading, and anything without a mark, is left out.
public func readLog(_ text: String) -> [ReadLogEntry] {
  var entries: [ReadLogEntry] = []
  var counts: [String: Int] = [:]
  var isInHead = true
  // As scalars: Swift counts "\r\n" as one Character.
  for line in text.unicodeScalars.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" }) {
    let line = String(line.last == "\r" ? line.dropLast() : line)
    if let mark = LogMark(parsing: line) {
      let names = mark.key.split(separator: " ").map(String.init)
      guard names.count == 2 else { continue }
      counts[mark.key, default: 0] += 1
      entries.append(
        ReadLogEntry(
          lesson: names[0], block: names[1], date: "", verdict: mark.verdict, text: "", number: counts[mark.key] ?? 1, place: entries.count + 1))
      isInHead = true
    } else if isInHead {
      guard let last = entries.indices.last, line.hasPrefix("## ") else { continue }
      entries[last].date = String(line.dropFirst(3).prefix { $0 != " " })
      isInHead = false
    } else if let last = entries.indices.last {
      entries[last].text += line + "\n"
    }
  }
  return entries
}
