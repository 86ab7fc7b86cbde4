// Where a notebook leads: links, images, and code that names a notebook's part (`day04.md#pricing`). cmark says what is a
// link; its place is the address's first occurrence in its block's lines, because cmark's inline positions cannot be trusted.

import CCmark
import TextModel

/// A link, an image or a name in code.
public struct DocumentLink: Hashable, Sendable {
  public enum Kind: Sendable { case link, image, code }
  public var kind: Kind
  /// As cmark reads it: escapes resolved. For code the whole text of the span.
  public var address: String
  /// The address in its block; the block's first line when it is written elsewhere, as by a reference definition.
  public var range: SourceRange
}

extension Document {
  /// Every link, image and code span that `wanted` wants, outside of results, in the order of the text.
  ///
  /// - Parameter wanted: of a code span's text; without it those with `.md#`.
  public func links(code wanted: (String) -> Bool = { $0.contains(".md#") }) -> [DocumentLink] {
    let start = frontMatter?.upper ?? 0
    let lineOffset = start == 0 ? 0 : source.line(at: max(start - 1, 0))
    var found: [DocumentLink] = []
    var searchFrom = start
    withCmarkTree(maskingLiveValues(source.bytes[start...])) { root in
      var block = 1
      walk(root) { node in
        switch cmark_node_get_type(node) {
        case CMARK_NODE_PARAGRAPH, CMARK_NODE_HEADING:
          block = min(Int(cmark_node_get_start_line(node)) + lineOffset, source.lineCount)
          searchFrom = source.lineRange(block).lower
        case CMARK_NODE_LINK: add(.link, cmark_node_get_url(node), block, &searchFrom, &found)
        case CMARK_NODE_IMAGE: add(.image, cmark_node_get_url(node), block, &searchFrom, &found)
        case CMARK_NODE_CODE:
          guard let text = cmark_node_get_literal(node), wanted(String(cString: text)) else { break }
          add(.code, text, block, &searchFrom, &found)
        default: break
        }
      }
    }
    return found
  }

  private func add(
    _ kind: DocumentLink.Kind, _ text: UnsafePointer<CChar>?, _ block: Int, _ searchFrom: inout Int, _ found: inout [DocumentLink]
  ) {
    guard let text else { return }
    let address = String(cString: text)
    let line = source.contentRange(ofLine: block)
    if let region = regions.first(where: { $0.range.upper > line.lower }), region.range.contains(line.lower) { return }
    let wanted = Array(address.utf8)
    let leaf = structure.leaves.first { $0.line == block }
    let end = source.lineRange(min(leaf?.extent ?? block, source.lineCount)).upper
    var i = searchFrom
    while !wanted.isEmpty, i + wanted.count <= end {
      if source.bytes[i] == wanted[0], source.bytes[i..<(i + wanted.count)].elementsEqual(wanted) {
        searchFrom = i + wanted.count
        found.append(DocumentLink(kind: kind, address: address, range: SourceRange(i, searchFrom)))
        return
      }
      i += 1
    }
    found.append(DocumentLink(kind: kind, address: address, range: line))
  }

  /// Every node below `root`, parents first; a climb instead of recursion, so that depth costs no stack.
  private func walk(_ root: OpaquePointer, _ visit: (OpaquePointer) -> Void) {
    var node: OpaquePointer? = cmark_node_first_child(root)
    while let current = node {
      visit(current)
      if let child = cmark_node_first_child(current) {
        node = child
        continue
      }
      var up: OpaquePointer = current
      while cmark_node_next(up) == nil, let parent = cmark_node_parent(up), parent != root { up = parent }
      node = cmark_node_next(up)
    }
  }
}
