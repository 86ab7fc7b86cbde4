// The files of a theme as they are read: layer over layer, each keeping the path it came from, so that a finding can name it.

import Foundation
import TextModel

/// A template's text and where it stands.
struct TemplateFile: Sendable {
  let path: String
  let text: String
  /// What it names, in order.
  let tags: [TemplateTag]

  init(path: String, text: String) {
    (self.path, self.text) = (path, text)
    tags = templateTags(text, path)
  }
}

struct ThemeFiles {
  var templates: [String: TemplateFile] = [:]
  var assets: [String: [UInt8]] = [:]
  var strings = ThemeStrings()
  /// Keys in `{{strings.key}}` of all layers' templates, with their first place. Also of those that a theme above replaced:
  /// the texts are still there, and are no mistake.
  var usedStrings: [String: String] = [:]
  /// Folders and files that were read.
  private(set) var sources: [String] = []

  /// Reads the files of `folder` over those that are here already.
  ///
  /// - Parameter language: of texts only what this language can fall back on; nil: all.
  mutating func read(_ folder: String, kinds: [String], language: String? = nil, _ findings: inout Diagnostics) {
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    } catch {
      findings.add(
        Diagnostic("theme-missing", .error, "there is no theme folder here", remedy: "check `theme:` in course.yml; themes are in Themes/", path: folder))
      return
    }
    for name in names where !name.hasPrefix(".") {
      let kind = (name as NSString).pathExtension
      guard kind == "mustache" || kinds.contains(kind) else { continue }
      let path = "\(folder)/\(name)"
      sources.append(path)
      do throws(FileError) {
        // A theme may share files with the themes beside it; a link to anywhere else would be published.
        let bytes = try readFile("\((folder as NSString).lastPathComponent)/\(name)", within: (folder as NSString).deletingLastPathComponent, limit: 4 << 20)
        if kind == "mustache" { addTemplate(TemplateFile(path: path, text: String(decoding: bytes, as: UTF8.self))) } else { assets[name] = bytes }
      } catch {
        findings.add(error.diagnostic)
      }
    }
    let texts = folder + "/strings"
    sources += [folder, texts]
    for name in ((try? FileManager.default.contentsOfDirectory(atPath: texts)) ?? []).sorted() where name.hasSuffix(".yml") && !name.hasPrefix(".") {
      if let language, name != "en.yml", Self.family(String(name.dropLast(4))) != Self.family(language) { continue }
      sources.append("\(texts)/\(name)")
      do throws(FileError) {
        strings.read(try SourceText(contentsOf: "\(texts)/\(name)", limit: 1 << 20), language: String(name.dropLast(4)), &findings)
      } catch {
        findings.add(error.diagnostic)
      }
    }
  }

  /// `zh` of `zh-Hans`.
  private static func family(_ language: String) -> String { String(language.lowercased().prefix { $0 != "-" }) }

  private mutating func addTemplate(_ file: TemplateFile) {
    templates[((file.path as NSString).lastPathComponent as NSString).deletingPathExtension] = file
    for tag in file.tags where tag.name.hasPrefix("strings.") {
      usedStrings[String(tag.name.dropFirst("strings.".count)), default: tag.place] = tag.place
    }
  }
}
