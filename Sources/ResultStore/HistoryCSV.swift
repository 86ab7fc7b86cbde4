// A series of dated values as CSV: read from a file of somebody else's (date,value[,commit]), written for other
// tools. Text in, values out; nothing is saved.

import ExperimentModel

/// A mistake in a CSV file; the place is its line, from 1.
public struct CSVMistake: Error, Hashable, Sendable {
  public var line: Int
  public var cause: String
  public var remedy: String
}

/// Reads `date,value` or `date,value,commit` lines; a first line of names is skipped, also `#` comments and empty
/// lines. Dates are ISO 8601, a day or to the second, and must not run backwards.
///
/// - Returns: the points in order, and all mistakes; use the points only when there are none.
public func readHistoryCSV(_ text: String) -> (points: [SavedValue], mistakes: [CSVMistake]) {
  var points: [SavedValue] = []
  var mistakes: [CSVMistake] = []
  var isFirst = true
  let form = "a line reads DATE,VALUE or DATE,VALUE,COMMIT, such as 2026-11-23,12.5,4f2a91c"
  for (offset, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
    let line = raw.hasPrefix("\u{FEFF}") ? raw.dropFirst() : raw
    guard line.contains(where: { !$0.isWhitespace }), !line.hasPrefix("#") else { continue }
    let fields = csvFields(line)
    defer { isFirst = false }
    guard let fields, (2...3).contains(fields.count) else {
      mistakes.append(
        CSVMistake(
          line: offset + 1, cause: fields.map { "this line has \($0.count) field\($0.count == 1 ? "" : "s")" } ?? "a quote is not closed",
          remedy: form))
      continue
    }
    guard isDate(fields[0]) else {
      // Names of columns have neither a date nor a number.
      if isFirst, Double(fields[1]) == nil { continue }
      mistakes.append(
        CSVMistake(line: offset + 1, cause: "`\(fields[0])` is not an ISO date", remedy: "such as 2026-11-23 or 2026-11-23T02:00:00Z"))
      continue
    }
    guard let value = Double(fields[1]), value.isFinite else {
      mistakes.append(CSVMistake(line: offset + 1, cause: "`\(fields[1])` is not a number", remedy: form))
      continue
    }
    if let last = points.last, fields[0] < last.finished {
      mistakes.append(
        CSVMistake(
          line: offset + 1, cause: "\(fields[0]) stands after \(last.finished)", remedy: "sort the lines by date: a change point is one of order"))
      continue
    }
    let commit = fields.count == 3 && !fields[2].isEmpty ? fields[2] : nil
    points.append(SavedValue(finished: fields[0], commit: commit, value: Estimate(value)))
  }
  return (points, mistakes)
}

/// All series as one CSV table with a line of names; bounds and commits that are not known are empty.
public func historyCSV(_ series: [SavedSeries]) -> String {
  var out = "address,unit,inputs,environment,quick,finished,commit,validity,value,low,high\n"
  for one in series {
    for point in one.points {
      let fields = [
        one.address, one.unit.rawValue, one.inputs, one.environment, one.quick ? "true" : "false", point.finished, point.commit ?? "",
        point.validity.rawValue, "\(point.value.value)", point.value.low.map { "\($0)" } ?? "", point.value.high.map { "\($0)" } ?? "",
      ]
      out += fields.map(quoted).joined(separator: ",") + "\n"
    }
  }
  return out
}

/// As in RFC 4180.
private func quoted(_ field: String) -> String {
  guard field.contains(where: { ",\"\n\r".contains($0) }) else { return field }
  return "\"" + field.replacing("\"", with: "\"\"") + "\""
}

/// The fields of a line, without spaces around them; nil when a quote is left open.
private func csvFields(_ line: Substring) -> [String]? {
  var fields: [String] = [""]
  var isQuoted = false
  var previous: Character?
  for character in line {
    if character == "\"" {
      // A doubled quote inside quotes is one quote.
      if !isQuoted, previous == "\"" { fields[fields.count - 1].append(character) }
      isQuoted.toggle()
    } else if character == ",", !isQuoted {
      fields.append("")
    } else {
      fields[fields.count - 1].append(character)
    }
    previous = character
  }
  guard !isQuoted else { return nil }
  return fields.map { field in
    var part = field[...]
    while part.first?.isWhitespace == true { part.removeFirst() }
    while part.last?.isWhitespace == true { part.removeLast() }
    return String(part)
  }
}

/// `2026-11-23`, or with `T02:00:00Z` after it; digits are judged, not the calendar.
private func isDate(_ text: String) -> Bool {
  let bytes = Array(text.utf8)
  guard bytes.count >= 10, bytes.count == 10 || bytes[10] == 0x54 || bytes[10] == 0x20 else { return false }
  return bytes[..<10].enumerated().allSatisfy { i, byte in i == 4 || i == 7 ? byte == 0x2D : byte >= 0x30 && byte <= 0x39 }
}
