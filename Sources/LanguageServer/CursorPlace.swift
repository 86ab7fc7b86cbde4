// Where in a block the cursor stands, of text that is being typed and so is seldom whole YAML: read by indentation and brackets, which is
// enough to say which keys lead here, what stands beside, and whether a key or a value is begun. Of whole YAML it says what the reader says.

import PerfLanguage
import TextModel

/// What a person is writing at a place of a perf block.
struct CursorPlace {
  /// From the block's root to the mapping that the cursor is in.
  var path: [BlockLevel]
  /// Scalars of that mapping by key.
  var here: [String: String]
  /// The key whose value is being written; nil: a key is.
  var key: String?
  /// The key that a list stands under, when an item is begun: a scalar, or the first key of a mapping.
  var listKey: String?
  /// What is written of the key or value.
  var prefix: SourceRange

  /// - Parameters:
  ///   - lines: of the fence, as ranges of `source`.
  ///   - offset: in or at the end of one of them; else nil.
  init?(_ lines: [SourceRange], in source: SourceText, at offset: Int) {
    guard let current = lines.firstIndex(where: { $0.lower <= offset && offset <= $0.upper }) else { return nil }
    var scanner = BlockScanner(source.bytes)
    for line in lines[..<current] where !scanner.isBlank(line) { scanner.read(line) }
    scanner.read(SourceRange(lines[current].lower, offset), isCursor: true)
    var frames = scanner.frames
    prefix = SourceRange(min(scanner.token, offset), offset)
    key = scanner.key
    if frames.last?.isList == true {
      let owner = frames.last { !$0.isList }?.key
      if scanner.isInBrackets {
        while frames.last?.isList == true { frames.removeLast() }
        key = owner
      } else {
        listKey = owner
        frames.append(Frame(indent: Int.max, isList: false))
      }
    }
    for line in lines[(current + 1)...] { scanner.addSibling(line, to: frames.first) }
    if frames.count > 1, !scanner.isInBrackets, let last = frames.last {
      for line in lines[(current + 1)...] where scanner.addSibling(line, to: last) == false { break }
    }
    let keys = frames.map { $0.key ?? "-" }
    // What follows on the line belongs to the same brackets; it is read last, because it moves on to other keys.
    if scanner.isInBrackets { scanner.brackets(scanner.token, lines[current].upper) }
    path = zip(keys, frames).dropLast().map { BlockLevel($0, $1.scalars) }
    here = frames.last?.scalars ?? [:]
  }
}

/// A mapping or a list that is open while lines go by.
private final class Frame {
  /// Column of its keys, or of its hyphens; Int.max within brackets.
  let indent: Int
  let isList: Bool
  /// Under which the next frame stands.
  var key: String?
  var scalars: [String: String] = [:]
  init(indent: Int, isList: Bool) {
    self.indent = indent
    self.isList = isList
    if isList { key = "-" }
  }
}

private struct BlockScanner {
  let bytes: [UInt8]
  var frames: [Frame] = []
  /// Where the word at the end of what was read begins.
  var token = 0
  /// The key whose value is being read at the end.
  var key: String?
  /// How many of the frames are brackets.
  private var depth = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isInBrackets: Bool { depth > 0 }

  func isBlank(_ line: SourceRange) -> Bool { bytes[line.lower..<line.upper].allSatisfy { $0 == 0x20 } }

  /// - Parameter isCursor: the line ends at the cursor, and what is begun at its end opens what it would open.
  mutating func read(_ line: SourceRange, isCursor: Bool = false) {
    var at = line.lower
    key = nil
    if depth > 0 { return brackets(at, line.upper) }
    skipBlanks(&at, line.upper)
    token = at
    if at < line.upper, bytes[at] == UInt8(ascii: "#") { return }
    while at < line.upper, bytes[at] == UInt8(ascii: "-"), at + 1 == line.upper || bytes[at + 1] == 0x20 {
      openList(at - line.lower)
      at += 1
      skipBlanks(&at, line.upper)
      token = at
    }
    let isItem = frames.last?.isList == true && hasHyphen(line, at)
    guard let colon = colon(from: at, before: line.upper) else {
      if at < line.upper, bytes[at] == UInt8(ascii: "{") || bytes[at] == UInt8(ascii: "[") { return brackets(at, line.upper) }
      if isCursor, !isItem { openMapping(at - line.lower) }
      return
    }
    openMapping(at - line.lower)
    let name = unquoted(at, colon)
    frames.last?.key = name
    at = colon + 1
    skipBlanks(&at, line.upper)
    (token, key) = (at, name)
    if at == line.upper { return }
    if bytes[at] == UInt8(ascii: "{") || bytes[at] == UInt8(ascii: "[") {
      key = nil
      return brackets(at, line.upper)
    }
    frames.last?.scalars[name] = unquoted(at, withoutComment(at, line.upper))
  }

