// Inlines: as cmark prints them, with tokens resolved, autolinks and strikethrough in text.

import CCmark
import TextModel

/// One `~` or `~~` that opens or closes struck text.
struct Strike {
  var offset: Int
  var length: Int
  var isOpen: Bool
}

extension HTMLRenderer {
  mutating func inline(_ node: OpaquePointer, _ isEnter: Bool) {
    let type = cmark_node_get_type(node)
    if imageDepth > 0, type != CMARK_NODE_IMAGE {
      switch type {
      case CMARK_NODE_TEXT, CMARK_NODE_CODE, CMARK_NODE_HTML_INLINE: appendEscaped(plain(bytes(cmark_node_get_literal(node))), to: &out)
      case CMARK_NODE_SOFTBREAK, CMARK_NODE_LINEBREAK: put(" ")
      default: break
      }
      return
    }
    switch type {
    case CMARK_NODE_TEXT: text(node)
    case CMARK_NODE_SOFTBREAK: put("\n")
    case CMARK_NODE_LINEBREAK: put("<br />\n")
    case CMARK_NODE_CODE:
      put("<code>")
      appendEscaped(plain(bytes(cmark_node_get_literal(node))), to: &out)
      put("</code>")
    case CMARK_NODE_HTML_INLINE:
      if options.unsafe { out += bytes(cmark_node_get_literal(node)) } else { put("<!-- raw HTML omitted -->") }
    case CMARK_NODE_EMPH:
      if isEnter { findStrikes(node) }
      put(isEnter ? "<em>" : "</em>")
    case CMARK_NODE_STRONG:
      if isEnter { findStrikes(node) }
      put(isEnter ? "<strong>" : "</strong>")
    case CMARK_NODE_LINK:
      linkDepth += isEnter ? 1 : -1
      guard isEnter else { return put("</a>") }
      findStrikes(node)
      put("<a href=\"")
      address(node)
      put("\">")
    case CMARK_NODE_IMAGE:
      if isEnter {
        imageDepth += 1
        if imageDepth > 1 { return }
        put("<img src=\"")
        address(node, closes: false)
        put("\" alt=\"")
      } else {
        imageDepth -= 1
        if imageDepth > 0 { return }
        title(node)
        put("\" />")
      }
    default: break
    }
  }

  private mutating func address(_ node: OpaquePointer, closes: Bool = true) {
    let url = plain(bytes(cmark_node_get_url(node)))
    if options.unsafe || !isUnsafeURL(String(decoding: url, as: UTF8.self)) { appendURL(url, to: &out) }
    if closes { title(node) }
  }

  private mutating func title(_ node: OpaquePointer) {
    let title = plain(bytes(cmark_node_get_title(node)))
    guard !title.isEmpty else { return }
    put("\" title=\"")
    appendEscaped(title, to: &out)
  }

  // MARK: Text

  private mutating func text(_ node: OpaquePointer) {
    let text = bytes(cmark_node_get_literal(node))
    var position = 0
    for mark in strikes[node] ?? [] {
      run(text[position..<mark.offset])
      put(mark.isOpen ? "<del>" : "</del>")
      position = mark.offset + mark.length
    }
    run(text[position...])
  }

  /// Text without strikethrough: tokens, and autolinks between them.
  private mutating func run(_ text: ArraySlice<UInt8>) {
    var position = text.startIndex
    var i = position
    while i < text.endIndex {
      if text[i] == input.mark[0], let token = token(in: text, at: i) {
        linked(text[position..<i])
        resolve(token.kind, token.number)
        i = token.end
        position = i
      } else {
        i += 1
      }
    }
    linked(text[position...])
  }

  private func token(in text: ArraySlice<UInt8>, at offset: Int) -> (kind: UInt8, number: Int, end: Int)? {
    text.withUnsafeBufferPointer { buffer in
      input.token(in: buffer, at: offset - text.startIndex).map { ($0.kind, $0.number, $0.end + text.startIndex) }
    }
  }

  private mutating func linked(_ text: ArraySlice<UInt8>) {
    var position = text.startIndex
    if linkDepth == 0 {
      for link in autolinks(in: text) {
        let range = (link.range.lowerBound + text.startIndex)..<(link.range.upperBound + text.startIndex)
        appendEscaped(text[position..<range.lowerBound], to: &out)
        put("<a href=\"\(link.scheme)")
        appendURL(text[range], to: &out)
        put("\">")
        appendEscaped(text[range], to: &out)
        put("</a>")
        position = range.upperBound
      }
    }
    appendEscaped(text[position...], to: &out)
  }

  private mutating func resolve(_ kind: UInt8, _ number: Int) {
    switch kind {
    case 0x76: value(input.values[number])  // v
    case 0x6E: reference(input.references[number])  // n
    case 0x65: appendEscaped(CollectionOfOne(UInt8(number)), to: &out)  // e
    default:  // c: the end of a cell, behind a space of ours
      if out.last == 0x20 { out.removeLast() }
    }
  }

