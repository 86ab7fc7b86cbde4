// A theme of one's own begins as a copy of the default one, in which every file says at its top what it is.

import Foundation
import TextModel

/// What each file of a theme is, for somebody who opens it for the first time.
private let roles: [String: String] = [
  "layout.mustache": "The frame of every page: head, navigation, search, contents, the lessons of the week, previous and next. {{{body}}} is what another template made.",
  "home.mustache": "The course's home: progress, and the map of weeks.",
  "lesson.mustache": "A lesson: its title, the state of its claims, the text, the letters of evidence.",
  "plain.mustache": "A page that is only text.",
  "glossary.mustache": "The glossary: an index of terms above glossary.md.",
  "runbook.mustache": "All runbook entries of the course, by symptom.",
  "log.mustache": "The optimization log: a chain of entries for each block.",
  "trend.mustache": "How saved values moved over time.",
  "budgets.mustache": "Performance budgets and what is left of them.",
  "market.mustache": "Outside facts with their sources, dates and states.",
  "missing.mustache": "The page for addresses that lead nowhere, 404.html.",
  "style.css": "The look of every page. Colours and fonts are variables at the top; light, dark, more contrast, phones and print follow.",
]

/// The files of a new theme: templates, stylesheet and texts of `folder` with a comment at the top of each. Scripts are left
/// out: they are the default theme's as long as a theme has none of that name.
///
/// - Throws: a file that cannot be read.
public func themeCopy(of folder: String, name: String) throws(FileError) -> [SiteAsset] {
  var files: [SiteAsset] = []
  for (place, kinds) in [("", ["mustache", "css"]), ("strings/", ["yml"])] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder + "/" + place)) ?? []).sorted()
    for file in names where kinds.contains((file as NSString).pathExtension) {
      let bytes = try readFile(folder + "/" + place + file, limit: 4 << 20)
      files.append(SiteAsset(path: place + file, bytes: Array(header(place + file, theme: name).utf8) + bytes))
    }
  }
  if files.isEmpty { throw FileError("theme-missing", "the default theme is not here", remedy: "nb needs its Themes folder beside it", path: folder) }
  return files
}

private func header(_ path: String, theme: String) -> String {
  let language = path.hasPrefix("strings/") ? String(path.dropFirst(8).dropLast(4)) : ""
  let role = language.isEmpty ? roles[path] ?? "A part of the theme." : "What the site itself says, in the language `\(language)`."
  let text = "\(path) of the theme \(theme). \(role) Delete the file to have the default theme's."
  switch (path as NSString).pathExtension {
  // A comment of mustache ends at its braces, wherever they stand.
  case "mustache": return "{{! \(text.replacingOccurrences(of: "{{{body}}}", with: "`body`")) }}\n"
  case "css": return "/* \(text) */\n"
  default: return "# \(text)\n"
  }
}