  /// Takes a scalar of a later line into a mapping that is open above it.
  ///
  /// - Returns: false where the mapping has ended.
  @discardableResult
  func addSibling(_ line: SourceRange, to frame: Frame?) -> Bool {
    guard let frame else { return false }
    var at = line.lower
    skipBlanks(&at, line.upper)
    if at == line.upper || at - line.lower > frame.indent { return true }
    guard at - line.lower == frame.indent, let colon = colon(from: at, before: line.upper) else { return false }
    let name = unquoted(at, colon)
    at = colon + 1
    skipBlanks(&at, line.upper)
    frame.scalars[name] = at < line.upper ? unquoted(at, withoutComment(at, line.upper)) : ""
    return true
  }

  // MARK: Lines

  private func skipBlanks(_ at: inout Int, _ end: Int) { while at < end, bytes[at] == 0x20 { at += 1 } }

  private func hasHyphen(_ line: SourceRange, _ at: Int) -> Bool {
    var i = line.lower
    skipBlanks(&i, at)
    return i < at && bytes[i] == UInt8(ascii: "-")
  }

  private mutating func openList(_ column: Int) {
    while let last = frames.last, last.indent > column { frames.removeLast() }
    if frames.last?.isList == true, frames.last?.indent == column { return }
    frames.append(Frame(indent: column, isList: true))
  }

  /// Closes what is indented more than a key at this column, and opens a mapping where there is none.
  private mutating func openMapping(_ column: Int) {
    while let last = frames.last, last.indent > column || last.isList && last.indent >= column { frames.removeLast() }
    guard let last = frames.last, !last.isList, last.indent == column else {
      frames.append(Frame(indent: column, isList: false))
      return
    }
  }

  // MARK: Brackets

  mutating func brackets(_ from: Int, _ end: Int) {
    var at = from
    var start = at
    while at < end {
      switch bytes[at] {
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        frames.append(Frame(indent: Int.max, isList: bytes[at] == UInt8(ascii: "[")))
        depth += 1
        start = at + 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        keep(start, at)
        frames.removeLast()
        depth -= 1
        start = at + 1
        if depth == 0 {
          token = end
          return
        }
      case UInt8(ascii: ","):
        keep(start, at)
        if frames.last?.isList == false { frames.last?.key = nil }
        start = at + 1
      case UInt8(ascii: ":") where frames.last?.isList == false && frames.last?.key == nil && (at + 1 == end || bytes[at + 1] == 0x20):
        frames.last?.key = unquoted(start, at)
        start = at + 1
      case UInt8(ascii: "\""), UInt8(ascii: "'"):
        let quote = bytes[at]
        at += 1
        while at < end, bytes[at] != quote { at += bytes[at] == 0x5C && quote == UInt8(ascii: "\"") ? 2 : 1 }
      case UInt8(ascii: "#") where at > from && bytes[at - 1] == 0x20: at = end
      default: break
      }
      at += 1
    }
    skipBlanks(&start, end)
    token = start
    key = frames.last?.isList == false ? frames.last?.key : nil
  }

  /// A scalar between `{`, `,` and `}`.
  private func keep(_ start: Int, _ end: Int) {
    guard let frame = frames.last, !frame.isList, let key = frame.key else { return }
    let text = unquoted(start, end)
    if !text.isEmpty { frame.scalars[key] = text }
  }

  // MARK: Words

  /// The colon that ends a key.
  private func colon(from start: Int, before end: Int) -> Int? {
    guard start < end, bytes[start] != UInt8(ascii: "{"), bytes[start] != UInt8(ascii: "[") else { return nil }
    var i = start
    if bytes[i] == UInt8(ascii: "\"") || bytes[i] == UInt8(ascii: "'") {
      let quote = bytes[i]
      i += 1
      while i < end, bytes[i] != quote { i += 1 }
    }
    while i < end {
      if bytes[i] == UInt8(ascii: ":"), i + 1 == end || bytes[i + 1] == 0x20 { return i }
      if bytes[i] == UInt8(ascii: "#"), i > start, bytes[i - 1] == 0x20 { return nil }
      i += 1
    }
    return nil
  }

  private func withoutComment(_ start: Int, _ end: Int) -> Int {
    var i = start + 1
    while i < end {
      if bytes[i] == UInt8(ascii: "#"), bytes[i - 1] == 0x20 { return i }
      i += 1
    }
    return end
  }

  private func unquoted(_ start: Int, _ end: Int) -> String {
    var (lower, upper) = (start, max(start, end))
    while lower < upper, bytes[lower] == 0x20 { lower += 1 }
    while upper > lower, bytes[upper - 1] == 0x20 { upper -= 1 }
    if upper - lower >= 2, bytes[lower] == bytes[upper - 1], bytes[lower] == UInt8(ascii: "\"") || bytes[lower] == UInt8(ascii: "'") {
      (lower, upper) = (lower + 1, upper - 1)
    }
    return String(decoding: bytes[lower..<upper], as: UTF8.self)
  }
}
