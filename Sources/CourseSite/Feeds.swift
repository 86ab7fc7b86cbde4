// For programs that read the site: a map of its pages and an Atom feed of the optimization log. Both need absolute addresses,
// so there is neither without `url:` in course.yml.

import DocumentModel
import Foundation
import Reporting

/// Entries that a feed has at most, the newest.
private let feedEntriesMax = 50

/// sitemap.xml, and feed.xml when there is a log with entries.
///
/// A map says no dates: pages are made from saved results, and the day of a build is not the day of a change.
public func siteFeeds(course: Course, pages: [String], log: Document?, theme: Theme) -> [SiteAsset] {
  guard let url = course.url else { return [] }
  let addresses = pages.filter { $0 != "404.html" }.map { url + ($0 == CoursePage.home.path ? "" : $0) }
  var map = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n"
  for address in addresses { map += "<url><loc>\(escapedHTML(address))</loc></url>\n" }
  var assets = [SiteAsset(path: "sitemap.xml", bytes: Array((map + "</urlset>\n").utf8))]
  if let log { assets.append(SiteAsset(path: feedPath, bytes: Array(atomFeed(url, course, logEntries(of: log), theme.strings(for: course.lang)).utf8))) }
  return assets
}

/// RFC 4287. An entry's id is its address: entries are only appended to the log, so it stays.
private func atomFeed(_ url: String, _ course: Course, _ entries: [ReadLogEntry], _ strings: SiteStrings) -> String {
  let newest = entries.reversed().filter { isDay($0.date) }.prefix(feedEntriesMax)
  let page = url + CoursePage.log.path
  let updated = newest.map(\.date).max().map { "\($0)T00:00:00Z" } ?? "1970-01-01T00:00:00Z"
  var out = """
    <?xml version="1.0" encoding="UTF-8"?>
    <feed xmlns="http://www.w3.org/2005/Atom" xml:lang="\(escapedHTML(course.lang))">
    <title>\(escapedHTML(course.title)): \(escapedHTML(strings[.pageLog]))</title>
    <id>\(escapedHTML(page))</id>
    <link rel="alternate" type="text/html" href="\(escapedHTML(page))"/>
    <link rel="self" type="application/atom+xml" href="\(escapedHTML(url + feedPath))"/>
    <updated>\(updated)</updated>
    <author><name>\(escapedHTML(course.title))</name></author>

    """
  for entry in newest {
    let address = escapedHTML("\(page)#\(entry.anchor)")
    out += """
      <entry>
      <title>\(escapedHTML("\(entry.lesson) · \(entry.block): \(logVerdict(entry.verdict))"))</title>
      <id>\(address)</id>
      <link rel="alternate" type="text/html" href="\(address)"/>
      <updated>\(entry.date)T00:00:00Z</updated>
      <content type="html">\(escapedHTML(logDetails(entry, strings)))</content>
      </entry>

      """
  }
  return out + "</feed>\n"
}

/// `2026-11-23`.
private func isDay(_ text: String) -> Bool {
  let bytes = Array(text.utf8)
  return bytes.count == 10 && bytes.enumerated().allSatisfy { i, byte in i == 4 || i == 7 ? byte == 0x2D : (0x30...0x39).contains(byte) }
}
