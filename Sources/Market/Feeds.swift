// `market/feeds.yml`: the only addresses that `nb market refresh` ever asks, and what of each answer is kept.

import StrictYAML
import TextModel

/// An address that says something about the market, and how it says it.
public struct MarketFeed: Hashable, Sendable {
  public enum Kind: String, CaseIterable, Sendable { case atom, rss, json, text }
  public var id: String
  public var kind: Kind
  public var url: String
  /// For JSON the path of each field, such as `result.releases.0.latest.name`; for text a regular expression with one group.
  public var fields: [String: String]

  /// The file name of its snapshot, without `.json`.
  public var snapshotName: String { String(id.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-") ? $0 : "-" }) }
}

/// Reads the list of feeds. A feed with a mistake is left out and reported.
public func loadFeeds(_ source: SourceText, diagnostics: inout Diagnostics) -> [MarketFeed] {
  guard let root = YAMLNode(parsing: source, limits: YAMLLimits(bytes: 1 << 20), diagnostics: &diagnostics) else { return [] }
  var reader = MarketReader()
  defer { diagnostics.add(contentsOf: reader.findings) }
  guard let list = reader.items(root, "feeds", file: "a feeds file", example: "- id: \"github:grafana/k6\"") else { return [] }
  return reader.feeds(YAMLNode(.sequence(list), at: root["feeds"]?.range ?? root.range))
}

/// An address over https, or over http on this machine, where a test's server is; no user, no fragment.
public func isFetchable(_ url: String) -> Bool {
  let lowered = url.lowercased()
  guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !url.contains("#") else { return false }
  func authority(_ scheme: String) -> String? {
    guard lowered.hasPrefix(scheme) else { return nil }
    let text = String(lowered.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" })
    return text.isEmpty || text.contains("@") ? nil : text
  }
  if authority("https://") != nil { return true }
  guard let host = authority("http://") else { return false }
  return ["127.0.0.1", "localhost", "[::1]"].contains { host == $0 || host.hasPrefix($0 + ":") }
}

extension MarketReader {
  mutating func feeds(_ list: YAMLNode) -> [MarketFeed] {
    guard let items = list.items else {
      report(MarketDiagnosticID.wrongType, "`feeds` is a list, not \(list.kindName)", "begin with `- id:`", list.range)
      return []
    }
    var feeds: [MarketFeed] = []
    for item in items {
      guard let entry = entry(item, Self.feed) else { continue }
      guard let kind = MarketFeed.Kind(rawValue: entry["type"]) else {
        let words = MarketFeed.Kind.allCases.map(\.rawValue)
        report(
          MarketDiagnosticID.wrongType, "`type` is one of \(words.joined(separator: ", ")), not `\(entry["type"])`",
          nearestName(to: entry["type"], among: words).map { "did you mean `\($0)`?" } ?? "how the address answers", entry.place("type"))
        continue
      }
      guard isFetchable(entry["url"]) else {
        report(
          MarketDiagnosticID.badAddress, "`\(entry["url"])` is not an https address", "a feed is asked over https, without user name and fragment",
          entry.place("url"))
        continue
      }
      var feed = MarketFeed(id: entry["id"], kind: kind, url: entry["url"], fields: [:])
      for field in item["fields"]?.entries ?? [] {
        guard let text = field.value.text, kind != .text || (try? Regex(text)) != nil else {
          report(
            MarketDiagnosticID.wrongType, "the field `\(field.key)` is a path, for text a regular expression", "such as result.releases.0.latest.name",
            field.value.range)
          continue
        }
        feed.fields[field.key] = text
      }
      if feeds.contains(where: { $0.id == feed.id || $0.snapshotName == feed.snapshotName }) {
        reportDuplicate("feeds", feed.id, "their snapshots would be one file: choose another id", entry)
      } else {
        feeds.append(feed)
      }
    }
    return feeds
  }

  private static let feed = EntryShape(
    noun: "a feed", required: ["id", "type", "url"], optional: ["fields", "note"],
    meaning: ["id": "what a fact's `check` calls it, such as \"github:grafana/k6\"", "type": "atom, rss, json or text", "url": "its https address"])
}
