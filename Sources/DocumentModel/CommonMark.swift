// CommonMark and nothing else: byte for byte what the `cmark` program prints. All of it is libcmark;
// no extension of ours, no front matter, no markers.

import CCmark

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// HTML of a CommonMark document, as `cmark` (or with `unsafe`, `cmark --unsafe`) prints it.
///
/// The time is libcmark's: 0.30.2 is linear but for a few hostile inputs (CVE-2023-22484,
/// CVE-2023-22486), so callers limit the size of what they did not write.
public func commonMarkHTML(_ bytes: [UInt8], unsafe: Bool) -> [UInt8] {
  bytes.withUnsafeBufferPointer { commonMarkHTML($0, unsafe: unsafe) }
}

/// See `commonMarkHTML(_:unsafe:)` for arrays.
public func commonMarkHTML(_ bytes: UnsafeBufferPointer<UInt8>, unsafe: Bool) -> [UInt8] {
  let options = CMARK_OPT_DEFAULT | (unsafe ? CMARK_OPT_UNSAFE : 0)
  return withCmarkTree(bytes) { root in
    guard let html = cmark_render_html(root, options) else { return [] }
    defer { free(html) }
    return Array(UnsafeRawBufferPointer(start: html, count: strlen(html)))
  }
}

/// Parses, and frees the tree afterwards; `body` must not keep a node.
func withCmarkTree<T>(_ bytes: UnsafeBufferPointer<UInt8>, _ body: (OpaquePointer) -> T) -> T {
  let parser = cmark_parser_new(CMARK_OPT_DEFAULT)!
  if let base = bytes.baseAddress {
    base.withMemoryRebound(to: CChar.self, capacity: bytes.count) { cmark_parser_feed(parser, $0, bytes.count) }
  }
  let root = cmark_parser_finish(parser)!
  cmark_parser_free(parser)
  defer { cmark_node_free(root) }
  return body(root)
}

/// See `withCmarkTree(_:_:)` for buffers.
func withCmarkTree<T>(_ bytes: [UInt8], _ body: (OpaquePointer) -> T) -> T {
  bytes.withUnsafeBufferPointer { withCmarkTree($0, body) }
}
