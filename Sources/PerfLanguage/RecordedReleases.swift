// A CSV file of recorded releases, reduced to good and total requests, which is all that an objective asks of it.

import ExperimentModel
import TextModel

extension Planning {
  /// The same as `readReleases`, of a text that was read without mistakes before not again.
  func releases(of text: String, _ file: String, _ indicator: Indicator, _ place: SourceRange) -> [RecordedRelease]? {
    let key = BlockReadings.Recording(text: text, indicator: indicator)
    if let known = yaml?.recordings[key] { return known }
    let read = readReleases(text, file, indicator, place)
    if let read { yaml?.keep(read, as: key) }
    return read
  }

  /// `release,outcome,minute,le_10ms,…,le_inf,failed`: requests by response time, cumulative as in Prometheus. nil after a
  /// report of the first mistake.
  func readReleases(_ text: String, _ file: String, _ indicator: Indicator, _ place: SourceRange) -> [RecordedRelease]? {
    func bad(_ cause: String, _ remedy: String) -> [RecordedRelease]? {
      findings.error(PerfDiagnosticID.badData, cause, remedy: remedy, at: place)
      return nil
    }
    // By bytes: an editor's server reads such a file after every keystroke.
    let lines = text.utf8.split { $0 == 0x0A || $0 == 0x0D }.map { line in
      line.split(separator: 0x2C, omittingEmptySubsequences: false).map { cell in
        // Trimming asks for properties of characters, which costs more than all the rest.
        let isBare = (cell.first ?? 0x30) > 0x20 && (cell.last ?? 0x30) > 0x20 && (cell.first ?? 0) < 0x80 && (cell.last ?? 0) < 0x80
        return isBare ? String(Substring(cell)) : Substring(cell).trimmed
      }
    }
    let heading = lines.first ?? []
    guard heading.count >= 6, Array(heading.prefix(3)) == ["release", "outcome", "minute"], heading.suffix(2) == ["le_inf", "failed"] else {
      return bad("`\(file)` is not a file of recorded releases", "its heading is release,outcome,minute,le_100ms,…,le_inf,failed")
    }
    let all = heading.count - 2
    var column = all
    if case .faster(let limit) = indicator {
      let bounds = heading[3..<all].map { name in
        name.hasPrefix("le_")
          ? parseLimit(String(name.dropFirst(3)), unit: .nanoseconds).flatMap { $0.value < 1e17 ? Int64($0.value) : nil } : nil
      }
      guard let index = bounds.firstIndex(of: limit.rawValue) else {
        return bad(
          "`\(file)` counts requests up to \(heading[3..<all].map { String($0.dropFirst(3)) }.joined(separator: ", ")), not up to \(numberText(limit.seconds * 1e3))ms",
          "a histogram knows its bounds only: take one of them")
      }
      column = index + 3
    }
    var releases: [RecordedRelease] = []
    var minutes: [Double] = []
    for (index, cells) in lines.enumerated().dropFirst() {
      guard cells.count == heading.count, isBlockName(cells[0]), ["good", "bad"].contains(cells[1]), let minute = Double(cells[2]),
        let good = Int(cells[column]), let total = Int(cells[all]), let failed = Int(cells[all + 1]), good >= 0, good <= total, failed >= 0
      else {
        return bad(
          "line \(index + 1) of `\(file)` does not fit its heading", "such as r1,good,5,24000,0 with counts that grow to the right")
      }
      if releases.last?.name != cells[0] {
        releases.append(RecordedRelease(name: cells[0], isBad: cells[1] == "bad", step: .zero, good: [], total: []))
        minutes.append(minute)
      } else if releases[releases.count - 1].total.count == 1 {
        releases[releases.count - 1].step = Nanoseconds(seconds: (minute - minutes[minutes.count - 1]) * 60)
      }
      releases[releases.count - 1].good.append(good)
      releases[releases.count - 1].total.append(total + failed)
    }
    guard !releases.isEmpty, releases.count <= 100, releases.allSatisfy({ $0.step > .zero }),
      Set(releases.map(\.name)).count == releases.count
    else {
      return bad(
        "`\(file)` has no release with at least two steps of time, or one in two places",
        "keep the lines of a release together, oldest first")
    }
    return releases
  }
}
