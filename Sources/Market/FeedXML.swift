// Atom and RSS by expat. (Foundation's XMLParser was tried: it links libxml2, which brings 31 MB of ICU tables and 1 ms to every start of nb; expat
// brings 30 µs.) A document type is refused before it is read, so that there are no entities to expand and nothing outside to fetch.

import CExpat

/// One entry of a feed.
public struct FeedEntry: Codable, Hashable, Sendable {
  public var title: String
  public var link: String
  /// ISO; "" without one.
  public var date: String
}

/// Why an answer is not what its feed says it is; a sentence without a full stop.
public struct FeedProblem: Error, Hashable, Sendable {
  public var text: String
  public init(_ text: String) { self.text = text }
}

/// The entries of an Atom or RSS 2.0 document, in its order.
///
/// - Throws: `FeedProblem` for what is no such document, for one with a document type, and beyond the limits.
func feedEntries(_ bytes: [UInt8]) throws(FeedProblem) -> [FeedEntry] {
  guard let parser = XML_ParserCreateNS("UTF-8", 0x7C) else { throw FeedProblem("no memory for the XML reader") }
  defer { XML_ParserFree(parser) }
  let reading = FeedReading(parser)
  XML_SetUserData(parser, Unmanaged.passUnretained(reading).toOpaque())
  XML_SetElementHandler(
    parser, { FeedReading.of($0)?.begin($1, $2) }, { data, _ in FeedReading.of(data)?.end() })
  XML_SetCharacterDataHandler(parser) { FeedReading.of($0)?.text($1, Int($2)) }
  XML_SetStartDoctypeDeclHandler(parser) { data, _, _, _, _ in FeedReading.of(data)?.stop("it has a document type, which is refused") }
  let status = bytes.withUnsafeBytes { XML_Parse(parser, $0.bindMemory(to: CChar.self).baseAddress, Int32($0.count), 1) }
  if let problem = reading.problem { throw FeedProblem(problem) }
  guard status == XML_STATUS_OK else {
    let words = XML_ErrorString(XML_GetErrorCode(parser)).map { String(cString: $0) } ?? "unknown"
    throw FeedProblem("it is not XML: \(words) on line \(XML_GetCurrentLineNumber(parser))")
  }
  guard reading.isFeed else { throw FeedProblem("it is XML, but neither Atom nor RSS") }
  return reading.entries
}

/// State of one reading; a class because expat hands a pointer back.
private final class FeedReading {
  static let depthMax = 64
  static let entriesMax = 200
  static let textMax = 64 << 10

  private let parser: XML_Parser
  private(set) var entries: [FeedEntry] = []
  private(set) var problem: String?
  private(set) var isFeed = false
  private var path: [String] = []
  private var current: [String: String]?
  private var collecting: String?
  private var collected: [UInt8] = []

  init(_ parser: XML_Parser) { self.parser = parser }

  static func of(_ data: UnsafeMutableRawPointer?) -> FeedReading? { data.map { Unmanaged<FeedReading>.fromOpaque($0).takeUnretainedValue() } }

  func stop(_ why: String) {
    problem = problem ?? why
    XML_StopParser(parser, 0)
  }

  private static let atom = "http://www.w3.org/2005/Atom|"

  func begin(_ name: UnsafePointer<CChar>?, _ attributes: UnsafeMutablePointer<UnsafePointer<CChar>?>?) {
    let full = name.map { String(cString: $0) } ?? ""
    path.append(full)
    if path.count > Self.depthMax { return stop("more than \(Self.depthMax) elements within one another") }
    if path.count == 1 { isFeed = full == Self.atom + "feed" || full == "rss" }
    if full == Self.atom + "entry" && path.count == 2 || full == "item" && path.count == 3 {
      current = [:]
      return
    }
    guard current != nil, path.count == entryDepth + 1 else { return }
    if full == Self.atom + "link" {
      let found = pairs(attributes)
      if current?["link"] == nil, found["rel"] == nil || found["rel"] == "alternate" { current?["link"] = found["href"] ?? "" }
      return
    }
    let local = full.hasPrefix(Self.atom) ? String(full.dropFirst(Self.atom.count)) : full
    if !local.contains("|"), ["title", "link", "updated", "published", "pubDate"].contains(local) {
      collecting = local
      collected = []
    }
  }

  private var entryDepth: Int { path.first == "rss" ? 3 : 2 }

  func text(_ bytes: UnsafePointer<CChar>?, _ count: Int) {
    guard collecting != nil, let bytes else { return }
    guard collected.count + count <= Self.textMax else { return stop("a text of more than \(Self.textMax) bytes") }
    collected += UnsafeRawBufferPointer(start: bytes, count: count)
  }

  func end() {
    if let key = collecting, path.count == entryDepth + 1 {
      if current?[key] == nil { current?[key] = trimmed(String(decoding: collected, as: UTF8.self)) }
      collecting = nil
    }
    if path.count == entryDepth, let found = current {
      if entries.count < Self.entriesMax {
        let date = isoDay(found["updated"] ?? found["published"] ?? found["pubDate"] ?? "")
        entries.append(FeedEntry(title: found["title"] ?? "", link: found["link"] ?? "", date: date))
      }
      current = nil
    }
    path.removeLast()
  }

  private func pairs(_ attributes: UnsafeMutablePointer<UnsafePointer<CChar>?>?) -> [String: String] {
    var found: [String: String] = [:]
    var at = attributes
    while let pair = at, let name = pair[0], let value = pair[1] {
      found[String(cString: name)] = String(cString: value)
      at = pair + 2
    }
    return found
  }
}

func trimmed(_ text: String) -> String {
  var text = Substring(text)
  while text.first?.isWhitespace == true { text.removeFirst() }
  while text.last?.isWhitespace == true { text.removeLast() }
  return String(text)
}

/// The day of `2026-11-20T10:00:00Z`, or of RSS's `Fri, 20 Nov 2026 10:00:00 GMT`; "" for anything else.
func isoDay(_ text: String) -> String {
  let head = String(text.prefix(10))
  if CalendarDay(head) != nil { return head }
  let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
  let words = text.split { $0 == " " || $0 == "," }.map(String.init)
  guard let at = words.firstIndex(where: { months.contains($0) }), at > 0, at + 1 < words.count, let day = Int(words[at - 1]), words[at + 1].count == 4
  else { return "" }
  let month = (months.firstIndex(of: words[at]) ?? 0) + 1
  let date = "\(words[at + 1])-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
  return CalendarDay(date) == nil ? "" : date
}
