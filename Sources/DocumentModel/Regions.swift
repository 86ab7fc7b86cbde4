// Result regions: what `nb run` wrote between its two markers. They are found over the starts of
// cmark's top-level HTML blocks, so markers inside a fence, a list or a tag stay the author's text.

import Crypto
import TextModel

/// The bytes between `<!-- nb:result ID in=HEX -->` and `<!-- nb:end ID sum=… -->`.
public struct ResultRegion: Hashable, Sendable {
  public var id: String
  /// `in=`: the hash of the inputs the result is of.
  public var inputs: String
  /// `sum=`: the seal that the last run wrote.
  public var sum: String
  /// From the first byte of the one marker to the last of the other, without its line ending.
  public var range: SourceRange
  /// The lines between the markers.
  public var body: SourceRange
  /// Nobody edited the body since.
  public var isSealed: Bool
}

/// The seal of a region's body: the first 10 base64url characters of its SHA-256, CRLF read as LF.
public func seal(_ body: [UInt8]) -> String {
  var text: [UInt8] = []
  text.reserveCapacity(body.count)
  for (i, byte) in body.enumerated() where !(byte == 0x0D && i + 1 < body.count && body[i + 1] == 0x0A) {
    text.append(byte)
  }
  var hash = SHA256()
  text.withUnsafeBytes { hash.update(bufferPointer: $0) }
  let digest = Array(hash.finalize())
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".unicodeScalars)
  var out = ""
  for i in 0..<10 {
    let bit = i * 6
    let pair = Int(digest[bit / 8]) << 8 | Int(digest[bit / 8 + 1])
    out.unicodeScalars.append(alphabet[(pair >> (10 - bit % 8)) & 0x3F])
  }
  return out
}

/// `[a-z][a-z0-9-]*`.
func isRegionID(_ id: some Sequence<UInt8>) -> Bool {
  var first = true
  for byte in id {
    let isLower = (0x61...0x7A).contains(byte)
    guard isLower || (!first && (byte.isDigit || byte == 0x2D)) else { return false }
    first = false
  }
  return !first
}

/// One marker line.
private struct Marker {
  enum Kind { case result, end }
  var kind: Kind
  var id: String
  /// `in=` or `sum=`.
  var value: String
  /// Without trailing blanks.
  var range: SourceRange

  init?(line: Int, in source: SourceText) {
    let content = source.contentRange(ofLine: line)
    range = source.bytes.trimmed(content)
    guard source.bytes.has("<!-- nb:", at: content.lower, before: content.upper) else { return nil }
    let words = source.text(range).split(separator: " ")
    guard words.count == 5, words[0] == "<!--", words[4] == "-->", isRegionID(words[2].utf8) else { return nil }
    let key: String
    switch words[1] {
    case "nb:result": (kind, key) = (.result, "in=")
    case "nb:end": (kind, key) = (.end, "sum=")
    default: return nil
    }
    // A comment with bytes that are no UTF-8 has no end to cmark 0.30.2: what follows would be in it.
    guard words[3].hasPrefix(key), words[3].utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
    id = String(words[2])
    value = String(words[3].dropFirst(key.count))
  }
}

/// All regions in order, and what is wrong with the markers.
func findRegions(_ structure: Structure, _ source: SourceText) -> (regions: [ResultRegion], diagnostics: [Diagnostic]) {
  var regions: [ResultRegion] = []
  var diagnostics: [Diagnostic] = []
  var seen: Set<String> = []
  var open: (marker: Marker, line: Int)?
  func missingEnd(_ marker: Marker) {
    diagnostics.append(
      Diagnostic(
        "region-without-end", .error, "the results of `\(marker.id)` have no end marker",
        remedy: "delete this line and the results below it; `nb run` writes them again", at: marker.range))
  }
  for leaf in structure.leaves where leaf.kind == .html && leaf.isTopLevel {
    guard let marker = Marker(line: leaf.line, in: source) else { continue }
    if marker.kind == .result {
      if let open { missingEnd(open.marker) }
      open = (marker, leaf.line)
      continue
    }
    guard let (start, line) = open, start.id == marker.id else {
      diagnostics.append(
        Diagnostic(
          "region-without-start", .error, "this marker ends results of `\(marker.id)` that do not begin",
          remedy: "delete this line; `nb run` writes the results again", at: marker.range))
      continue
    }
    open = nil
    let body = SourceRange(source.lineRange(line).upper, source.lineRange(leaf.line).lower)
    let isSealed = seal(Array(source.bytes[body.lower..<body.upper])) == marker.value
    regions.append(
      ResultRegion(
        id: marker.id, inputs: start.value, sum: marker.value, range: SourceRange(start.range.lower, marker.range.upper),
        body: body, isSealed: isSealed))
    if !seen.insert(marker.id).inserted {
      diagnostics.append(
        Diagnostic(
          "duplicate-region", .error, "the results of `\(marker.id)` are in this file twice",
          remedy: "delete one of the two, from its `nb:result` line to its `nb:end` line", at: start.range))
    }
  }
  if let open { missingEnd(open.marker) }
  return (regions, diagnostics)
}
