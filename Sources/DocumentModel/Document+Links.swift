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
    guard isReadable else { return [] }
    let start = frontMatter?.upper ?? 0
    let lineOffset = start == 0 ? 0 : source.line(at: max(start - 1, 0))
    var finder = LinkFinder(document: self, searchFrom: start)
    withCmarkTree(maskingLiveValues(source.bytes[start...])) { root in
      walk(root) { node in
        switch cmark_node_get_type(node) {
        case CMARK_NODE_PARAGRAPH, CMARK_NODE_HEADING:
          finder.enter(block: min(Int(cmark_node_get_start_line(node)) + lineOffset, source.lineCount))
        case CMARK_NODE_LINK: finder.add(.link, cmark_node_get_url(node))
        case CMARK_NODE_IMAGE: finder.add(.image, cmark_node_get_url(node))
        case CMARK_NODE_CODE:
          guard let text = cmark_node_get_literal(node), wanted(String(cString: text)) else { break }
          finder.add(.code, text)
        default: break
        }
      }
    }
    return finder.found
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

/// Looks for addresses in the bytes of their blocks, from where the last one was found.
private struct LinkFinder {
  let document: Document
  private(set) var found: [DocumentLink] = []
  private var searchFrom: Int
  /// The block's first line, and where its bytes end.
  private var line = SourceRange(0, 0)
  private var end = 0
  private var isInRegion = false
  /// Bytes that may still be looked at for addresses that are written elsewhere, as thousands of references in one
  /// paragraph are; behind that the block's first line is their place.
  private var missesLeft = 32 << 20

  init(document: Document, searchFrom: Int) { (self.document, self.searchFrom) = (document, searchFrom) }

  mutating func enter(block: Int) {
    let source = document.source
    line = source.contentRange(ofLine: block)
    searchFrom = source.lineRange(block).lower
    end = source.lineRange(min(document.structure.leaf(on: block)?.extent ?? block, source.lineCount)).upper
    let lower = line.lower
    let next = document.regions.firstIndexSorted { $0.range.upper > lower }
    isInRegion = next < document.regions.count && document.regions[next].range.contains(lower)
  }

  mutating func add(_ kind: DocumentLink.Kind, _ text: UnsafePointer<CChar>?) {
    guard let text, !isInRegion else { return }
    let address = String(cString: text)
    let wanted = Array(address.utf8)
    let bytes = document.source.bytes
    var i = searchFrom
    while !wanted.isEmpty, missesLeft > 0, i + wanted.count <= end {
      if bytes[i] == wanted[0], bytes[i..<(i + wanted.count)].elementsEqual(wanted) {
        searchFrom = i + wanted.count
        found.append(DocumentLink(kind: kind, address: address, range: SourceRange(i, searchFrom)))
        return
      }
      i += 1
    }
    missesLeft -= i - searchFrom
    found.append(DocumentLink(kind: kind, address: address, range: line))
  }
}
