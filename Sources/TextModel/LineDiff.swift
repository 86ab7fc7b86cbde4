// What differs between two texts, as a unified diff: for `--diff` and `--dry-run`, which show and never write.

/// A unified diff with three lines around each change; empty when the texts are equal.
///
/// - Parameters:
///   - old, new: bytes; lines end at `\n`, and a `\r` before it is part of the line.
///   - name: of the file, in both headings.
public func unifiedDiff(_ old: [UInt8], _ new: [UInt8], name: String) -> String {
  guard old != new else { return "" }
  let a = old.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
  let b = new.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
  let lines = merged(a, b)
  var out = "--- \(name)\n+++ \(name)\n"
  var i = 0
  while let first = lines[i...].firstIndex(where: { $0.mark != " " }) {
    var end = first
    var same = 0
    // Changes with at most six equal lines between them stand in one hunk.
    for k in first..<lines.count {
      if lines[k].mark == " " { same += 1 } else { same = 0; end = k + 1 }
      if same > 6 { break }
    }
    let lower = max(i, first - 3)
    let upper = min(lines.count, end + 3)
    let hunk = lines[lower..<upper]
    let counts = (hunk.count { $0.mark != "+" }, hunk.count { $0.mark != "-" })
    out += "@@ -\(lines[lower].old),\(counts.0) +\(lines[lower].new),\(counts.1) @@\n"
    for line in hunk { out += "\(line.mark)\(String(decoding: line.text, as: UTF8.self))\n" }
    i = upper
  }
  return out
}

private struct DiffLine {
  var mark: Character
  var text: [UInt8]
  /// Numbers from 1 in the two texts.
  var old: Int
  var new: Int
}

/// All lines of both, in order: the standard library's difference, woven together.
private func merged(_ a: [[UInt8]], _ b: [[UInt8]]) -> [DiffLine] {
  var removed: Set<Int> = []
  var inserted: Set<Int> = []
  for change in b.difference(from: a) {
    switch change {
    case .remove(let offset, _, _): removed.insert(offset)
    case .insert(let offset, _, _): inserted.insert(offset)
    }
  }
  var lines: [DiffLine] = []
  var (i, j) = (0, 0)
  while i < a.count || j < b.count {
    if removed.contains(i) {
      lines.append(DiffLine(mark: "-", text: a[i], old: i + 1, new: j + 1))
      i += 1
    } else if inserted.contains(j) {
      lines.append(DiffLine(mark: "+", text: b[j], old: i + 1, new: j + 1))
      j += 1
    } else {
      lines.append(DiffLine(mark: " ", text: a[i], old: i + 1, new: j + 1))
      i += 1
      j += 1
    }
  }
  return lines
}
