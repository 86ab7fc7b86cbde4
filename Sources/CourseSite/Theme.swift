// A theme: a folder with mustache templates, one stylesheet and whatever files they refer to. Nothing is built into nb:
// what a page looks like can be read and changed in Themes/NAME. Rendering has no access to files; all is read here once.

import Foundation
import Mustache
import TextModel

/// Why a theme cannot be used; each finding names its file and, in a template, line and column.
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
  /// Where it was read from, and every file that was read there.
  public let folder: String
  public let files: [String]
  /// style.css and images, in the order of their names.
  public let assets: [SiteAsset]
  let library: MustacheLibrary

  static let required = ["layout", "home", "lesson", "plain"]
  private static let assetKinds = ["css", "js", "svg", "png", "ico", "woff2", "txt"]

  /// Reads every template and asset of `folder` (not of folders inside it).
  public init(folder: String) throws(ThemeError) {
    var findings = Diagnostics()
    var files: [String] = []
    do {
      files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    } catch {
      findings.add(
        Diagnostic("theme-missing", .error, "there is no theme folder here", remedy: "check `theme:` in course.yml; themes are in Themes/", path: folder))
      throw ThemeError(diagnostics: findings)
    }
    var templates: [String: MustacheTemplate] = [:]
    var texts: [String: String] = [:]
    var assets: [SiteAsset] = []
    for file in files where !file.hasPrefix(".") {
      let path = "\(folder)/\(file)"
      let kind = (file as NSString).pathExtension
      guard kind == "mustache" || Self.assetKinds.contains(kind) else { continue }
      let bytes: [UInt8]
      do { bytes = try readFile(path, limit: 4 << 20) } catch {
        findings.add(error.diagnostic)
        continue
      }
      if kind != "mustache" {
        assets.append(SiteAsset(path: file, bytes: bytes))
        continue
      }
      let text = String(decoding: bytes, as: UTF8.self)
      let name = String(file.dropLast(".mustache".count))
      texts[name] = text
      do {
        templates[name] = try MustacheTemplate(string: text)
      } catch {
        findings.add(Self.finding(error, path))
      }
    }
    for name in Self.required where texts[name] == nil {
      findings.add(
        Diagnostic("theme-incomplete", .error, "the theme has no template \(name).mustache", remedy: "copy it from Themes/default", path: folder))
    }
    if !assets.contains(where: { $0.path == "style.css" }) {
      findings.add(Diagnostic("theme-incomplete", .error, "the theme has no style.css", remedy: "copy it from Themes/default", path: folder))
    }
    for (name, text) in texts.sorted(by: { $0.key < $1.key }) {
      for (partial, line) in Self.partials(text) where texts[partial] == nil {
        findings.add(
          Diagnostic(
            "theme-template", .error, "there is no template `\(partial)` to include",
            remedy: nearestName(to: partial, among: Array(texts.keys)).map { "did you mean `\($0)`?" } ?? "add \(partial).mustache to the theme",
            path: "\(folder)/\(name).mustache:\(line)"))
      }
    }
    if findings.hasErrors { throw ThemeError(diagnostics: findings) }
    name = (folder as NSString).lastPathComponent
    self.folder = folder
    self.files = files.filter { !$0.hasPrefix(".") }.map { "\(folder)/\($0)" }
    self.assets = assets
    library = MustacheLibrary(templates: templates)
  }

  /// The folder of a theme: `Themes/NAME` beside a course folder, or in it; nil when it is in neither.
  ///
  /// - Parameter others: more folders that may hold a `Themes` folder, tried last (such as the program's own).
  public static func find(_ name: String, course: String, others: [String] = []) -> String? {
    let parent = (course as NSString).deletingLastPathComponent
    return ([course, parent] + others).map { "\($0.isEmpty ? "." : $0)/Themes/\(name)" }
      .first { FileManager.default.fileExists(atPath: $0 + "/layout.mustache") }
  }

  /// A rendered template; the names were checked when the theme was read.
  func render(_ template: String, _ context: [String: Any]) -> String {
    library.render(context, withTemplate: template) ?? ""
  }

  private static func finding(_ error: any Error, _ path: String) -> Diagnostic {
    guard let error = error as? MustacheTemplate.ParserError else {
      return Diagnostic("theme-template", .error, "the template cannot be read: \(error)", remedy: "compare it with Themes/default", path: path)
    }
    let place = "\(path):\(error.context.lineNumber):\(error.context.columnNumber)"
    return Diagnostic(
      "theme-template", .error, "\(cause(error.error)) in `\(error.context.line.trimmingCharacters(in: .whitespaces))`",
      remedy: "close every `{{#name}}` with `{{/name}}` and every `{{` with `}}`", path: place)
  }

  private static func cause(_ error: any Error) -> String {
    switch error as? MustacheTemplate.Error {
    case .sectionCloseNameIncorrect: "a section is closed with another name than it was opened with"
    case .unfinishedName: "a tag is not closed"
    case .expectedSectionEnd: "a section is never closed"
    default: "mustache cannot read this"
    }
  }

  /// Names in `{{> name}}` with their lines.
  private static func partials(_ text: String) -> [(String, Int)] {
    var found: [(String, Int)] = []
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      for part in line.components(separatedBy: "{{>").dropFirst() {
        guard let end = part.range(of: "}}") else { continue }
        found.append((part[..<end.lowerBound].trimmingCharacters(in: .whitespaces), number + 1))
      }
    }
    return found
  }
}
