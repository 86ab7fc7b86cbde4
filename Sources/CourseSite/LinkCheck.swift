// Do the links of a site lead somewhere? Checked on the finished pages, so that what a reader gets is what is checked.
// Contacts nobody: links to other hosts are not followed.

import Foundation
import TextModel

/// A warning for each relative link to a page, file or heading that is not in the site.
public func checkLinks(_ pages: [SitePage], assets: [SiteAsset] = []) -> Diagnostics {
  var findings = Diagnostics()
  let anchors = Dictionary(pages.map { ($0.path, attributeValues("id", in: $0.html)) }, uniquingKeysWith: { a, _ in a })
  let files = Set(assets.map(\.path))
  for page in pages {
    var reported: Set<String> = []
    for address in attributeValues("href", in: page.html).union(attributeValues("src", in: page.html)).sorted() {
      guard isLocal(address), reported.insert(address).inserted else { continue }
      let parts = address.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let path = parts[0].isEmpty ? page.path : parts[0].removingPercentEncoding ?? parts[0]
      guard let known = anchors[path] else {
        if !files.contains(path) {
          findings.add(
            Diagnostic(
              "broken-link", .warning, "\(page.path) links to \(address), which is not in the site",
              remedy: nearestName(to: path, among: Array(anchors.keys)).map { "did you mean `\($0)`?" } ?? "correct or remove the link", path: page.path))
        }
        continue
      }
      guard parts.count == 2, !parts[1].isEmpty else { continue }
      let anchor = parts[1].removingPercentEncoding ?? parts[1]
      if !known.contains(anchor) {
        findings.add(
          Diagnostic(
            "broken-link", .warning, "\(page.path) links to \(address), but \(path) has no place called `\(anchor)`",
            remedy: nearestName(to: anchor, among: Array(known)).map { "did you mean `#\($0)`?" } ?? "correct or remove the link", path: page.path))
      }
    }
  }
  return findings
}

private func isLocal(_ address: String) -> Bool {
  guard !address.hasPrefix("//"), !address.hasPrefix("/") else { return false }
  // A scheme ends at a colon that stands before any slash.
  return !address.prefix { $0 != "/" && $0 != "#" && $0 != "?" }.contains(":")
}

/// Values of an attribute with the renderer's five escapes undone. Text between tags cannot match: its quotes are escaped.
private func attributeValues(_ name: String, in html: String) -> Set<String> {
  var values: Set<String> = []
  var rest = html[...]
  let start = " \(name)=\""
  while let opening = rest.range(of: start), let end = rest[opening.upperBound...].firstIndex(of: "\"") {
    values.insert(
      rest[opening.upperBound..<end].replacingOccurrences(of: "&lt;", with: "<").replacingOccurrences(of: "&gt;", with: ">")
        .replacingOccurrences(of: "&quot;", with: "\"").replacingOccurrences(of: "&#39;", with: "'")
        .replacingOccurrences(of: "&amp;", with: "&"))
    rest = rest[end...]
  }
  return values
}
