// What a feed said on a day: `market/snapshot/ID.json`. Facts are judged against it, so that judging needs no network and two people judge alike.

import Foundation

/// The part of a feed's answer that is kept.
public struct FeedSnapshot: Codable, Hashable, Sendable {
  public var id: String
  public var url: String
  /// The day on which it was asked, ISO.
  public var fetched: String
  /// `latest_release` with `latest_date` and `latest_link` of Atom and RSS; else the feed's own fields.
  public var fields: [String: String]
  /// The newest, at most 20.
  public var entries: [FeedEntry]

  /// Reads an answer as the feed's kind says.
  ///
  /// - Parameter type: the answer's media type; "" is anything.
  /// - Throws: `FeedProblem` for an answer of another kind.
  public init(_ feed: MarketFeed, answer bytes: [UInt8], type: String, today: String) throws(FeedProblem) {
    (id, url, fetched, fields, entries) = (feed.id, feed.url, today, [:], [])
    let media = type.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
    if media.hasSuffix("html") { throw FeedProblem("it answers a web page (\(media)) where \(feed.kind.rawValue) is expected") }
    switch feed.kind {
    case .atom, .rss:
      entries = Array(try feedEntries(bytes).prefix(20))
      if let latest = entries.first(where: { !Self.isPreview(Self.tag($0)) }) {
        fields = ["latest_release": Self.tag(latest), "latest_title": latest.title, "latest_date": latest.date, "latest_link": latest.link]
      }
    case .json:
      guard let object = try? JSONSerialization.jsonObject(with: Data(bytes), options: [.fragmentsAllowed]) else { throw FeedProblem("it is not JSON") }
      for (name, path) in feed.fields { fields[name] = Self.text(at: path, of: object) }
      if !feed.fields.isEmpty, fields.isEmpty { throw FeedProblem("it has none of the fields \(feed.fields.keys.sorted().joined(separator: ", "))") }
    case .text:
      guard let text = String(validating: bytes, as: UTF8.self) else { throw FeedProblem("it is not UTF-8") }
      for (name, pattern) in feed.fields {
        guard let regex = try? Regex(pattern), let match = text.firstMatch(of: regex) else { continue }
        fields[name] = String(text[match.count > 1 ? match[1].range ?? match.range : match.range].prefix(500))
      }
      if !feed.fields.isEmpty, fields.isEmpty { throw FeedProblem("none of its fields is found in the text") }
    }
  }

  /// What a release is called: the end of its address, as code hosts have it, else its title.
  private static func tag(_ entry: FeedEntry) -> String {
    if entry.link.contains("/releases/tag/"), let tag = entry.link.split(separator: "/").last {
      return String(tag).removingPercentEncoding ?? String(tag)
    }
    return entry.title
  }

  /// `-rc.1`, `beta2`, `1.0.0-M3`, `.dev4`: not what people run.
  private static func isPreview(_ tag: String) -> Bool {
    guard let regex = try? Regex("(?i)(alpha|beta|preview|nightly|[-.]?rc[-.]?\\d|[-.]m\\d|\\.dev\\d)") else { return false }
    return tag.firstMatch(of: regex) != nil
  }

  /// `result.releases.0.name` of a JSON value, where it is text, a number or a truth value.
  private static func text(at path: String, of root: Any) -> String? {
    var now = root
    for part in path.split(separator: ".").map(String.init) {
      if let object = now as? [String: Any], let next = object[part] {
        now = next
      } else if let list = now as? [Any], let index = Int(part), list.indices.contains(index) {
        now = list[index]
      } else {
        return nil
      }
    }
    if let text = now as? String { return String(text.prefix(500)) }
    return (now as? NSNumber)?.stringValue
  }

  /// Sorted keys and a final line ending: a snapshot is in git.
  public func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return [UInt8](try encoder.encode(self)) + [0x0A]
  }

  public init?(json bytes: [UInt8]) {
    guard let read = try? JSONDecoder().decode(FeedSnapshot.self, from: Data(bytes)) else { return nil }
    self = read
  }
}
