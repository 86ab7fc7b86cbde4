// Colours for what has no words of a programming language: markup and differences. As in the lexers for code, a wrong guess
// costs colour, never text: every byte is printed once, escaped.

func isBeforeColon(_ index: Int, _ code: [UInt8]) -> Bool {
  var i = index
  while i < code.count, code[i].isSpace { i += 1 }
  return i < code.count && code[i] == 0x3A
}

/// XML and HTML: comments, names of elements and of attributes, their values.
func highlightedMarkup(_ code: [UInt8]) -> [UInt8] {
  var out: [UInt8] = []
  out.reserveCapacity(code.count * 2)
  var i = 0
  var isInTag = false
  while i < code.count {
    let byte = code[i]
    if code.has("<!--", at: i) {
      let end = code.find("-->", in: (i + 4)..<code.count).map { $0 + 3 } ?? code.count
      appendSpan("comment", code[i..<end], to: &out)
      i = end
    } else if !isInTag, byte == 0x3C {
      isInTag = true
      var end = i + 1
      while end < code.count, code[end] == 0x2F || code[end] == 0x3F || code[end] == 0x21 { end += 1 }
      appendEscaped(code[i..<end], to: &out)
      i = nameEnd(end, code)
      if i > end { appendSpan("keyword", code[end..<i], to: &out) }
    } else if isInTag, byte == 0x3E {
      isInTag = false
      appendEscaped(CollectionOfOne(byte), to: &out)
      i += 1
    } else if isInTag, byte == 0x22 || byte == 0x27 {
      var end = i + 1
      while end < code.count, code[end] != byte { end += 1 }
      end = min(end + 1, code.count)
      appendSpan("string", code[i..<end], to: &out)
      i = end
    } else if isInTag, nameEnd(i, code) > i {
      let end = nameEnd(i, code)
      appendSpan("key", code[i..<end], to: &out)
      i = end
    } else {
      appendEscaped(CollectionOfOne(byte), to: &out)
      i += 1
    }
  }
  return out
}

/// Lines that were added and removed, and where they stand.
func highlightedDiff(_ code: [UInt8]) -> [UInt8] {
  var out: [UInt8] = []
  out.reserveCapacity(code.count * 2)
  for (number, line) in code.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
    if number > 0 { out.append(0x0A) }
    switch line.first {
    case 0x2B: appendSpan("add", line, to: &out)
    case 0x2D: appendSpan("remove", line, to: &out)
    case 0x40: appendSpan("comment", line, to: &out)
    default: appendEscaped(line, to: &out)
    }
  }
  return out
}

private func nameEnd(_ start: Int, _ code: [UInt8]) -> Int {
  var end = start
  while end < code.count, code[end].isWord || [0x2D, 0x2E, 0x3A, 0x5F].contains(code[end]) { end += 1 }
  return end
}

private func appendSpan(_ name: String, _ text: ArraySlice<UInt8>, to out: inout [UInt8]) {
  out += Array("<span class=\"hl-\(name)\">".utf8)
  appendEscaped(text, to: &out)
  out += Array("</span>".utf8)
}
