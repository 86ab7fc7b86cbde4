import Foundation
import Testing

@testable import CourseSite

private let standard = repository + "/Themes/default"

/// A theme over the default one, from files by path; removed with the returned closure.
func temporaryTheme(_ files: [String: String]) throws -> (folder: String, remove: () -> Void) {
  let folder = NSTemporaryDirectory() + "nb-theme-\(UUID().uuidString)"
  for (path, text) in files {
    let file = folder + "/" + path
    try FileManager.default.createDirectory(atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: file, atomically: true, encoding: .utf8)
  }
  return (folder, { try? FileManager.default.removeItem(atPath: folder) })
}

private func findings(_ files: [String: String]) throws -> String {
  let made = try temporaryTheme(files)
  defer { made.remove() }
  do {
    _ = try Theme(folder: made.folder, base: standard)
    return ""
  } catch {
    return error.diagnostics.all.map { "\(($0.path ?? "").replacingOccurrences(of: made.folder + "/", with: "")) \($0.cause); \($0.remedy ?? "")" }
      .joined(separator: "\n")
  }
}

@Suite struct StringsTests {
  @Test(arguments: ["default", "slides"])
  func everyLanguageOfOurThemesIsComplete(name: String) throws {
    let theme = try Theme(folder: repository + "/Themes/" + name, base: standard)
    #expect(theme.languages == ["de", "en", "ja", "ko", "zh-Hans"])
    for language in theme.languages { #expect(theme.warnings(for: language).isEmpty, "\(language)") }
  }

  @Test(arguments: [("de", "Weiter"), ("de-AT", "Weiter"), ("DE", "Weiter"), ("zh", "下一课"), ("zh-CN", "下一课"), ("zh-Hans-SG", "下一课"), ("ko-KR", "다음"), ("fr", "Next")])
  func aLanguageFallsBackToItsBaseThenToEnglish(lang: String, next: String) throws {
    #expect(try theme().strings(for: lang).texts["next"] == next)
    #expect(try theme().warnings(for: lang).count == (lang == "fr" ? 1 : 0))
  }

  @Test func numbersAndValuesAreFilledInOnce() throws {
    let english = try theme().strings(for: "en")
    #expect(english.text(.allMeasured, count: 3) == "all 3 blocks measured")
    #expect(english.text(.allMeasured, count: 1) == "its one block measured")
    // A title that looks like a placeholder stays as its author wrote it.
    #expect(english.text(.dayTitle, ["n": "3", "title": "{n} {x}"]) == "Day 3 · {n} {x}")
    // A language without a form for one thing does not borrow the English one.
    #expect(try theme().strings(for: "ja").text(.allMeasured, count: 1) == "1 ブロックすべて測定済み")
  }

  @Test func whatATranslationLacksIsEnglishAndAWarning() throws {
    let made = try temporaryTheme(["strings/fr.yml": "next: Suivant\n"])
    defer { made.remove() }
    let theme = try Theme(folder: made.folder, base: standard)
    let texts = theme.strings(for: "fr").texts
    #expect(texts["next"] == "Suivant" && texts["previous"] == "Previous")
    let warning = try #require(theme.warnings(for: "fr").first)
    #expect(warning.severity == .warning && (warning.path ?? "").hasSuffix("strings/fr.yml") && warning.cause.contains("shown in English"))
  }

  @Test func mistakesInStringsNameFileAndLine() throws {
    #expect(try findings(["strings/fr.yml": "next: Suivant\nprevius: Avant\n"]).hasPrefix("strings/fr.yml:2:1 unknown key `previus`; did you mean `previous`?"))
    #expect(try findings(["strings/fr.yml": "day: Jour\n"]).contains("strings/fr.yml:1:1 `day` has lost its `{n}`"))
    #expect(try findings(["strings/fr.yml": "day: Jour {n} {m}\n"]).contains("nothing fills `{m}`"))
    #expect(try findings(["strings/fr.yml": "next: [a]\n"]).contains("strings/fr.yml:1:7 `next` must be text"))
    #expect(try findings(["strings/fr.yml": "next: a\nnext: b\n"]).contains("strings/fr.yml:2:1"))
    #expect(try findings(["strings/en.yml": "slogan: Faster\n"]).contains("strings/en.yml:1:1 unknown key `slogan`"))
    #expect(try findings(["strings/en.yml": "slogan: Faster\n", "plain.mustache": "{{{body}}}{{strings.slogan}}"]) == "")
  }

  @Test func mistakesInTemplatesNameFileLineAndColumn() throws {
    #expect(try findings(["plain.mustache": "a\n {{strings.nxet}}\n"]).contains("plain.mustache:2:2 there is no text called `nxet`; did you mean `strings.next`?"))
    #expect(try findings(["plain.mustache": "a\n<p>{{tilte}}</p>\n"]).contains("plain.mustache:2:4 no page has a `tilte`; did you mean `title`?"))
    #expect(try findings(["plain.mustache": "{{> lay}}"]).contains("plain.mustache:1:1 there is no template `lay` to include"))
    #expect(try findings(["plain.mustache": "{{! {{tilte }}{{#body}}x{{/body}}"]) == "")
  }

  @Test func aThemeTakesFromTheOneBelowWhatItDoesNotHave() throws {
    let made = try temporaryTheme(["style.css": "body { color: red }\n", "print.css": ""])
    defer { made.remove() }
    let theme = try Theme(folder: made.folder, base: standard)
    #expect(theme.assets.first { $0.path == "style.css" }?.bytes == Array("body { color: red }\n".utf8))
    #expect(theme.assets.contains { $0.path == "theme.js" } && theme.assets.contains { $0.path == "print.css" })
  }

  @Test func aNewThemeIsACopyThatSaysWhatItsFilesAre() throws {
    let files = try themeCopy(of: standard, name: "mine")
    #expect(files.allSatisfy { String(decoding: $0.bytes, as: UTF8.self).contains("of the theme mine") })
    let made = try temporaryTheme(Dictionary(uniqueKeysWithValues: files.map { ($0.path, String(decoding: $0.bytes, as: UTF8.self)) }))
    defer { made.remove() }
    let copy = try Theme(folder: made.folder, base: standard)
    // The comments change no page.
    #expect(copy.render("missing", ["title": "x"]) == (try theme()).render("missing", ["title": "x"]))
    #expect(copy.render("layout", ["title": "x"]) == (try theme()).render("layout", ["title": "x"]))
  }
}
