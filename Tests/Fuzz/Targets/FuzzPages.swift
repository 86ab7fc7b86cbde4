// Any text becomes a page: tables, callouts, notes, links, colours. What comes out is well-formed, of known elements and attributes
// only, and nothing in it can run.

import DocumentModel
import TextModel

@Sendable public func fuzzPages(_ bytes: UnsafeRawBufferPointer) throws {
  let document = Document(parsing: SourceText(path: "a.md", bytes: Array(bytes)))
  var options = HTMLOptions()
  for isPage in [false, true] {
    if isPage {
      options.words = HTMLWords(
        callouts: ["note": "Note", "tip": "\"<Tip>", "important": "Important", "warning": "Warning", "caution": "Caution"], footnotes: "\"Notes\"",
        backToText: "<back>", perfBlock: "block", pending: "not yet", table: { "\"Table\" \($0)" })
    }
    let page = document.html(options)
    try MarkupLaws(page.html).check()
    let ids = page.headings.map(\.id)
    try require(Set(ids).count == ids.count, "every heading has an anchor of its own")
  }
}

/// HTML as nb prints it for text that it does not trust.
struct MarkupLaws {
  private let bytes: [UInt8]
  private var at = 0
  private var open: [String] = []

  static let attributes: Set<String> = [
    "align", "alt", "aria-label", "checked", "class", "data-expr", "disabled", "href", "id", "role", "scope", "src", "start", "tabindex", "title", "type",
  ]
  static let elements: Set<String> = [
    "a", "blockquote", "code", "del", "details", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ol", "p", "pre", "section", "span", "strong",
    "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
  ]
  static let empty: Set<String> = ["br", "hr", "img", "input"]

  init(_ html: String) { bytes = Array(html.utf8) }

  func check() throws {
    var copy = self
    try copy.walk()
  }

  private mutating func walk() throws {
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "<"): try tag()
      case UInt8(ascii: ">"): throw broken("a bare >")
      default: at += 1
      }
    }
    try require(open.isEmpty, "still open: \(open)")
  }

  private func broken(_ what: String) -> BrokenLaw {
    BrokenLaw(description: what + " in: " + String(decoding: bytes[max(0, at - 80)..<min(bytes.count, at + 80)], as: UTF8.self))
  }

  private mutating func take(_ text: String) -> Bool {
    guard bytes[at...].starts(with: text.utf8) else { return false }
    at += text.utf8.count
    return true
  }

  private mutating func name() -> String {
    let start = at
    while at < bytes.count, bytes[at] >= 0x61 && bytes[at] <= 0x7A || bytes[at] >= 0x30 && bytes[at] <= 0x39 || bytes[at] == 0x2D { at += 1 }
    return String(decoding: bytes[start..<at], as: UTF8.self)
  }

  private mutating func tag() throws {
    if take("<!-- raw HTML omitted -->") { return }
    if take("</") {
      let closed = name()
      guard take(">"), open.popLast() == closed else { throw broken("</\(closed)> closes nothing") }
      return
    }
    at += 1
    let element = name()
    guard Self.elements.contains(element) || Self.empty.contains(element) else { throw broken("the element <\(element)>") }
    var seen: Set<String> = []
    while take(" "), !take("/") {
      let attribute = name()
      guard Self.attributes.contains(attribute), seen.insert(attribute).inserted, take("=\"") else { throw broken("the attribute `\(attribute)`") }
      let start = at
      while at < bytes.count, bytes[at] != UInt8(ascii: "\"") {
        if bytes[at] == UInt8(ascii: "<") || bytes[at] == UInt8(ascii: ">") { throw broken("`\(attribute)` holds a bracket") }
        at += 1
      }
      let value = String(decoding: bytes[start..<at], as: UTF8.self).lowercased()
      if ["href", "src"].contains(attribute), ["javascript:", "vbscript:", "file:"].contains(where: value.hasPrefix) { throw broken("an address that runs") }
      guard take("\"") else { throw broken("`\(attribute)` never ends") }
    }
    guard take(">") else { throw broken("<\(element) never ends") }
    if Self.elements.contains(element) { open.append(element) }
  }
}
