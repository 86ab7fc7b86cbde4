// Do the links of a site lead somewhere? Checked on the finished pages, so that what a reader gets is what is checked.
// Contacts nobody: links to other hosts are not followed.

import Foundation
import TextModel

/// What a page offers to links, and where its own lead: all that has to be kept of a page to check it again later.
public struct PageLinks: Hashable, Sendable {
  /// Relative to the site.
  public var path: String
  /// Values of `id`, sorted.
  public var anchors: [String]
  /// Addresses within the site, as written (`day08.html#x`), sorted, each once.
  public var addresses: [String]

  public init(path: String, anchors: [String], addresses: [String]) {
    (self.path, self.anchors, self.addresses) = (path, anchors, addresses)
  }

  public init(_ page: SitePage) {
    let found = page.html.withMarkupBytes(attributes)
    self.init(path: page.path, anchors: found.ids.sorted(), addresses: found.addresses.filter(isLocal).sorted())
  }

  /// Files beside the notebook that the page shows or offers: pictures, data, documents. Relative, and never above the course.
  public var attachments: [String] {
    let paths = addresses.map { Self.split($0, on: path).path }.filter { path in
      guard let dot = path.lastIndex(of: "."), Self.attached.contains(path[path.index(after: dot)...].lowercased()) else { return false }
      return !path.split(separator: "/", omittingEmptySubsequences: false).contains { $0.isEmpty || $0.hasPrefix(".") }
    }
    return Set(paths).sorted()
  }

  private static let attached: Set<String> = ["png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "pdf", "csv", "json", "txt", "mp4", "webm"]

  /// The pages and files that its addresses name, itself among them when it links within itself.
  public var targets: Set<String> { Set(addresses.map { Self.split($0, on: path).path }) }

  static func split(_ address: String, on page: String) -> (path: String, anchor: String?) {
    let parts = address.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    // What stands behind `?` is for a script or a server, not a name of a file.
    let path = parts[0].prefix { $0 != "?" }
    return (
      path.isEmpty ? page : path.removingPercentEncoding ?? String(path),
      parts.count == 2 && !parts[1].isEmpty ? parts[1].removingPercentEncoding ?? parts[1] : nil
    )
  }
}

/// A warning for each relative link to a page, file or heading that is not in the site.
public func checkLinks(_ pages: [SitePage], assets: [SiteAsset] = []) -> Diagnostics {
  let links = pages.map(PageLinks.init)
  let known = Dictionary(links.map { ($0.path, $0) }, uniquingKeysWith: { a, _ in a })
  let files = Set(assets.map(\.path))
  var findings = Diagnostics()
  for page in links {
    for finding in brokenLinks(of: page, files: files, nearest: { nearestName(to: $0, among: Array(known.keys)) }, page: { known[$0] }) { findings.add(finding) }
  }
  return findings
}

/// What is wrong with one page's links.
///
/// - Parameters:
///   - files: what the site holds besides pages.
///   - nearest: the page whose path is most like one that is not there.
///   - page: a page's anchors; nil when there is no such page.
public func brokenLinks(of links: PageLinks, files: Set<String>, nearest: (String) -> String?, page: (String) -> PageLinks?) -> [Diagnostic] {
  links.addresses.compactMap { address in
    let (path, anchor) = PageLinks.split(address, on: links.path)
    guard let target = path == links.path ? links : page(path) else {
      if files.contains(path) { return nil }
      return Diagnostic(
        "broken-link", .warning, "\(links.path) links to \(address), which is not in the site",
        remedy: nearest(path).map { "did you mean `\($0)`?" } ?? "correct or remove the link", path: links.path)
    }
    guard let anchor, !isIn(target.anchors, anchor) else { return nil }
    return Diagnostic(
      "broken-link", .warning, "\(links.path) links to \(address), but \(path) has no place called `\(anchor)`",
      remedy: nearestName(to: anchor, among: target.anchors).map { "did you mean `#\($0)`?" } ?? "correct or remove the link", path: links.path)
  }
}

/// Whether the sorted `names` hold `name`. A fragment that only asks for text (`#:~:text=`) leads everywhere.
private func isIn(_ names: [String], _ name: String) -> Bool {
  if name.hasPrefix(":~:") { return true }
  var (low, high) = (0, names.count)
  while low < high {
    let middle = (low + high) / 2
    if names[middle] < name { low = middle + 1 } else { high = middle }
  }
  return low < names.count && names[low] == name
}

private func isLocal(_ address: String) -> Bool {
  guard !address.hasPrefix("//"), !address.hasPrefix("/") else { return false }
  // A scheme ends at a colon that stands before any slash.
  return !address.utf8.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "?") }.contains(UInt8(ascii: ":"))
}

/// Values of `id`, `href` and `src` in tags, unescaped. Text between tags cannot match: its `<` is escaped.
private func attributes(_ markup: MarkupBytes) -> (ids: Set<String>, addresses: Set<String>) {
  var ids: Set<String> = []
  var addresses: Set<String> = []
  var i = 0
  while let tag = markup.find(0x3C, from: i) {
    i = tag + 1
    // Attribute by attribute up to the tag's end; the values are quoted.
    while i < markup.count, markup.bytes[i] != 0x3E {
      guard markup.bytes[i] == 0x22 else { i += 1; continue }
      guard let end = markup.find(0x22, from: i + 1) else { return (ids, addresses) }
      if markup.has(" id=", at: i - 4) {
        ids.insert(unescaped(markup.text(i + 1..<end)))
      } else if markup.has(" href=", at: i - 6) || markup.has(" src=", at: i - 5) {
        addresses.insert(unescaped(markup.text(i + 1..<end)))
      }
      i = end + 1
    }
  }
  return (ids, addresses)
}

/// The renderer's five escapes undone.
func unescaped(_ text: String) -> String {
  guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
  return text.replacingOccurrences(of: "&lt;", with: "<").replacingOccurrences(of: "&gt;", with: ">")
    .replacingOccurrences(of: "&quot;", with: "\"").replacingOccurrences(of: "&#39;", with: "'")
    .replacingOccurrences(of: "&amp;", with: "&")
}
