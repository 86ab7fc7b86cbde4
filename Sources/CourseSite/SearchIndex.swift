// The search index as files that a page loads with <script>: a page opened from a disk may not fetch anything else. A
// query loads the list of pages once, for each word the one file ("shard") that holds all words beginning alike, and a
// small file for each result shown.
//
//   search/index.js     the pages' names, and how many shards there are
//   search/s17.js       lines `term postings`, sorted; a posting is the distance to the page before in base 36, then A … J
//   search/p/day08.js   excerpt and headings of one page
//
// Files depend on the words alone: a page that changed changes the shards of the words that it lost or gained.

import Foundation

public struct SearchIndex: Sendable {
  /// Paths and titles of the pages in their order: lessons first.
  public let pages: [(path: String, title: String)]
  public let shardCount: Int
  /// How many of them are lessons: those teach a word, others only mention it.
  private let lessons: Int

  public init(pages: [(path: String, title: String)], lessons: Int) {
    self.pages = pages
    self.lessons = lessons
    shardCount = pages.count <= 32 ? 32 : pages.count <= 128 ? 128 : 512
  }

  public static let folder = "search"
  public static let detailFolder = "search/p"
  public static let pagesPath = "search/index.js"

  /// All files of the index of pages with these paths.
  public static func paths(of pages: [String]) -> [String] {
    [pagesPath] + (0..<SearchIndex(pages: pages.map { ($0, "") }, lessons: 0).shardCount).map(shardPath) + pages.map(detailPath)
  }

  /// What `pagesFile` was made from; nil: the bytes are something else.
  public static func pages(in bytes: [UInt8]) -> [(path: String, title: String)]? {
    guard let start = bytes.firstIndex(of: 0x22), let end = bytes.lastIndex(of: 0x22), start < end,
      let text = try? JSONDecoder().decode(String.self, from: Data(bytes[start...end]))
    else { return nil }
    return text.split(separator: "\n").map { line in
      let tab = line.firstIndex(of: "\t") ?? line.endIndex
      return (line[..<tab] + ".html", String(line[tab...].dropFirst()))
    }
  }

  public var pagesFile: SiteAsset {
    let lines = pages.map { "\(Self.name($0.path))\t\(Self.oneLine($0.title))\n" }.joined()
    return SiteAsset(path: Self.pagesPath, bytes: Array("nbSearch.index(\(shardCount),\(lessons),\(Self.quoted(lines)));\n".utf8))
  }

  public static func detailFile(_ page: SearchPage) -> SiteAsset {
    let lines = page.headings.map { "\($0.id)\t\(oneLine($0.text))\n" }.joined()
    return SiteAsset(
      path: detailPath(page.path), bytes: Array("nbSearch.page(\(quoted(page.path)),\(quoted(page.excerpt)),\(quoted(lines)));\n".utf8))
  }

  public static func detailPath(_ page: String) -> String { "search/p/\(name(page)).js" }

  /// A page's path without its ending, which all have.
  private static func name(_ page: String) -> String { page.hasSuffix(".html") ? String(page.dropLast(5)) : page }

  public static func shardPath(_ number: Int) -> String { "search/s\(number).js" }

  /// The shard of a term: FNV-1a over its first three letters, or its first where letters come in pairs, so that all
  /// terms that begin as a query does are in one file.
  public func shard(of term: String) -> Int {
    let scalars = term.unicodeScalars
    let length = (scalars.first?.value ?? 0) >= 0x0E00 ? 1 : 3
    var hash: UInt32 = 2_166_136_261
    for byte in String(String.UnicodeScalarView(scalars.prefix(length))).utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return Int(hash % UInt32(shardCount))
  }

  /// All shards of these pages, in order of number; `terms` runs parallel to `pages`.
  public func shards(_ terms: [[String: UInt8]]) -> [SiteAsset] {
    var postings: [[String: [(page: Int, weight: UInt8)]]] = Array(repeating: [:], count: shardCount)
    for (page, own) in terms.enumerated() {
      for (term, weight) in own { postings[shard(of: term)][term, default: []].append((page, weight)) }
    }
    return postings.enumerated().map { number, shard in file(number, shard) }
  }

