// Finishing touches on rendered notebooks: evidence letters as badges, links between notebooks as links between pages,
// traces in tables as links to their pictures, and the options and boxes that make the renderer's output part of a page.
// One pass over the renderer's own output, in which an author's text is escaped and so can never look like one of the tags
// searched for here.

import DocumentModel
import ExperimentModel

/// How documents are rendered on pages whose own words are `strings`.
func pageOptions(_ strings: SiteStrings, unsafe: Bool = false) -> HTMLOptions {
  var options = HTMLOptions()
  options.unsafe = unsafe
  options.words = HTMLWords(
    callouts: [
      "note": strings[.calloutNote], "tip": strings[.calloutTip], "important": strings[.calloutImportant], "warning": strings[.calloutWarning],
      "caution": strings[.calloutCaution],
    ],
    footnotes: strings[.footnotes], backToText: strings[.backToText], perfBlock: strings[.perfBlock], pending: strings[.notMeasured],
    table: { strings.text(.table, ["n": "\($0)"]) })
  return options
}

/// A rendered document as it stands on a page.
struct Fragment {
  var html: String
  /// The letters whose badges stand in it.
  var evidence: [Evidence]
}

/// - Parameter traces: ids of the traces that the page shows as waterfalls.
func finishedFragment(_ html: String, _ strings: SiteStrings, traces: Set<String> = []) -> Fragment {
  html.withMarkupBytes { bytes in
    var pass = FragmentPass(input: bytes, badges: { Array(evidenceBadge($0, strings).utf8) }, traces: traces)
    pass.run()
    return Fragment(html: String(decoding: pass.out, as: UTF8.self), evidence: Evidence.allCases.filter(pass.evidence.contains))
  }
}

/// `day08.md#x` in links leads to `day08.html#x`; nothing else is changed.
func pageLinks(_ html: String) -> String {
  html.withMarkupBytes { bytes in
    var pass = FragmentPass(input: bytes, badges: { _ in nil }, traces: [])
    pass.run()
    return String(decoding: pass.out, as: UTF8.self)
  }
}

/// A part of the page that scrolls sideways and that the keyboard reaches.
func scrolling(_ html: String, _ kind: String, label: String) -> String {
  "<div class=\"\(kind)\" role=\"group\" aria-label=\"\(escapedHTML(label))\" tabindex=\"0\">\n\(html)</div>\n"
}

/// The table of a picture's numbers in a box, its heads marked as such.
func scrollingTable(_ html: String, label: String) -> String {
  html.withMarkupBytes { markup in
    guard let start = markup.find("<table>", from: 0), let end = markup.find("</table>\n", from: start).map({ $0 + 9 }) else { return html }
    var table: [UInt8] = []
    table.reserveCapacity(end - start + 256)
    var i = start
    while let head = markup.find("<th", from: i, before: end) {
      table += markup.bytes[i..<head + 3]
      i = head + 3
      if markup.has(">", at: i) || markup.has(" ", at: i) { table += Array(" scope=\"col\"".utf8) }
    }
    table += markup.bytes[i..<end]
    return markup.text(0..<start) + scrolling(String(decoding: table, as: UTF8.self), "table-box", label: label) + markup.text(end..<markup.count)
  }
}

private func evidenceBadge(_ evidence: Evidence, _ strings: SiteStrings) -> String {
  "<a class=\"badge evidence-\(evidence.rawValue.lowercased())\" href=\"#evidence\" title=\"\(escapedHTML(strings.meaning(evidence)))\">evidence \(evidence.rawValue)</a>"
}

/// The letters and what they mean, for templates.
func evidenceContext(_ letters: [Evidence], _ strings: SiteStrings) -> [[String: Any]] {
  letters.map { ["letter": $0.rawValue, "class": "evidence-\($0.rawValue.lowercased())", "meaning": strings.meaning($0)] }
}

extension SiteStrings {
  func meaning(_ evidence: Evidence) -> String {
    switch evidence {
    case .real: self[.evidenceR]
    case .declaredWait: self[.evidenceW]
    case .replay: self[.evidenceP]
    case .simulated: self[.evidenceS]
    case .computed: self[.evidenceC]
    }
  }
}

private struct FragmentPass {
  let input: MarkupBytes
  /// The badge of a letter; nil: none is wanted.
  let badges: (Evidence) -> [UInt8]?
  let traces: Set<String>
  var out: [UInt8] = []
  var evidence: Set<Evidence> = []
  /// All before it was copied or replaced.
  private var position = 0

  init(input: MarkupBytes, badges: @escaping (Evidence) -> [UInt8]?, traces: Set<String>) {
    (self.input, self.badges, self.traces) = (input, badges, traces)
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
    case UInt8(ascii: "t"): return traceCell(tag)
    case UInt8(ascii: "p"):
      if input.has("<p><em>", at: tag) { return verdict(tag) }
    case UInt8(ascii: "a"):
      if input.has("<a href=\"", at: tag) { return pageLink(tag) }
    default: break
    }
    return tag
  }

  private mutating func traceCell(_ tag: Int) -> Int {
    guard !traces.isEmpty, input.has("<td>", at: tag), let end = input.find(0x3C, from: tag + 4), end - tag < 80 else { return tag }
    let id = input.text(tag + 4..<end)
    return traces.contains(id) ? replace(tag + 4..<end, Array("<a href=\"#trace-\(id)\">\(id)</a>".utf8)) : tag
  }

  /// In verdict lines, `evidence W` becomes a badge that leads to the legend.
  private mutating func verdict(_ tag: Int) -> Int {
    guard let end = input.find("</p>", from: tag), input.has("</em>", at: end - 5) else { return tag }
    let words: StaticString = "evidence "
    var found: [(Int, Evidence, [UInt8])] = []
    var i = tag + 7
    while let word = input.find(words, from: i, before: end - 5) {
      i = word + words.utf8CodeUnitCount
      let starts = word == tag + 7 || input.has(" · ", at: word - 4)
      let ends = i + 1 == end - 5 || input.has(" · ", at: i + 1)
      guard starts, ends, let letter = Evidence(rawValue: input.text(i..<i + 1)), let badge = badges(letter) else { continue }
      found.append((word, letter, badge))
    }
    guard !found.isEmpty else { return tag }
    _ = replace(tag..<tag + 3, "<p class=\"verdict\">")
    for (word, letter, badge) in found {
      evidence.insert(letter)
      _ = replace(word..<word + words.utf8CodeUnitCount + 1, badge)
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
