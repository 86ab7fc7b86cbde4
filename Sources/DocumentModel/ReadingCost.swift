// What a text would cost libcmark 0.30.2, estimated from above in one pass before it sees a byte. Three things take it
// time that grows with the square of the size; every other known one was mended before that version:
//
// - A blank line is matched against every open list (`check_open_blocks`; mended in 0.31.1).
// - Emphasis and links climb to the root from where they are put in (`S_insert_emph`; mended in 0.31.1).
// - A link walks over every image bracket that is open before it (CVE-2023-22486; mended in 0.31.0).
//
// Each is a product of two counts of bytes. Estimates err upwards: code blocks count as prose, and a paragraph
// reaches to the next blank line.

import TextModel

/// Why a text is not read as Markdown; nil for all but hostile ones.
///
/// - Returns: `costly-markdown`, where the estimate passes the limit.
public func obstacle(toReading source: SourceText) -> Diagnostic? {
  source.bytes.withUnsafeBufferPointer { bytes in
    guard let found = ReadingCost.obstacle(in: bytes) else { return nil }
    return Diagnostic(
      "costly-markdown", .error, found.cause, remedy: found.remedy, at: SourceRange(found.offset, min(found.offset + 1, bytes.count)))
  }
}

struct ReadingCost {
  struct Obstacle {
    var offset: Int
    var cause: String
    var remedy: String
  }

  /// Steps from node to node that a document may cost: under half a second, and ten times what 8 MiB of prose, lists and
  /// tables come to.
  static let stepsMax = 50_000_000
  /// Quotes and lists opened by one line. Browsers show 512 levels.
  static let markersMax = 1_000

  /// Levels of quotes, lists and items that may be open here.
  private var depth = 0
  private var steps = 0
  private var isAfterBlank = true
  // Of the paragraph at hand:
  private var paragraphDepth = 0
  private var images = 0

  static func obstacle(in bytes: UnsafeBufferPointer<UInt8>) -> Obstacle? {
    var cost = ReadingCost()
    var start = 0
    while start < bytes.count {
      var end = start
      while end < bytes.count, !bytes[end].isLineEnd { end += 1 }
      if let found = cost.line(bytes, start, end) { return found }
      start = end + (end + 1 < bytes.count && bytes[end] == 0x0D && bytes[end + 1] == 0x0A ? 2 : 1)
    }
    return nil
  }

  private mutating func line(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ end: Int) -> Obstacle? {
    let prefix = Prefix(bytes, start, end)
    if prefix.markers > Self.markersMax {
      return Obstacle(
        offset: start, cause: "this line opens \(prefix.markers) quotes and lists, one inside the other",
        remedy: "at most \(Self.markersMax) are read; take some of the `>` and list marks away")
    }
    let opened = prefix.levels
    // A line behind another one may continue its paragraph wherever it stands.
    depth = isAfterBlank && !prefix.isBlank ? opened : max(depth, opened)
    if prefix.end == end, prefix.isBlank {
      steps += depth
      if steps > Self.stepsMax {
        return Obstacle(
          offset: start, cause: "up to here, blank lines inside \(depth) levels of quotes and lists would take too long to read",
          remedy: "take blank lines or levels away")
      }
    }
    isAfterBlank = prefix.isBlank && !prefix.hasMarker
    if isAfterBlank { (paragraphDepth, images) = (0, 0) } else { paragraphDepth = max(paragraphDepth, depth) }
    return inlines(bytes, start, prefix.end, end)
  }

  private mutating func inlines(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ from: Int, _ end: Int) -> Obstacle? {
    for i in from..<max(end, from) {
      switch bytes[i] {
      case 0x2A, 0x5F: steps += paragraphDepth  // * _
      case 0x5B where i > start && bytes[i - 1] == 0x21: images += 1  // ![
      case 0x5D: steps += paragraphDepth + images  // ]
      default: continue
      }
      if steps > Self.stepsMax {
        let isImages = images > paragraphDepth
        return Obstacle(
          offset: i,
          cause: isImages
            ? "this paragraph would take too long to read: `![` stands \(images) times in it, before many `]`"
            : "emphasis and links inside \(paragraphDepth) levels of quotes and lists would take too long to read",
          remedy: isImages ? "put a blank line between its images" : "take levels of quotes and lists away")
      }
    }
    return nil
  }
}

/// Blanks, `>` and list marks at the start of a line.
private struct Prefix {
  var end: Int
  /// Block quotes, lists and items that a line with this prefix can lie in: an item takes two columns and is two levels.
  var levels = 0
  var markers = 0
  /// Nothing but blanks and `>` on the line.
  var isBlank: Bool
  var hasMarker: Bool { markers > 0 }

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ lineEnd: Int) {
    var i = start
    var isQuotes = true
    scan: while i < lineEnd {
      let endsWord = i + 1 >= lineEnd || bytes[i + 1].isBlank
      switch bytes[i] {
      case 0x20: levels += 1
      case 0x09: levels += 4
      case 0x3E:
        levels += 1
        markers += 1
      case 0x2D, 0x2B, 0x2A:
        guard endsWord else { break scan }
        levels += 2
        markers += 1
        isQuotes = false
      case 0x2E, 0x29:
        guard endsWord, i > start, bytes[i - 1].isDigit else { break scan }
        levels += 2
        markers += 1
        isQuotes = false
      case 0x30...0x39: isQuotes = false
      default: break scan
      }
      i += 1
    }
    end = i
    isBlank = i == lineEnd && isQuotes
  }
}
