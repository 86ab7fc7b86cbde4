// The strings files of a theme, read and held to each other: English is complete, a translation has no key that English does
// not have and keeps its placeholders. A mistake names file, line and column.

import StrictYAML
import TextModel

/// All languages of a theme, by the names of their files: `en`, `zh-Hans`.
struct ThemeStrings: Sendable {
  private struct Entry: Sendable {
    var text: String
    /// `FILE:LINE:COLUMN` of the key.
    var place: String
  }
  private var languages: [String: [String: Entry]] = [:]

  /// Adds a file; what was read before under the same key is replaced.
  mutating func read(_ source: SourceText, language: String, _ findings: inout Diagnostics) {
    var mistakes = Diagnostics()
    defer { findings.add(contentsOf: mistakes.all.map { placed($0, in: source) }) }
    guard let root = YAMLNode(parsing: source, diagnostics: &mistakes) else { return }
    guard let entries = root.entries else {
      mistakes.add(
        Diagnostic("theme-strings", .error, "a strings file is a mapping, this is \(root.kindName)", remedy: "write lines such as `next: Next`", at: root.range))
      return
    }
    for entry in entries {
      guard let text = entry.value.text, !entry.value.isNull else {
        mistakes.add(
          Diagnostic("theme-strings", .error, "`\(entry.key)` must be text, this is \(entry.value.kindName)", remedy: "write it in quotes", at: entry.value.range))
        continue
      }
      let place = source.position(at: entry.keyRange.lower)
      languages[language, default: [:]][entry.key] = Entry(text: text, place: "\(source.path):\(place.line):\(place.column)")
    }
  }

  private func placed(_ finding: Diagnostic, in source: SourceText) -> Diagnostic {
    guard let range = finding.range else { return finding }
    var finding = finding
    let place = source.position(at: range.lower)
    (finding.range, finding.path) = (nil, "\(source.path):\(place.line):\(place.column)")
    return finding
  }

  /// What is wrong between the languages, the code and the templates.
  ///
  /// - Parameter used: keys that templates name, each with its first place.
  func check(used: [String: String], folder: String, _ findings: inout Diagnostics) {
    guard let english = languages["en"] else {
      findings.add(
        Diagnostic("theme-incomplete", .error, "the theme has no strings/en.yml", remedy: "copy it from Themes/default", path: folder))
      return
    }
    for (key, place) in used.sorted(by: { $0.key < $1.key }) where english[key] == nil {
      findings.add(
        Diagnostic(
          "theme-strings", .error, "there is no text called `\(key)`",
          remedy: nearestName(to: key, among: Array(english.keys)).map { "did you mean `strings.\($0)`?" } ?? "add it to strings/en.yml", path: place))
    }
    for key in StringKey.allCases where english[key.rawValue] == nil {
      findings.add(
        Diagnostic(
          "theme-strings", .error, "strings/en.yml has no `\(key.rawValue)`, which pages need", remedy: "copy the line from Themes/default",
          path: folder + "/strings/en.yml"))
    }
    let coded = Set(StringKey.allCases.map(\.rawValue))
    for (key, entry) in english.sorted(by: { $0.key < $1.key }) where used[key] == nil && !coded.contains(key) {
      // `allMeasuredOne` is used through `allMeasured`.
      if key.hasSuffix("One"), english[String(key.dropLast(3))] != nil { continue }
      findings.add(unknown(key, entry, among: coded.union(used.keys)))
    }
    for (_, texts) in languages.sorted(by: { $0.key < $1.key }) {
      for (key, entry) in texts.sorted(by: { $0.key < $1.key }) {
        guard let original = english[key] ?? (key.hasSuffix("One") ? english[String(key.dropLast(3))] : nil) else {
          findings.add(unknown(key, entry, among: Set(english.keys)))
          continue
        }
        let extra = SiteStrings.placeholders(entry.text).subtracting(SiteStrings.placeholders(original.text))
        let lost = SiteStrings.placeholders(original.text).subtracting(SiteStrings.placeholders(entry.text))
        if let name = extra.min() {
          findings.add(
            Diagnostic("theme-strings", .error, "nothing fills `{\(name)}` in `\(key)`", remedy: "English has: \(original.text)", path: entry.place))
        } else if let name = lost.min() {
          findings.add(Diagnostic("theme-strings", .error, "`\(key)` has lost its `{\(name)}`", remedy: "English has: \(original.text)", path: entry.place))
        }
      }
    }
  }

  private func unknown(_ key: String, _ entry: Entry, among known: Set<String>) -> Diagnostic {
    Diagnostic(
      "theme-strings", .error, "unknown key `\(key)`",
      remedy: nearestName(to: key, among: known.sorted()).map { "did you mean `\($0)`?" } ?? "remove the line: nothing shows this text", path: entry.place)
  }

  /// The language that is shown for a course's `lang`: itself, what it is a form of (`de` for `de-AT`), another form of the
  /// same language (`zh-Hans` for `zh`), English.
  func language(for lang: String) -> String {
    let known = Dictionary(languages.keys.map { ($0.lowercased(), $0) }, uniquingKeysWith: { a, _ in a })
    var parts = lang.lowercased().split(separator: "-").map(String.init)
    guard let base = parts.first else { return "en" }
    while !parts.isEmpty {
      if let found = known[parts.joined(separator: "-")] { return found }
      parts.removeLast()
    }
    return known.keys.sorted().first { $0.hasPrefix(base + "-") }.flatMap { known[$0] } ?? "en"
  }

  func strings(for lang: String) -> SiteStrings {
    let english = (languages["en"] ?? [:]).mapValues(\.text)
    let name = language(for: lang)
    guard name != "en", let own = languages[name] else { return SiteStrings(texts: english) }
    // English forms for one thing would stand among texts of a language that needs none.
    let base = english.filter { !$0.key.hasSuffix("One") || own[String($0.key.dropLast(3))] == nil }
    return SiteStrings(texts: base.merging(own.mapValues(\.text)) { _, own in own })
  }

  /// Warnings about a course in `lang`: texts that are shown in English.
  func warnings(for lang: String, folder: String) -> [Diagnostic] {
    let name = language(for: lang)
    let base = lang.lowercased().split(separator: "-").first.map(String.init) ?? ""
    if name == "en", base != "en" {
      return [
        Diagnostic(
          "theme-strings", .warning, "the theme has no texts for `\(lang)`; the site's own words are English",
          remedy: "copy strings/en.yml to strings/\(lang).yml and translate it", path: folder)
      ]
    }
    guard name != "en", let own = languages[name], let english = languages["en"] else { return [] }
    let missing = english.keys.filter { own[$0] == nil && !$0.hasSuffix("One") }.sorted()
    guard !missing.isEmpty else { return [] }
    let shown = missing.prefix(8).map { "`\($0)`" }.joined(separator: ", ") + (missing.count > 8 ? " and \(missing.count - 8) more" : "")
    return [
      Diagnostic(
        "theme-strings", .warning, "strings/\(name).yml has no \(shown); \(missing.count == 1 ? "it is" : "they are") shown in English",
        remedy: "translate the lines of strings/en.yml", path: folder + "/strings/\(name).yml")
    ]
  }

  var names: [String] { languages.keys.sorted() }
}
