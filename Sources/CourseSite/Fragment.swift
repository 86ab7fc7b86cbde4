// Finishing touches on rendered notebooks: live values that were never measured, boxes in which wide tables scroll,
// evidence letters as badges, links between notebooks as links between pages, traces in tables as links to their
// pictures. One pass over the renderer's own output, in which an author's text is escaped and so can never look like one
// of the tags searched for here.

import ExperimentModel

/// A rendered notebook as it stands on a page.
struct Fragment {
  var html: String
  /// The letters whose badges stand in it.
  var evidence: [Evidence]
}

/// - Parameter traces: ids of the traces that the page shows as waterfalls.
func finishedFragment(_ html: String, traces: Set<String> = []) -> Fragment {
  html.withMarkupBytes { bytes in
    var pass = FragmentPass(input: bytes, traces: traces)
    pass.run()
    return Fragment(html: String(decoding: pass.out, as: UTF8.self), evidence: Evidence.allCases.filter(pass.evidence.contains))
  }
}

/// A table in a box of its own that scrolls sideways and can be reached by keyboard.
private let tableBox: StaticString = "<div class=\"table-box\" role=\"region\" aria-label=\"Table\" tabindex=\"0\">\n<table>\n"

func evidenceBadge(_ evidence: Evidence) -> String {
  "<a class=\"badge evidence-\(evidence.rawValue.lowercased())\" href=\"#evidence\" title=\"\(escapedHTML(evidence.meaning))\">evidence \(evidence.rawValue)</a>"
}

private struct FragmentPass {
  let input: MarkupBytes
  let traces: Set<String>
  var out: [UInt8] = []
  var evidence: Set<Evidence> = []
  /// All before it was copied or replaced.
  private var position = 0

  init(input: MarkupBytes, traces: Set<String>) {
    (self.input, self.traces) = (input, traces)
    out.reserveCapacity(input.count + input.count / 16)
  }

  mutating func run() {
    var i = 0
    while let tag = input.find(0x3C, from: i) {
      i = max(replaced(at: tag), tag + 1)
    }
    copy(upTo: input.count)
  }

  /// Handles the tag at `tag`; returns where to look on.
  private mutating func replaced(at tag: Int) -> Int {
    guard tag + 2 < input.count else { return tag }
    switch input.bytes[tag + 1] {
    case UInt8(ascii: "t"): return tableTag(tag)
    case UInt8(ascii: "/"):
      if input.has("</table>\n", at: tag) { return replace(tag..<tag + 9, "</table>\n</div>\n") }
    case UInt8(ascii: "s"):
      // `{{ onoff.on.p99 }}` that no run has filled says so.
      if input.has("<span class=\"value pending\"", at: tag), let opened = input.find(0x3E, from: tag), let end = input.find("</span>", from: opened) {
        copy(upTo: opened + 1)
        return replace(opened + 1..<end, "not yet measured")
      }
    case UInt8(ascii: "p"):
      if input.has("<p><em>", at: tag) { return verdict(tag) }
    case UInt8(ascii: "a"):
      if input.has("<a href=\"", at: tag) { return pageLink(tag) }
    default: break
    }
    return tag
  }

  private mutating func tableTag(_ tag: Int) -> Int {
    if input.has("<table>\n", at: tag) { return replace(tag..<tag + 8, tableBox) }
    // GFM's `align` attribute is not HTML any more; a class says the same to the stylesheet.
    if input.has("<td align=\"", at: tag) || input.has("<th align=\"", at: tag) {
      copy(upTo: tag + 4)
      return replace(tag + 4..<tag + 11, "class=\"align-")
    }
    if !traces.isEmpty, input.has("<td>", at: tag), let end = input.find(0x3C, from: tag + 4), end - tag < 80 {
      let id = input.text(tag + 4..<end)
      if traces.contains(id) { return replace(tag + 4..<end, Array("<a href=\"#trace-\(id)\">\(id)</a>".utf8)) }
    }
    return tag
  }

  /// In verdict lines, `evidence W` becomes a badge that leads to the legend.
  private mutating func verdict(_ tag: Int) -> Int {
    guard let end = input.find("</p>", from: tag), input.has("</em>", at: end - 5) else { return tag }
    let words: StaticString = "evidence "
    var found: [(Int, Evidence)] = []
    var i = tag + 7
    while let word = input.find(words, from: i, before: end - 5) {
      i = word + words.utf8CodeUnitCount
      let starts = word == tag + 7 || input.has(" · ", at: word - 4)
      let ends = i + 1 == end - 5 || input.has(" · ", at: i + 1)
      guard starts, ends, let letter = Evidence(rawValue: input.text(i..<i + 1)) else { continue }
      found.append((word, letter))
    }
    guard !found.isEmpty else { return tag }
    _ = replace(tag..<tag + 3, "<p class=\"verdict\">")
    for (word, letter) in found {
      evidence.insert(letter)
      _ = replace(word..<word + words.utf8CodeUnitCount + 1, Array(evidenceBadge(letter).utf8))
    }
    return position
  }

  /// `day08.md#x` leads to `day08.html#x`; links with a scheme or host stay.
  private mutating func pageLink(_ tag: Int) -> Int {
    let start = tag + 9
    guard let quote = input.find(0x22, from: start) else { return tag }
    var end = start
    while end < quote, input.bytes[end] != 0x23, input.bytes[end] != 0x3F {
      if input.bytes[end] == 0x3A { return tag }
      end += 1
    }
    guard end - start > 3, input.has(".md", at: end - 3), !input.has("//", at: start) else { return tag }
    copy(upTo: end - 3)
    return replace(end - 3..<end, ".html")
  }

  private mutating func copy(upTo end: Int) {
    out.append(contentsOf: input.bytes[position..<max(end, position)])
    position = max(end, position)
  }

  private mutating func replace(_ range: Range<Int>, _ text: StaticString) -> Int {
    copy(upTo: range.lowerBound)
    text.withUTF8Buffer { out.append(contentsOf: $0) }
    position = range.upperBound
    return position
  }

  private mutating func replace(_ range: Range<Int>, _ text: [UInt8]) -> Int {
    copy(upTo: range.lowerBound)
    out.append(contentsOf: text)
    position = range.upperBound
    return position
  }
}
