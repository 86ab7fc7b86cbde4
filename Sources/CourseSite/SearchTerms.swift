// The words of a page, for search: what a reader can see in its main part, in the form in which search.js asks for them.
// Words in scripts without spaces between words (Chinese, Japanese, Korean, Thai …) become overlapping pairs of letters,
// so that search needs no dictionary. Both sides must agree: see `terms` in Themes/default/search.js.

import Foundation

/// What search knows of one page.
public struct SearchPage: Hashable, Sendable {
  /// Relative to the site.
  public var path: String
  public var title: String
  /// The first words of the first paragraph.
  public var excerpt: String
  /// Anchors and texts of its headings, in order.
  public var headings: [(id: String, text: String)]
  /// How much each term stands for this page, 1 … 10.
  public var terms: [String: UInt8]

  public static func == (a: SearchPage, b: SearchPage) -> Bool {
    a.path == b.path && a.title == b.title && a.excerpt == b.excerpt && a.terms == b.terms && a.headings.elementsEqual(b.headings) { $0 == $1 }
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(path) }

  /// - Parameter page: its title is what stands before the course's in `<title>`.
  public init(_ page: SitePage) {
    var reading = PageReading()
    page.html.withMarkupBytes { reading.read($0) }
    path = page.path
    title = reading.title
    excerpt = reading.excerpt
    headings = reading.headings
    var weights = reading.weights
    addTerms(of: title, weight: 32, to: &weights)
    // A logarithm, because the tenth mention says less than the second.
    terms = weights.mapValues { UInt8(min(10, 1 + Int(log2(Double($0))))) }
  }
}

/// Adds `weight` for each term of `text`.
func addTerms(of text: String, weight: Int, to weights: inout [String: Int]) {
  eachTerm(of: text) { weights[$0, default: 0] += weight }
}

/// The terms of a text in order: words in lower case without accents, pairs where words have no spaces between them.
public func searchTerms(_ text: String) -> [String] {
  var terms: [String] = []
  eachTerm(of: text) { terms.append($0) }
  return terms
}

/// Most text is ASCII, and a page has thousands of words: those are cut byte by byte.
private func eachTerm(of text: String, _ body: (String) -> Void) {
  var copy = text
  let isPlain = copy.withUTF8 { bytes -> Bool in
    guard bytes.allSatisfy({ $0 < 0x80 }) else { return false }
    var start = 0
    var digits = 0
    for i in 0...bytes.count {
      let byte = i < bytes.count ? bytes[i] : 0
      switch byte {
      case 0x30...0x39: digits += 1
      case 0x41...0x5A, 0x61...0x7A, 0x5F: break
      default:
        if isTerm(letters: i - start, digits: digits) {
          let end = min(i, start + 32)
          body(String(unsafeUninitializedCapacity: end - start) { word in
            for j in start..<end { word[j - start] = (0x41...0x5A).contains(bytes[j]) ? bytes[j] | 0x20 : bytes[j] }
            return end - start
          })
        }
        (start, digits) = (i + 1, 0)
      }
    }
    return true
  }
  if !isPlain { eachTermOfAnyScript(text, body) }
}

private func eachTermOfAnyScript(_ text: String, _ body: (String) -> Void) {
  var word: [Unicode.Scalar] = []
  var pairs: [Unicode.Scalar] = []
  func endWord() {
    if isTerm(letters: word.count, digits: word.count { (0x30...0x39).contains($0.value) }) { body(bareWord(word)) }
    word.removeAll(keepingCapacity: true)
  }
  func endPairs() {
    if pairs.count == 1 { body(String(pairs[0])) }
    for (a, b) in zip(pairs, pairs.dropFirst()) {
      var term = String.UnicodeScalarView()
      term.append(a)
      term.append(b)
      body(String(term))
    }
    pairs.removeAll(keepingCapacity: true)
  }
  for scalar in text.precomposedStringWithCompatibilityMapping.unicodeScalars {
    if scalar.value >= 0x0E00, isUnspaced(scalar.value) {
      endWord()
      pairs.append(scalar)
    } else if isWordPart(scalar) {
      endPairs()
      word.append(scalar)
    } else {
      endWord()
      endPairs()
    }
  }
  endWord()
  endPairs()
}

private func isWordPart(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
  case 0..<0x80: false
  default: scalar.properties.isAlphabetic || scalar.properties.generalCategory == .nonspacingMark || scalar.properties.generalCategory == .decimalNumber
  }
}

