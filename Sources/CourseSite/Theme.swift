// A theme: a folder with mustache templates, one stylesheet, texts by language and whatever files they refer to. Nothing is
// built into nb: what a page looks like can be read and changed in Themes/NAME. What a theme does not have it takes from
// the theme below it (`default`), file by file. Rendering has no access to files; all is read here once.

import Foundation
import Mustache
import TextModel

/// Why a theme cannot be used; each finding names its file and, in a template or a strings file, line and column.
public struct ThemeError: Error, Sendable {
  public var diagnostics: Diagnostics
}

/// A file that is copied beside the pages as it is.
public struct SiteAsset: Hashable, Sendable {
  /// Relative to the site.
  public var path: String
  public var bytes: [UInt8]
  public init(path: String, bytes: [UInt8]) { (self.path, self.bytes) = (path, bytes) }
}

public struct Theme: Sendable {
  public let name: String
  /// Folders and files that it was read from.
  public let sources: [String]
  /// style.css, scripts and images, in the order of their names.
  public let assets: [SiteAsset]
  let library: MustacheLibrary
  private let texts: ThemeStrings
  private let folder: String
  private let named: Set<String>

  /// The theme that every other one builds on.
  public static let standard = "default"

  static let required = ["layout", "home", "lesson", "plain", "glossary", "runbook", "log", "trend", "budgets", "market", "missing"]
  private static let assetKinds = ["css", "js", "svg", "png", "ico", "woff2", "txt"]

  /// Reads every template, text and asset of `folder` (of folders inside it only `strings`).
  ///
  /// - Parameters:
  ///   - base: the folder of the theme below: its files stand where `folder` has none of that name.
  ///   - language: the one that pages are in; nil: texts of all languages are read and checked.
  public init(folder: String, base: String? = nil, language: String? = nil) throws(ThemeError) {
    var findings = Diagnostics()
    var files = ThemeFiles()
    if let base, base != folder { files.read(base, kinds: Self.assetKinds, language: language, &findings) }
    files.read(folder, kinds: Self.assetKinds, language: language, &findings)
    if findings.hasErrors, files.templates.isEmpty { throw ThemeError(diagnostics: findings) }

    var templates: [String: MustacheTemplate] = [:]
    for (name, file) in files.templates.sorted(by: { $0.key < $1.key }) {
      do {
        templates[name] = try MustacheTemplate(string: file.text)
      } catch {
        findings.add(templateFinding(error, file.path))
      }
    }
    for name in Self.required where files.templates[name] == nil {
      findings.add(
        Diagnostic("theme-incomplete", .error, "the theme has no template \(name).mustache", remedy: "copy it from Themes/default", path: folder))
    }
    if files.assets["style.css"] == nil {
      findings.add(Diagnostic("theme-incomplete", .error, "the theme has no style.css", remedy: "copy it from Themes/default", path: folder))
    }
    findings.add(contentsOf: checkNames(files.templates))
    files.strings.check(used: files.usedStrings, folder: folder, &findings)
    if findings.hasErrors { throw ThemeError(diagnostics: findings) }
    name = (folder as NSString).lastPathComponent
    assets = files.assets.sorted { $0.key < $1.key }.map { SiteAsset(path: $0.key, bytes: $0.value) }
    library = MustacheLibrary(templates: templates)
    texts = files.strings
    sources = files.sources
    self.folder = folder
    named = Set(files.templates.values.flatMap(\.tags).map(\.name))
  }

  /// The folder of a theme: `Themes/NAME` beside a course folder, or in it; nil when it is in neither.
  ///
  /// - Parameter others: more folders that may hold a `Themes` folder, tried last (such as the program's own).
  public static func find(_ name: String, course: String, others: [String] = []) -> String? {
    let parent = (course as NSString).deletingLastPathComponent
    // `slides` needs no layout of its own to be a theme; a stylesheet or a layout it has.
    return ([course, parent] + others).map { "\($0.isEmpty ? "." : $0)/Themes/\(name)" }.first { folder in
      ["layout.mustache", "style.css", "lesson.mustache"].contains { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
    }
  }

  /// What a course in `lang` will show in another language: warnings.
  public func warnings(for lang: String) -> [Diagnostic] { texts.warnings(for: lang, folder: folder) }

  /// The languages that the site's own words are in.
  public var languages: [String] { texts.names }

  /// Whether some template asks for it: what costs something to make is made only then.
  func names(_ value: String) -> Bool { named.contains(value) }

  func strings(for lang: String) -> SiteStrings { texts.strings(for: lang) }

  /// A rendered template; the names were checked when the theme was read.
  func render(_ template: String, _ context: [String: Any]) -> String {
    library.render(context, withTemplate: template) ?? ""
  }
}

/// Values for a template without empty texts: to mustache an empty text is there, and its section would show.
func withoutEmptyTexts(_ values: [String: Any]) -> [String: Any] { values.filter { ($0.value as? String)?.isEmpty != true } }