  /// The shard files that change when a page's terms do.
  ///
  /// - Parameter shard: a shard's present bytes.
  /// - Returns: new bytes by number; nil when a present file cannot be read: then all must be made anew.
  public func updated(
    _ page: Int, from old: [String: UInt8], to new: [String: UInt8], shard read: (Int) -> [UInt8]?
  ) -> [Int: [UInt8]]? {
    var changed: [Int: [(term: String, weight: UInt8?)]] = [:]
    for (term, _) in old where new[term] == nil { changed[shard(of: term), default: []].append((term, nil)) }
    for (term, weight) in new where old[term] != weight { changed[shard(of: term), default: []].append((term, weight)) }
    var files: [Int: [UInt8]] = [:]
    for (number, changes) in changed {
      guard let bytes = read(number), var postings = Self.parsed(bytes) else { return nil }
      for (term, weight) in changes {
        var list = postings[term] ?? []
        list.removeAll { $0.page == page }
        if let weight {
          list.insert((page, weight), at: list.firstIndex { $0.page > page } ?? list.count)
        }
        postings[term] = list.isEmpty ? nil : list
      }
      files[number] = file(number, postings).bytes
    }
    return files
  }

  private func file(_ number: Int, _ postings: [String: [(page: Int, weight: UInt8)]]) -> SiteAsset {
    var lines = ""
    for (term, list) in postings.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
      lines += term
      lines += " "
      var before = -1
      for (page, weight) in list {
        lines += String(page - before, radix: 36)
        lines.unicodeScalars.append(Unicode.Scalar(0x40 + weight))
        before = page
      }
      lines += "\n"
    }
    return SiteAsset(path: Self.shardPath(number), bytes: Array("nbSearch.shard(\(number),\(Self.quoted(lines)));\n".utf8))
  }

  private static func parsed(_ bytes: [UInt8]) -> [String: [(page: Int, weight: UInt8)]]? {
    guard let start = bytes.firstIndex(of: 0x22), let end = bytes.lastIndex(of: 0x22), start < end else { return nil }
    var postings: [String: [(page: Int, weight: UInt8)]] = [:]
    // Terms hold no quotes and no backslashes: the only escape is that of the line's end.
    var line = start + 1
    while line < end {
      guard let space = bytes[line..<end].firstIndex(of: 0x20), let stop = bytes[space..<end].firstIndex(of: 0x5C) else { return nil }
      var list: [(page: Int, weight: UInt8)] = []
      var page = -1
      var distance = 0
      for byte in bytes[space + 1..<stop] {
        switch byte {
        case 0x30...0x39: distance = distance * 36 + Int(byte - 0x30)
        case 0x61...0x7A: distance = distance * 36 + Int(byte - 0x61) + 10
        case 0x41...0x4A:
          page += distance
          distance = 0
          list.append((page, byte - 0x40))
        default: return nil
        }
      }
      postings[String(decoding: bytes[line..<space], as: UTF8.self)] = list
      line = stop + 2
    }
    return postings
  }

  private static func oneLine(_ text: String) -> String { text.replacingOccurrences(of: "\t", with: " ").replacingOccurrences(of: "\n", with: " ") }

  /// A JavaScript string; `<` is escaped so that no HTML parser ever sees the end of a script in it.
  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\t": out += "\\t"
      case "<": out += "\\u003C"
      default:
        if scalar.value < 0x20 || scalar.value == 0x2028 || scalar.value == 0x2029 {
          out += "\\u" + String(repeating: "0", count: 4 - String(scalar.value, radix: 16).count) + String(scalar.value, radix: 16)
        } else {
          out.unicodeScalars.append(scalar)
        }
      }
    }
    return out + "\""
  }
}
