// Do the links of a notebook lead somewhere? Relative files, headings and results in them, images, and code that names
// a notebook's part (`nb explain day08.md#onoff`). Contacts nobody: other hosts are not asked.

import DocumentModel
import TextModel

/// The folder that a notebook's relative links start from.
public struct LinkFolder {
  /// Whether there is a file or folder of this relative path.
  public var exists: (String) -> Bool
  /// The places in a Markdown file of this relative path; nil: it cannot be read.
  public var places: (String) -> LinkPlaces?
  public init(exists: @escaping (String) -> Bool, places: @escaping (String) -> LinkPlaces?) {
    self.exists = exists
    self.places = places
  }
}

/// What a link into a notebook can lead to.
public struct LinkPlaces: Sendable {
  public var blocks: [String]
  /// Anchors of headings.
  public var headings: [String]
  private var anchors: Set<String>
  private var names: Set<String>

  public init(_ document: Document) {
    blocks = blockNames(document)
    headings = document.html(HTMLOptions()).headings.map(\.id)
    (anchors, names) = (Set(headings + blocks.map { "result-\($0)" }), Set(blocks))
  }

  /// A heading's anchor, or that of a block's result.
  func has(anchor: String) -> Bool { anchors.contains(anchor) }
  func has(block: String) -> Bool { names.contains(block) }
}

/// Ids of a document's blocks as they are written: `id: NAME` at the margin of a perf fence. For other notebooks, which are not
/// planned only because a link leads to them.
public func blockNames(_ document: Document) -> [String] {
  document.perfFences.compactMap { fence in
    fence.lines.lazy.map { document.source.text($0) }.first { $0.hasPrefix("id:") }.map { line in
      String(line.dropFirst(3).filter { $0 != " " && $0 != "'" && $0 != "\"" })
    }
  }
}

/// Nobody reads more remedies at once, and a name that was perhaps meant is looked for among all there are.
private let remediesMax = 1_000

/// A warning for each link, image or named part that is not there.
public func linkFindings(of notebook: CheckedNotebook, in folder: LinkFolder) -> Diagnostics {
  var findings = Diagnostics()
  func warn(_ cause: String, _ remedy: @autoclosure () -> String, at place: SourceRange) {
    findings.add(Diagnostic(RuleID.brokenLink, .warning, cause, remedy: findings.all.count < remediesMax ? remedy() : nil, at: place))
  }
  var own: LinkPlaces?
  func places(_ path: String) -> LinkPlaces? {
    guard path.isEmpty else { return folder.places(path) }
    if own == nil { own = LinkPlaces(notebook.document) }
    return own
  }
  for link in notebook.document.links() {
    for address in link.kind == .code ? namedParts(link.address) : [link.address] where isRelative(address) {
      let parts = address.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let path = decoded(String(parts[0].prefix { $0 != "?" }))
      // A picture is copied into the site; what lies outside of the course is not.
      if link.kind == .image, path.split(separator: "/").contains("..") {
        warn("the image leads to `\(path)`, outside of this notebook's folder, and no page can show it", "put the picture beside the notebook", at: link.range)
        continue
      }
      // What nb writes beside the notebooks, or will write, is there when the site is built.
      if !path.isEmpty, !folder.exists(path) {
        // A command line may name a file of another folder, from where it is typed.
        if link.kind == .code { continue }
        if path == "optimization-log.md" { continue }
        warn("\(link.kind == .image ? "the image" : "the link") leads to `\(path)`, which is not there", "correct the path: it is relative to this notebook", at: link.range)
        continue
      }
      guard parts.count == 2, !parts[1].isEmpty, path.isEmpty || path.hasSuffix(".md") else { continue }
      let wanted = decoded(parts[1])
      guard let there = places(path) else { continue }
      if link.kind == .code {
        if there.has(block: wanted) { continue }
        warn("`\(address)` names a block that is not there", suggestion(wanted, there.blocks), at: link.range)
        continue
      }
      if there.has(anchor: wanted) { continue }
      warn(
        "`\(path.isEmpty ? notebook.source.path : path)` has no heading or result called `\(wanted)`",
        suggestion(wanted, there.headings + there.blocks.map { "result-\($0)" }), at: link.range)
    }
  }
  return findings
}

private func suggestion(_ word: String, _ names: [String]) -> String {
  nearestName(to: word, among: names).map { "did you mean `\($0)`?" } ?? "correct or remove it"
}

/// No scheme, no host, no path from the root.
private func isRelative(_ address: String) -> Bool {
  !address.isEmpty && !address.hasPrefix("/") && !address.prefix { $0 != "/" && $0 != "#" && $0 != "?" }.contains(":")
}

/// `%20` and its relatives undone; what is no UTF-8 stays as it is.
private func decoded(_ text: String) -> String {
  guard text.contains("%") else { return text }
  var bytes: [UInt8] = []
  var rest = Array(text.utf8)[...]
  while let byte = rest.first {
    if byte == 0x25, rest.count >= 3, let code = UInt8(String(decoding: rest.dropFirst().prefix(2), as: UTF8.self), radix: 16) {
      bytes.append(code)
      rest = rest.dropFirst(3)
    } else {
      bytes.append(byte)
      rest = rest.dropFirst()
    }
  }
  return String(validating: bytes, as: UTF8.self) ?? text
}

/// The words of a code span that name a block of a notebook: `nb explain day08.md#onoff` has one.
private func namedParts(_ code: String) -> [String] {
  code.split(separator: " ").compactMap { word in
    guard let hash = word.firstRange(of: ".md#") else { return nil }
    // `FILE.md#ID` in capitals stands for any.
    let id = word[hash.upperBound...]
    let isName = !id.isEmpty && id.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D }
    return isName ? String(word) : nil
  }
}
