// What the site itself says, in the course's language. The texts stand in Themes/NAME/strings/LANG.yml; templates take them
// as `{{strings.key}}`, code by `StringKey`. Where a language has no text for a key the English one stands.

import Foundation

/// The keys that code asks for; templates may use more.
enum StringKey: String, CaseIterable {
  case day, week, dayTitle, weekTitle, weekDay
  case searchMany, copy, copied
  case notMeasured, notMeasuredBlock, nothingToMeasure, allMeasured, someMeasured, withStale, staleBlock
  case claimVerified, claimNotReproduced, claimInconclusive, claimSimulated
  case evidenceR, evidenceW, evidenceP, evidenceS, evidenceC
  case calloutNote, calloutTip, calloutImportant, calloutWarning, calloutCaution, footnotes, backToText, perfBlock, table
  case plot, flameGraph, telemetryPicture, plotNumbers, profileNumbers, pictureNumbers
  case pageHome, pageGlossary, pageRunbook, pageLog, pageTrend, pageBudgets, pageMarket
  case notebooks, furtherNotebooks, planned, progressDays, progressBlocks, progressClaims, progressExercises
  case logEntries, logChanged, logWhy, logBeforeAfter, logEvidence, logCost, logCommit, logEnvironment
  case trendNoChange, trendBetter, trendWorse, trendPicture, trendMore
  case budgetsKept, budgetsBroken, outcomePass, outcomeFail, outcomeInconclusive, outcomeUnmeasured
  case marketCounts, stateFresh, stateStale, stateHistory, believedFor
  case missingTitle
}

/// The texts of one language, complete.
struct SiteStrings: Sendable {
  /// By key, for templates.
  let texts: [String: String]

  /// The text as it stands in the file.
  subscript(key: StringKey) -> String { texts[key.rawValue] ?? key.rawValue }

  /// The text with `{name}` replaced by its value; one pass, so that a value that looks like a placeholder stays as it is.
  func text(_ key: StringKey, _ values: [String: String]) -> String { Self.filled(self[key], values) }

  /// The same for a number of things: one thing takes the text of `keyOne` where the language has it.
  func text(_ key: StringKey, count: Int, _ values: [String: String] = [:]) -> String {
    let template = count == 1 ? texts[key.rawValue + "One"] ?? self[key] : self[key]
    return Self.filled(template, values.merging(["n": "\(count)"]) { given, _ in given })
  }

  private static func filled(_ template: String, _ values: [String: String]) -> String {
    var out = ""
    var rest = template[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      out += rest[..<open]
      let name = String(rest[rest.index(after: open)..<close])
      out += values[name] ?? String(rest[open...close])
      rest = rest[rest.index(after: close)...]
    }
    return out + rest
  }

  /// `{n}`, `{title}` …: what a translation must keep.
  static func placeholders(_ text: String) -> Set<String> {
    Set(text.split(separator: "{", omittingEmptySubsequences: false).dropFirst().compactMap { part in part.firstIndex(of: "}").map { String(part[..<$0]) } })
  }

  /// For the theme's own script, in `data-words` of the body.
  var scriptWords: String { json(["copy": self[.copy], "copied": self[.copied]]) }

  private func json(_ words: [String: String]) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(words)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
