// `nb theme`: a theme of one's own to begin with, and whether one is in order. What a theme is, is CourseSite's.

import ArgumentParser
import CourseSite
import Foundation
import TextModel

struct ThemeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "theme", abstract: "Themes: what the course's pages look like.", subcommands: [ThemeNewCommand.self, ThemeCheckCommand.self])
}

struct ThemeNewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "A copy of the default theme in Themes/NAME, to change.",
    discussion: "Every file says at its top what it is. A file that you do not change may be deleted: the default theme's is taken then.")

  @Argument(help: "Letters, digits, `-` and `_`.") var name: String

  func validate() throws {
    guard isThemeName(name) else { throw ValidationError("a theme's name has letters, digits, `-` and `_`") }
  }

  func run() throws {
    let workspace = Workspace.here
    let folder = workspace.root + "/Themes/" + name
    do {
      if access(folder, F_OK) == 0 {
        throw FileError("theme-exists", "there is a theme of this name already", remedy: "choose another name, or remove the folder", path: folder)
      }
      let files = try themeCopy(of: themeFolder(Theme.standard, workspace), name: name)
      try makeFolder(workspace.root + "/Themes")
      try makeFolder(folder)
      try makeFolder(folder + "/strings")
      for file in files { try writeFileAtomically(folder + "/" + file.path, file.bytes) }
      Output.standard("\(files.count) files in \(folder)/; write `theme: \(name)` in course.yml, then `nb build`\n")
    } catch let error as FileError {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
  }
}

struct ThemeCheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Whether a theme's templates and texts are in order.",
    discussion: "Mistakes are errors with file and line; texts that a language lacks are warnings.")

  @Argument(help: "A theme; default: the course's own.") var name: String?

  func run() throws {
    let workspace = Workspace.here
    var findings = Diagnostics()
    var wanted = name ?? Theme.standard
    if name == nil, workspace.isCourse, let source = try? SourceText(contentsOf: workspace.courseFile) {
      wanted = Course(yaml: source, diagnostics: &findings).theme
      findings = Diagnostics()
    }
    guard isThemeName(wanted) else { throw ValidationError("a theme's name has letters, digits, `-` and `_`") }
    let theme: Theme
    do {
      theme = try Theme(folder: themeFolder(wanted, workspace), base: themeFolder(Theme.standard, workspace))
    } catch {
      Output.diagnostics(error.diagnostics, in: nil)
      throw Exit.failed
    }
    for language in theme.languages { findings.add(contentsOf: theme.warnings(for: language)) }
    Output.diagnostics(findings, in: nil)
    Output.error("theme \(wanted): in order; languages \(theme.languages.joined(separator: ", "))\n")
  }
}

private func isThemeName(_ name: String) -> Bool {
  !name.isEmpty && name.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D || $0 == 0x5F }
}

/// The course's own Themes/NAME, then the installed one, then the one of the checkout that nb was
/// built in.
func themeFolder(_ name: String, _ workspace: Workspace) -> String {
  let executable = (executablePath() as NSString).deletingLastPathComponent
  // PREFIX/bin/nb has its themes in PREFIX/share/nb.
  var others = [(executable as NSString).deletingLastPathComponent + "/share/nb"]
  var folder = executable
  while folder.count > 1 {
    others.append(folder)
    folder = (folder as NSString).deletingLastPathComponent
  }
  return Theme.find(name, course: workspace.course, others: others) ?? workspace.root + "/Themes/\(name)"
}
