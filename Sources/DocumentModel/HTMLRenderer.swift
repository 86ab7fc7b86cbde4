// One walk over cmark's tree, printing HTML as cmark prints it and nb's extensions where their
// tokens or patterns stand. cmark's iterator needs no recursion, so nesting costs no stack.
// Everything printed here is escaped here.

import CCmark
import TextModel

struct HTMLRenderer {
  let input: RenderSource
  let options: HTMLOptions
  let additions: [String: String]
  let fenceAdditions: [String: String]

  var out: [UInt8] = []
  var headings: [Heading] = []
  var anchors = Anchors()
  var cells: [[UInt8]] = []
  /// Output set aside while footnotes are printed: the first entry is the document.
  private var body: [UInt8]?
  private var notes: [Int: [UInt8]] = [:]
  private var currentNote: Int?
  /// Labels in the order of their first reference, and how often each is referred to.
  var noteOrder: [String] = []
  var noteNumbers: [String: (number: Int, uses: Int)] = [:]
  /// In a link or image: no autolinks. In an image: text only.
  var linkDepth = 0
  var imageDepth = 0
  /// `~~` marks by text node.
  var strikes: [OpaquePointer: [Strike]] = [:]
  /// Nodes of a callout's first line, not to be printed again.
  private var hidden: Set<OpaquePointer> = []
  private var callouts: Set<OpaquePointer> = []
  private var tableCount = 0

  init(_ input: RenderSource, _ options: HTMLOptions, additions: [String: String], fenceAdditions: [String: String]) {
    self.input = input
    self.options = options
    self.additions = additions
    self.fenceAdditions = fenceAdditions
  }

  var foundAllNotes: Bool { notes.count + (currentNote == nil ? 0 : 1) == input.notes.count }

  mutating func put(_ text: String) { out += Array(text.utf8) }

  private mutating func line() { if let last = out.last, last != 0x0A { out.append(0x0A) } }

  // MARK: Walks

  mutating func renderCells(_ root: OpaquePointer, count: Int) {
    cmark_consolidate_text_nodes(root)
    var heading = cmark_node_first_child(root)
    while let node = heading, cells.count < count {
      findStrikes(node)
      walk(node) { renderer, child, isEnter in if child != node { renderer.inline(child, isEnter) } }
      cells.append(out)
      out = []
      heading = cmark_node_next(node)
    }
    // Their nodes are about to be freed. Footnotes referred to in tables keep the first numbers.
    strikes = [:]
  }

  mutating func render(_ root: OpaquePointer) {
    cmark_consolidate_text_nodes(root)
    walk(root) { renderer, node, isEnter in
      if cmark_node_get_type(node).rawValue >= CMARK_NODE_FIRST_INLINE.rawValue {
        if !renderer.hidden.contains(node) { renderer.inline(node, isEnter) }
      } else {
        renderer.block(node, isEnter)
      }
    }
  }

  private mutating func walk(_ root: OpaquePointer, _ visit: (inout HTMLRenderer, OpaquePointer, Bool) -> Void) {
    let iterator = cmark_iter_new(root)!
    defer { cmark_iter_free(iterator) }
    while true {
      let event = cmark_iter_next(iterator)
      if event == CMARK_EVENT_DONE { return }
      visit(&self, cmark_iter_get_node(iterator)!, event == CMARK_EVENT_ENTER)
    }
  }