  /// What runs write is one word or number, perhaps emphasised as a whole.
  private mutating func value(_ value: LiveValue) {
    put("<span class=\"\(value.shown == nil ? "value pending" : "value")\" data-expr=\"\(escaped(value.expression))\">")
    var text = value.shown?.replacingEntities() ?? options.words?.pending ?? "{{ \(value.expression) }}"
    var tags: [String] = []
    for (mark, tag) in [("**", "strong"), ("*", "em")] where text.hasPrefix(mark) && text.hasSuffix(mark) && text.utf8.count > 2 * mark.utf8.count {
      text = String(text.dropFirst(mark.count).dropLast(mark.count))
      tags.append(tag)
    }
    put(tags.map { "<\($0)>" }.joined() + escaped(text) + tags.reversed().map { "</\($0)>" }.joined() + "</span>")
  }

  private mutating func reference(_ label: String) {
    var entry = noteNumbers[label] ?? (noteOrder.count + 1, 0)
    if entry.uses == 0 { noteOrder.append(label) }
    entry.uses += 1
    noteNumbers[label] = entry
    let name = escaped(label)
    let id = entry.uses == 1 ? "fnref-\(name)" : "fnref-\(name)-\(entry.uses)"
    put("<sup class=\"footnote-ref\"><a href=\"#fn-\(name)\" id=\"\(id)\">\(entry.number)</a></sup>")
  }

  /// For attributes and code: tokens as the text they stand for.
  func plain(_ text: [UInt8]) -> [UInt8] {
    guard text.contains(input.mark[0]) else { return text }
    var result: [UInt8] = []
    var i = 0
    while i < text.count {
      guard let token = token(in: text[...], at: i) else { result.append(text[i]); i += 1; continue }
      switch token.kind {
      case 0x76:
        let value = input.values[token.number]
        result += Array((value.shown?.replacingEntities() ?? "{{ \(value.expression) }}").utf8)
      case 0x65: result.append(UInt8(token.number))
      default: break
      }
      i = token.end
    }
    return result
  }

  /// The text of a heading, for its anchor and for tables of contents.
  func plainText(_ node: OpaquePointer) -> String {
    var text: [UInt8] = []
    let iterator = cmark_iter_new(node)!
    defer { cmark_iter_free(iterator) }
    while true {
      let event = cmark_iter_next(iterator)
      if event == CMARK_EVENT_DONE { break }
      guard event == CMARK_EVENT_ENTER, let child = cmark_iter_get_node(iterator) else { continue }
      switch cmark_node_get_type(child) {
      case CMARK_NODE_TEXT, CMARK_NODE_CODE: text += bytes(cmark_node_get_literal(child))
      case CMARK_NODE_SOFTBREAK, CMARK_NODE_LINEBREAK: text.append(0x20)
      default: break
      }
    }
    return String(decoding: plain(text), as: UTF8.self)
  }

  // MARK: Strikethrough

  /// Pairs `~` and `~~` among the children of one inline parent; each run is looked at once.
  mutating func findStrikes(_ parent: OpaquePointer) {
    var openers: [(node: OpaquePointer, offset: Int, length: Int)] = []
    var touched: Set<OpaquePointer> = []
    var child = cmark_node_first_child(parent)
    while let node = child {
      child = cmark_node_next(node)
      guard cmark_node_get_type(node) == CMARK_NODE_TEXT else { continue }
      let text = bytes(cmark_node_get_literal(node))
      var i = 0
      while i < text.count {
        guard text[i] == 0x7E else { i += 1; continue }
        let start = i
        while i < text.count, text[i] == 0x7E { i += 1 }
        let length = i - start
        guard length <= 2 else { continue }
        let opens = i < text.count ? !text[i].isSpace : isInk(cmark_node_next(node))
        let closes = start > 0 ? !text[start - 1].isSpace : isInk(cmark_node_previous(node))
        // At most one opener of each length is open: a third level means the second never closed.
        if closes, let match = openers.lastIndex(where: { $0.length == length }) {
          let opener = openers[match]
          strikes[opener.node, default: []].append(Strike(offset: opener.offset, length: length, isOpen: true))
          strikes[node, default: []].append(Strike(offset: start, length: length, isOpen: false))
          touched.formUnion([opener.node, node])
          openers.removeSubrange(match...)
        } else if opens {
          openers.removeAll { $0.length == length }
          openers.append((node, start, length))
        }
      }
    }
    for node in touched { strikes[node]!.sort { $0.offset < $1.offset } }
  }

  private func isInk(_ node: OpaquePointer?) -> Bool {
    guard let node else { return false }
    let type = cmark_node_get_type(node)
    return type != CMARK_NODE_SOFTBREAK && type != CMARK_NODE_LINEBREAK
  }
}

extension String {
  /// The entities that runs write into shown texts (`shownEntities`); any other is the author's and stays as it is.
  func replacingEntities() -> String {
    guard utf8.contains(0x26) else { return self }
    var result = ""
    var rest = self[...]
    while let at = rest.firstIndex(of: "&") {
      result += rest[..<at]
      rest = rest[at...]
      if let known = shownEntities.first(where: { rest.hasPrefix($0.entity) }) {
        result.unicodeScalars.append(known.character)
        rest = rest.dropFirst(known.entity.count)
      } else {
        result += "&"
        rest = rest.dropFirst()
      }
    }
    return result + rest
  }
}
