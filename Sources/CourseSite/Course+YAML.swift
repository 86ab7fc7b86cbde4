// Reads course.yml. The only file of this module that knows StrictYAML.

import StrictYAML
import TextModel

extension Course {
  private static let keys = ["title", "about", "lang", "theme", "url", "weeks", "lessons", "unsafe", "money", "targets"]

  /// The course that `yaml` describes. What is missing keeps its default; every mistake is reported.
  public init(yaml source: SourceText, diagnostics: inout Diagnostics) {
    self.init()
    guard let root = YAMLNode(parsing: source, diagnostics: &diagnostics) else { return }
    guard let entries = root.entries else {
      diagnostics.add(
        Diagnostic(
          "course-file", .error, "a course file is a mapping, this is \(root.kindName)",
          remedy: "write lines such as `title: My course`", at: root.range))
      return
    }
    for entry in entries {
      switch entry.key {
      case "title": read(entry, into: \.title, &diagnostics) { !$0.isEmpty }
      case "about": readAbout(entry, &diagnostics)
      case "lang": read(entry, into: \.lang, &diagnostics, legal: Self.isLanguage)
      case "theme": read(entry, into: \.theme, &diagnostics, legal: Self.isName)
      case "unsafe":
        switch entry.value.text {
        case "true": unsafe = true
        case "false": unsafe = false
        default: Self.wrong(entry, "true or false", &diagnostics)
        }
      case "url": readURL(entry, &diagnostics)
      case "weeks": readWeeks(entry, &diagnostics)
      case "lessons": readLessons(entry, &diagnostics)
      case "targets": readTargets(entry, &diagnostics)
      case "money": continue
      default:
        let near = nearestName(to: entry.key, among: Self.keys).map { "did you mean `\($0)`?" }
        diagnostics.add(
          Diagnostic(
            "unknown-key", .error, "unknown key `\(entry.key)`",
            remedy: near ?? "a course file has \(Self.keys.map { "`\($0)`" }.joined(separator: ", "))", at: entry.keyRange))
      }
    }
  }

  private mutating func read(
    _ entry: YAMLEntry, into field: WritableKeyPath<Course, String>, _ diagnostics: inout Diagnostics, legal: (String) -> Bool
  ) {
    guard let text = entry.value.text, !entry.value.isNull, legal(text) else {
      Self.wrong(entry, entry.key == "lang" ? "a language such as en or pt-BR" : entry.key == "theme" ? "the name of a folder in Themes" : "text", &diagnostics)
      return
    }
    self[keyPath: field] = text
  }

  /// One paragraph, or a list of them.
  private mutating func readAbout(_ entry: YAMLEntry, _ diagnostics: inout Diagnostics) {
    let nodes = entry.value.items ?? [entry.value]
    let texts = nodes.compactMap { $0.isNull ? nil : $0.text }.filter { !$0.isEmpty }
    guard !texts.isEmpty, texts.count == nodes.count else { return Self.wrong(entry, "text, or a list of paragraphs", &diagnostics) }
    about = texts
  }

  private mutating func readLessons(_ entry: YAMLEntry, _ diagnostics: inout Diagnostics) {
    guard let items = entry.value.items else { return Self.wrong(entry, "a list such as [day01, day02]", &diagnostics) }
    var known = Set(lessons)
    for item in items {
      guard let id = item.text, Self.isName(id) else {
        diagnostics.add(
          Diagnostic("course-file", .error, "a lesson is named by its file without `.md`", remedy: "write `day08`", at: item.range))
        continue
      }
      if !known.insert(id).inserted {
        diagnostics.add(Diagnostic("course-file", .error, "lesson `\(id)` is listed twice", remedy: "remove one of them", at: item.range))
      } else {
        lessons.append(id)
      }
    }
  }

  /// An absolute address, without what a feed could not append a page to.
  private mutating func readURL(_ entry: YAMLEntry, _ diagnostics: inout Diagnostics) {
    let text = entry.value.text ?? ""
    let host = ["https://", "http://"].first { text.hasPrefix($0) }.map { text.dropFirst($0.count) } ?? ""
    guard !host.isEmpty, !host.hasPrefix("/"), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"\"'<>\\^`{|}?#".utf8.contains($0) }) else {
      return Self.wrong(entry, "an address such as https://example.org/course/", &diagnostics)
    }
    url = text.hasSuffix("/") ? text : text + "/"
  }

  private mutating func readWeeks(_ entry: YAMLEntry, _ diagnostics: inout Diagnostics) {
    guard let items = entry.value.items else { return Self.wrong(entry, "a list of weeks, each with `title` and `days`", &diagnostics) }
    for item in items {
      let unknown = item.entries?.first { !["title", "about", "page", "days"].contains($0.key) }
      let days = item["days"]?.items?.compactMap { $0.isNull ? nil : $0.text }
      guard let title = item["title"]?.text, !title.isEmpty, let days, days.count == item["days"]?.items?.count, !days.isEmpty, unknown == nil else {
        diagnostics.add(
          Diagnostic(
            "course-file", .error, unknown.map { "a week has no `\($0.key)`" } ?? "a week has a `title` and a list of `days`",
            remedy: "write `- {title: Fundamentals, days: [Metrics, Tracing]}`", at: unknown?.keyRange ?? item.range))
        continue
      }
      let page = item["page"].flatMap { $0.isNull ? nil : $0.text }
      if let node = item["page"], !(page.map(Self.isName) ?? false) {
        diagnostics.add(Diagnostic("course-file", .error, "the page of a week is a notebook's file without `.md`", remedy: "write `page: week1`", at: node.range))
        continue
      }
      weeks.append(CourseWeek(title: title, days: days, about: item["about"].flatMap { $0.isNull ? nil : $0.text }, page: page))
    }
  }

  private mutating func readTargets(_ entry: YAMLEntry, _ diagnostics: inout Diagnostics) {
    guard let items = entry.value.items else { return Self.wrong(entry, "a list of host names", &diagnostics) }
    for item in items {
      guard let host = item.text, !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2F }) else {
        diagnostics.add(Diagnostic("course-file", .error, "a target is the name of a host", remedy: "write `shop.test`, without scheme or path", at: item.range))
        continue
      }
      targets.append(host)
    }
  }

  private static func wrong(_ entry: YAMLEntry, _ wanted: String, _ diagnostics: inout Diagnostics) {
    diagnostics.add(
      Diagnostic("course-file", .error, "`\(entry.key)` must be \(wanted), this is \(entry.value.kindName)", remedy: "correct the value", at: entry.value.range))
  }

  /// Also keeps a path out of the file system's other corners: no slash, no leading dot.
  private static func isName(_ text: String) -> Bool {
    !text.isEmpty && !text.hasPrefix(".")
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E }
  }

  private static func isLanguage(_ text: String) -> Bool {
    (2...35).contains(text.utf8.count)
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D }
  }
}
