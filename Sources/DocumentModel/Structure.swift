// Blocks of a document, from libcmark: which leaf starts on which line, and inside what. Takes only
// the positions of cmark 0.30.2 that are right (starts of blocks, ends of paragraphs). The walk
// uses no recursion, so depth of nesting costs no stack. Never keeps a cmark node.

import CCmark
import TextModel

struct Structure: Sendable {
  struct Leaf: Sendable {
    enum Kind: Sendable { case paragraph, heading, fence, indentedCode, html, rule }
    var kind: Kind
    /// Line of the source, from 1.
    var line: Int
    /// Byte column, from 1.
    var column: Int
    /// Paragraphs: the last line. HTML at top level: the last line, counted from its literal.
    var lastLine: Int
    /// The last line before the next leaf: prose of this leaf lies within.
    var extent: Int
    /// How many block quotes it is in.
    var quotes: Int
    var isTopLevel: Bool
    /// Words of a fence's info string.
    var info: [String]
  }
  private(set) var leaves: [Leaf] = []

  /// Of a text that is not read.
  init() {}

  init(_ source: SourceText, bodyStart: Int) {
    let bytes = maskingLiveValues(source.bytes[bodyStart...])
    let lineOffset = bodyStart == 0 ? 0 : source.line(at: max(bodyStart - 1, 0))
    leaves = withCmarkTree(bytes) { Self.leaves(of: $0, lineOffset, source) }
    for i in leaves.indices {
      leaves[i].extent = i + 1 < leaves.count ? max(leaves[i + 1].line - 1, leaves[i].line) : source.lineCount
    }
  }

  /// The leaf that begins on `line`.
  func leaf(on line: Int) -> Leaf? {
    let first = leaves.firstIndexSorted { $0.line >= line }
    return first < leaves.count && leaves[first].line == line ? leaves[first] : nil
  }

  /// The leaf blocks in order; an explicit climb instead of recursion.
  private static func leaves(of root: OpaquePointer, _ lineOffset: Int, _ source: SourceText) -> [Leaf] {
    var leaves: [Leaf] = []
    var quotes = 0
    var depth = 0
    var node: OpaquePointer? = cmark_node_first_child(root)
    while let current = node {
      let type = cmark_node_get_type(current)
      if type == CMARK_NODE_BLOCK_QUOTE || type == CMARK_NODE_LIST || type == CMARK_NODE_ITEM {
        if let child = cmark_node_first_child(current) {
          if type == CMARK_NODE_BLOCK_QUOTE { quotes += 1 }
          depth += 1
          node = child
          continue
        }
      } else {
        leaves.append(leaf(current, type, lineOffset, quotes: quotes, isTopLevel: depth == 0, source))
      }
      var up: OpaquePointer = current
      while cmark_node_next(up) == nil, let parent = cmark_node_parent(up), parent != root {
        if cmark_node_get_type(parent) == CMARK_NODE_BLOCK_QUOTE { quotes -= 1 }
        depth -= 1
        up = parent
      }
      node = cmark_node_next(up)
    }
    return leaves
  }

  private static func leaf(
    _ node: OpaquePointer, _ type: cmark_node_type, _ lineOffset: Int, quotes: Int, isTopLevel: Bool, _ source: SourceText
  ) -> Leaf {
    let line = min(Int(cmark_node_get_start_line(node)) + lineOffset, source.lineCount)
    var leaf = Leaf(
      kind: .rule, line: line, column: Int(cmark_node_get_start_column(node)),
      lastLine: min(max(Int(cmark_node_get_end_line(node)) + lineOffset, line), source.lineCount), extent: line,
      quotes: quotes, isTopLevel: isTopLevel, info: [])
    switch type {
    case CMARK_NODE_PARAGRAPH: leaf.kind = .paragraph
    case CMARK_NODE_HEADING: leaf.kind = .heading
    case CMARK_NODE_HTML_BLOCK:
      leaf.kind = .html
      // cmark's end of an HTML block is wrong; its literal has one line ending a line.
      var count = 0
      var p = cmark_node_get_literal(node)!
      while p.pointee != 0 {
        if p.pointee == 0x0A { count += 1 }
        p += 1
      }
      leaf.lastLine = min(line + max(count, 1) - 1, source.lineCount)
    case CMARK_NODE_CODE_BLOCK:
      leaf.kind = .indentedCode
      leaf.info = String(cString: cmark_node_get_fence_info(node)).split(separator: " ").map { $0.lowercased() }
      if !leaf.info.isEmpty || !isTopLevel {
        leaf.kind = .fence
      } else if FenceMark(source.contentRange(ofLine: line), in: source.bytes) != nil {
        leaf.kind = .fence
      }
    default: break
    }
    return leaf
  }
}

/// A copy in which filled live values look as they did in braces, in the same number of bytes. A line that begins with `<!--` is an
/// HTML block to CommonMark, and a shown text may hold any mark; without this, filling a value would change the blocks around it,
/// and `clean` could not find its way back.
func maskingLiveValues(_ slice: ArraySlice<UInt8>) -> [UInt8] {
  var bytes = Array(slice)
  let end = LiveMark.shownEnd.utf8CodeUnitCount
  var i = 0
  while i + end <= bytes.count {
    guard bytes[i] == 0x3C, bytes.has("<!--", at: i) else { i += 1; continue }
    if let mark = LiveMark(opening: i, in: bytes, limit: bytes.count) {
      guard let shown = mark.shown(in: bytes, limit: bytes.count) else {
        bytes.replaceSubrange(i..<mark.end, with: repeatElement(0x78, count: mark.end - i))
        i = mark.end
        continue
      }
      let upper = shown.upper + end
      bytes.replaceSubrange(i..<upper, with: [0x7B, 0x7B, 0x20] + Array(repeating: 0x78, count: upper - i - 6) + [0x20, 0x7D, 0x7D])
      i = upper
    } else if bytes.has(LiveMark.shownEnd, at: i) {
      bytes.replaceSubrange(i..<(i + end), with: repeatElement(0x78, count: end))
      i += end
    } else {
      i += 4
    }
  }
  return bytes
}