  mutating func finished() -> RenderedDocument {
    endNote()
    if let body { out = body }
    let indices = Dictionary(input.notes.enumerated().map { ($0.element.label, $0.offset) }, uniquingKeysWith: { first, _ in first })
    let shown = noteOrder.compactMap { label in indices[label].map { (label, $0) } }
    if !shown.isEmpty {
      line()
      put("<section class=\"footnotes\"\(options.words.map { " aria-label=\"\(escaped($0.footnotes))\"" } ?? "")>\n<ol>\n")
      for (label, index) in shown {
        put("<li id=\"fn-\(escaped(label))\">\n")
        out += notes[index] ?? []
        put("<a class=\"footnote-back\" href=\"#fnref-\(escaped(label))\" aria-label=\"\(escaped(options.words?.backToText ?? "Back to the text"))\">↩</a>\n</li>\n")
      }
      put("</ol>\n</section>\n")
    }
    return RenderedDocument(html: String(decoding: out, as: UTF8.self), headings: headings)
  }

  private mutating func endNote() {
    if let currentNote {
      notes[currentNote] = out
      self.currentNote = nil
      out = []
    }
  }

  // MARK: Blocks

  private mutating func block(_ node: OpaquePointer, _ isEnter: Bool) {
    switch cmark_node_get_type(node) {
    case CMARK_NODE_BLOCK_QUOTE:
      line()
      if isEnter, let title = calloutTitle(node) {
        callouts.insert(node)
        put("<div class=\"callout callout-\(title.lowercased())\">\n<p class=\"callout-title\">\(escaped(options.words?.callouts[title.lowercased()] ?? title))</p>\n")
      } else {
        let tag = callouts.contains(node) ? "div" : "blockquote"
        put(isEnter ? "<blockquote>\n" : "</\(tag)>\n")
      }
    case CMARK_NODE_LIST:
      line()
      let isBullet = cmark_node_get_list_type(node) == CMARK_BULLET_LIST
      let start = cmark_node_get_list_start(node)
      if isEnter {
        put(isBullet ? "<ul>\n" : start == 1 ? "<ol>\n" : "<ol start=\"\(start)\">\n")
      } else {
        put(isBullet ? "</ul>\n" : "</ol>\n")
      }
    case CMARK_NODE_ITEM:
      if isEnter { line(); put("<li>") } else { put("</li>\n") }
    case CMARK_NODE_HEADING:
      let level = Int(cmark_node_get_heading_level(node))
      if isEnter {
        line()
        let text = plainText(node)
        let id = anchors.anchor(for: text)
        headings.append(Heading(level: level, id: id, text: text))
        put("<h\(level) id=\"\(escaped(id))\">")
        findStrikes(node)
      } else {
        put("</h\(level)>\n")
      }
    case CMARK_NODE_PARAGRAPH:
      let grandparent = cmark_node_parent(node).flatMap(cmark_node_parent)
      let isTight = grandparent.map { cmark_node_get_type($0) == CMARK_NODE_LIST && cmark_node_get_list_tight($0) != 0 } ?? false
      if isEnter { findStrikes(node) }
      if hidden.contains(node) { return }
      if isEnter {
        if !isTight { line(); put("<p>") }
        task(node)
      } else if !isTight {
        put("</p>\n")
      }
    case CMARK_NODE_CODE_BLOCK: code(node)
    case CMARK_NODE_HTML_BLOCK: html(node)
    case CMARK_NODE_THEMATIC_BREAK:
      line()
      put("<hr />\n")
    default: break
    }
  }

  /// `> [!NOTE]` on the first line of a quote: its title; hides that line.
  private mutating func calloutTitle(_ quote: OpaquePointer) -> String? {
    guard let paragraph = cmark_node_first_child(quote), cmark_node_get_type(paragraph) == CMARK_NODE_PARAGRAPH,
      let first = cmark_node_first_child(paragraph), cmark_node_get_type(first) == CMARK_NODE_TEXT
    else { return nil }
    let titles = ["[!NOTE]": "Note", "[!TIP]": "Tip", "[!IMPORTANT]": "Important", "[!WARNING]": "Warning", "[!CAUTION]": "Caution"]
    guard let title = titles[String(cString: cmark_node_get_literal(first)).uppercased()] else { return nil }
    let next = cmark_node_next(first)
    if let next, cmark_node_get_type(next) != CMARK_NODE_SOFTBREAK, cmark_node_get_type(next) != CMARK_NODE_LINEBREAK { return nil }
    hidden.insert(first)
    if let next { hidden.insert(next) } else { hidden.insert(paragraph) }
    return title
  }

  /// `[ ] ` or `[x] ` at the start of an item's first paragraph.
  private mutating func task(_ paragraph: OpaquePointer) {
    guard let item = cmark_node_parent(paragraph), cmark_node_get_type(item) == CMARK_NODE_ITEM,
      cmark_node_first_child(item) == paragraph, let first = cmark_node_first_child(paragraph),
      cmark_node_get_type(first) == CMARK_NODE_TEXT
    else { return }
    let text = String(cString: cmark_node_get_literal(first))
    guard text.hasPrefix("[ ] ") || text.lowercased().hasPrefix("[x] ") else { return }
    put(text.hasPrefix("[ ]") ? "<input disabled=\"\" type=\"checkbox\">" : "<input checked=\"\" disabled=\"\" type=\"checkbox\">")
    cmark_node_set_literal(first, String(text.dropFirst(3)))
    if let marks = strikes[first] { strikes[first] = marks.map { Strike(offset: $0.offset - 3, length: $0.length, isOpen: $0.isOpen) } }
  }

  private mutating func code(_ node: OpaquePointer) {
    line()
    let words = String(cString: cmark_node_get_fence_info(node))
    let info = FenceInfo(words)
    let isTopLevel = cmark_node_parent(node).map { cmark_node_get_type($0) == CMARK_NODE_DOCUMENT } ?? false
    let text = bytes(cmark_node_get_literal(node))
    let body = highlighted(text, language: info.language)
    let isPerf = info.language == "perf" && isTopLevel
    let id = isPerf ? perfField("id", text) : info.id
    if isPerf {
      let name = [perfField("kind", text), id].compactMap(\.self).map(escaped).joined(separator: " ")
      put("<details class=\"perf\"><summary>\(escaped(options.words?.perfBlock ?? "perf block"))\(name.isEmpty ? "" : " <code>\(name)</code>")</summary>\n")
    }
    // cmark's class: the first word of the info string.
    let word = words.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" }).first.map { escaped(String($0)) }
    put(word.map { "<pre><code class=\"language-\($0)\">" } ?? "<pre><code>")
    out += body
    put("</code></pre>\n")
    if isPerf { put("</details>\n") }
    if isTopLevel, let id, let addition = fenceAdditions[id] {
      put(addition)
      line()
    }
  }

  /// A plain top-level scalar of a perf block, for its summary line only; PerfLanguage reads the block.
  private func perfField(_ name: String, _ text: [UInt8]) -> String? {
    for line in text.split(separator: 0x0A) {
      let line = String(decoding: line, as: UTF8.self)
      guard line.hasPrefix(name + ":") else { continue }
      let value = line.dropFirst(name.count + 1).split(separator: " ").first.map(String.init)
      if let value, isRegionID(value.utf8) { return value }
    }
    return nil
  }

  private mutating func html(_ node: OpaquePointer) {
    let text = bytes(cmark_node_get_literal(node))
    if text.count > 8, text.has("<!--", at: 0), let token = text.withUnsafeBufferPointer({ input.token(in: $0, at: 4) }) {
      return part(token.kind, token.number)
    }
    line()
    if options.unsafe { out += text } else { put("<!-- raw HTML omitted -->") }
    line()
  }

  /// A part of nb's, by its token.
  private mutating func part(_ kind: UInt8, _ number: Int) {
    if kind != 0x66 { line() }
    switch kind {
    case 0x72:  // r: a result begins
      put("<section class=\"result\" id=\"result-\(input.document.regions[number].id)\">\n")
    case 0x78:  // x: it ends
      if let addition = additions[input.document.regions[number].id] {
        put(addition)
        line()
      }
      put("</section>\n")
    case 0x74:  // t: a table
      table(input.tables[number])
    default:  // f: a footnote
      if body == nil { body = out; out = [] }
      endNote()
      currentNote = number
    }
  }

  private mutating func table(_ table: RenderSource.Table) {
    tableCount += 1
    // On a page a table scrolls in a box of its own, which the keyboard reaches. GFM's `align` is not HTML any more.
    let words = options.words
    if let words { put("<div class=\"table-box\" role=\"group\" aria-label=\"\(escaped(words.table(tableCount)))\" tabindex=\"0\">\n") }
    let alignment = words == nil ? "align" : "class"
    let prefix = words == nil ? "" : "align-"
    put("<table>\n")
    for (i, row) in table.rows.enumerated() {
      if i == 0 { put("<thead>\n") } else if i == 1 { put("<tbody>\n") }
      put("<tr>\n")
      for (column, cell) in row.enumerated() {
        // A head without a word is none, to a reader who hears it.
        let isEmpty = cell < 0 || cell >= cells.count || cells[cell].isEmpty
        let tag = i == 0 && !(isEmpty && words != nil) ? "th" : "td"
        let side = table.alignments[column]
        let scope = tag == "th" && words != nil ? " scope=\"col\"" : ""
        put(side == .none ? "<\(tag)\(scope)>" : "<\(tag)\(scope) \(alignment)=\"\(prefix)\(side.rawValue)\">")
        if cell >= 0, cell < cells.count { out += cells[cell] }
        put("</\(tag)>\n")
      }
      put("</tr>\n")
      if i == 0 { put("</thead>\n") }
    }
    if table.rows.count > 1 { put("</tbody>\n") }
    put(words == nil ? "</table>\n" : "</table>\n</div>\n")
  }

  func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
    guard let text else { return [] }
    return Array(String(cString: text).utf8)
  }
}
