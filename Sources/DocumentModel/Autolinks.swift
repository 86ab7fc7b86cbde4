// GFM's extended autolinks (www., http://, https://, ftp://, e-mail) in a run of text. Linear: what
// was looked at and refused is not looked at again.

struct Autolink {
  var range: Range<Int>
  /// Put before the text to make the address: "", "http://" or "mailto:".
  var scheme: String
}

/// The links in `text`, in order.
func autolinks(in text: ArraySlice<UInt8>) -> [Autolink] {
  let bytes = Array(text)
  var links: [Autolink] = []
  var i = 0
  var consumed = 0
  while i < bytes.count {
    switch bytes[i].lowercased {
    case 0x77, 0x68, 0x66:  // w h f
      guard i == consumed || i == 0 || " \t\n*_~(\"'".utf8.contains(bytes[i - 1]) else { i += 1; continue }
      let scheme: StaticString? =
        has("www.", bytes, i) ? "www." : has("http://", bytes, i) ? "http://" : has("https://", bytes, i) ? "https://" : has("ftp://", bytes, i) ? "ftp://" : nil
      guard let scheme else { i += 1; continue }
      let isBare = scheme.utf8CodeUnitCount == 4
      let start = isBare ? i : i + scheme.utf8CodeUnitCount
      let domain = domainEnd(bytes, start)
      guard domain.isValid else { i = max(domain.end, i + 1); continue }
      let end = linkEnd(bytes, start, domain.end)
      links.append(Autolink(range: i..<end, scheme: isBare ? "http://" : ""))
      i = end
      consumed = end
    case 0x40:  // @
      var lower = i
      while lower > consumed, isLocal(bytes[lower - 1]) { lower -= 1 }
      var upper = i + 1
      var dots = 0
      while upper < bytes.count, bytes[upper].isWord || [0x2D, 0x5F, 0x2E].contains(bytes[upper]) {
        if bytes[upper] == 0x2E {
          guard upper + 1 < bytes.count, bytes[upper + 1].isWord else { break }
          dots += 1
        }
        upper += 1
      }
      if lower < i, upper > i + 1, dots > 0, bytes[upper - 1].isWord {
        links.append(Autolink(range: lower..<upper, scheme: "mailto:"))
      }
      consumed = max(upper, i + 1)
      i = consumed
    default: i += 1
    }
  }
  return links
}

private func has(_ text: StaticString, _ bytes: [UInt8], _ offset: Int) -> Bool {
  guard offset + text.utf8CodeUnitCount <= bytes.count else { return false }
  for k in 0..<text.utf8CodeUnitCount where bytes[offset + k].lowercased != text.utf8Start[k] { return false }
  return true
}

private func isLocal(_ byte: UInt8) -> Bool { byte.isWord || [0x2E, 0x2B, 0x2D, 0x5F].contains(byte) }

/// A valid domain has a dot, and no underscore in its last two parts.
private func domainEnd(_ bytes: [UInt8], _ start: Int) -> (end: Int, isValid: Bool) {
  var i = start
  var dots = 0
  var underscores = (before: 0, last: 0)
  while i < bytes.count {
    let byte = bytes[i]
    if byte == 0x5F {
      underscores.last += 1
    } else if byte == 0x2E {
      underscores = (underscores.last, 0)
      dots += 1
    } else if !byte.isWord, byte != 0x2D, byte < 0x80 {
      break
    }
    i += 1
  }
  return (i, i > start && bytes[start].isWord && dots > 0 && underscores.before == 0 && underscores.last == 0)
}

/// Up to a space or `<`, without the punctuation, unmatched `)` and entity at the end.
private func linkEnd(_ bytes: [UInt8], _ start: Int, _ from: Int) -> Int {
  var end = from
  while end < bytes.count, !bytes[end].isSpace, bytes[end] != 0x3C { end += 1 }
  var depth = 0
  for byte in bytes[start..<end] { depth += byte == 0x28 ? 1 : byte == 0x29 ? -1 : 0 }
  while end > start {
    let byte = bytes[end - 1]
    if "?!.,:*_~'\"".utf8.contains(byte) {
      end -= 1
    } else if byte == 0x29, depth < 0 {
      depth += 1
      end -= 1
    } else if byte == 0x3B {
      var k = end - 2
      while k > start, bytes[k].isWord { k -= 1 }
      guard k > start, bytes[k] == 0x26, k < end - 2 else { end -= 1; continue }
      end = k
    } else {
      break
    }
  }
  return end
}