/// Scripts written without spaces, and Hangul, whose words carry their particles.
private func isUnspaced(_ value: UInt32) -> Bool {
  switch value {
  case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3005...0x3007, 0x3040...0x30FF, 0x31F0...0x31FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
    0xAC00...0xD7A3, 0xF900...0xFAFF, 0x20000...0x323AF:
    true
  default: false
  }
}

/// Not what nobody looks for: single letters, numbers, checksums.
private func isTerm(letters: Int, digits: Int) -> Bool {
  letters > 1 && digits < letters && (digits <= 4 || letters <= 12)
}

/// In lower case and without accents, at most 32 letters.
private func bareWord(_ word: [Unicode.Scalar]) -> String {
  var text = String.UnicodeScalarView()
  text.append(contentsOf: word)
  let term = String(text).lowercased()
  var bare = String.UnicodeScalarView()
  for scalar in term.decomposedStringWithCompatibilityMapping.unicodeScalars {
    let category = scalar.properties.generalCategory
    if category != .nonspacingMark, category != .spacingMark, category != .enclosingMark { bare.append(scalar) }
  }
  return String(String.UnicodeScalarView(bare.prefix(32)))
}

/// One walk over a page's tags and text.
private struct PageReading {
  var weights: [String: Int] = [:]
  var headings: [(id: String, text: String)] = []
  var excerpt = ""
  var title = ""

  /// Elements whose words are not the page's own, or only numbers and drawing.
  private static let skipped: [StaticString] = ["<svg", "<nav", "<aside", "<footer", "<script", "<style", "<form", "<details class=\"data\"", "<details class=\"perf\""]
  private static let ends: [StaticString] = ["</svg>", "</nav>", "</aside>", "</footer>", "</script>", "</style>", "</form>", "</details>", "</details>"]

  mutating func read(_ markup: MarkupBytes) {
    if let start = markup.find("<title>", from: 0), let end = markup.find("</title>", from: start) {
      title = plain(markup, start + 7..<end)
      if let course = title.range(of: " · ", options: .backwards) { title = String(title[..<course.lowerBound]) }
    }
    var i = markup.find("<main", from: 0) ?? 0
    let last = markup.find("</main>", from: i) ?? markup.count
    var heading: (id: String, text: String)?
    var isParagraph = false
    while i < last {
      guard let tag = markup.find(0x3C, from: i, before: last) else { break }
      if tag > i {
        let text = plain(markup, i..<tag)
        addTerms(of: text, weight: heading == nil ? 1 : 8, to: &weights)
        heading?.text += text
        if isParagraph, excerpt.utf8.count < 240 { excerpt += text }
      }
      if let end = Self.end(ofSkippedAt: tag, markup, last) {
        i = end
        continue
      }
      guard let close = markup.find(0x3E, from: tag, before: last) else { break }
      let name = markup.bytes[tag + 1]
      if name == UInt8(ascii: "h"), tag + 2 < close, (0x32...0x33).contains(markup.bytes[tag + 2]) {
        heading = (id(markup, tag..<close), "")
      } else if markup.has("</h", at: tag), let ended = heading {
        if !ended.id.isEmpty { headings.append((ended.id, ended.text.trimmingCharacters(in: .whitespacesAndNewlines))) }
        heading = nil
      } else if markup.has("<p>", at: tag), excerpt.isEmpty {
        isParagraph = true
      } else if markup.has("</p>", at: tag) {
        isParagraph = false
      }
      i = close + 1
    }
    excerpt = Self.shortened(excerpt)
  }

  private static func end(ofSkippedAt tag: Int, _ markup: MarkupBytes, _ last: Int) -> Int? {
    for (start, end) in zip(skipped, ends) where markup.has(start, at: tag) {
      return (markup.find(end, from: tag, before: last) ?? last - end.utf8CodeUnitCount) + end.utf8CodeUnitCount
    }
    return nil
  }

  private func id(_ markup: MarkupBytes, _ range: Range<Int>) -> String {
    guard let start = markup.find(" id=\"", from: range.lowerBound, before: range.upperBound), let end = markup.find(0x22, from: start + 5, before: range.upperBound)
    else { return "" }
    return markup.text(start + 5..<end)
  }

  private func plain(_ markup: MarkupBytes, _ range: Range<Int>) -> String {
    let text = markup.text(range)
    guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
    return unescaped(text)
  }

  /// At most 160 characters, cut at a space where there is one.
  private static func shortened(_ text: String) -> String {
    let line = text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    guard line.count > 160 else { return line }
    let cut = line.prefix(160)
    return (cut.lastIndex(of: " ").map { String(cut[..<$0]) } ?? String(cut)) + " …"
  }
}
