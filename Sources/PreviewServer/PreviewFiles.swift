// From the path of a request to a file of the site, and to nothing else: not above the folder, not through a link out of
// it, not to hidden files.

import Foundation

struct PreviewFiles: Sendable {
  static let html = "text/html; charset=utf-8"
  private static let types = [
    "html": html, "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "avif": "image/avif",
    "pdf": "application/pdf", "mp4": "video/mp4", "webm": "video/webm",
    "ico": "image/x-icon", "woff2": "font/woff2", "txt": "text/plain; charset=utf-8", "xml": "application/xml; charset=utf-8",
    "json": "application/json", "csv": "text/csv; charset=utf-8",
  ]

  enum Found: Equatable {
    case file([UInt8], type: String)
    /// With the site's own page for it.
    case missing([UInt8]?)
    case refused
  }

  let folder: String

  func look(for path: String) -> Found {
    guard let decoded = path.removingPercentEncoding else { return .refused }
    var parts = decoded.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
    guard decoded.hasPrefix("/"), !decoded.utf8.contains(where: { $0 < 0x20 || $0 == 0x5C }), !parts.contains(where: { $0.hasPrefix(".") }) else { return .refused }
    if parts.isEmpty || decoded.hasSuffix("/") { parts.append("index.html") }
    for name in [parts.joined(separator: "/"), parts.joined(separator: "/") + ".html"] {
      guard let file = real(folder + "/" + name), let root = real(folder), let kind = Self.types[(file as NSString).pathExtension] else { continue }
      guard file.hasPrefix(root + "/") else { return .refused }
      guard let bytes = FileManager.default.contents(atPath: file) else { continue }
      return .file(Array(bytes), type: kind)
    }
    return .missing(FileManager.default.contents(atPath: folder + "/404.html").map(Array.init))
  }

  /// With all links followed; nil: there is nothing.
  private func real(_ path: String) -> String? {
    guard let found = realpath(path, nil) else { return nil }
    defer { free(found) }
    return String(cString: found)
  }
}

/// A page with the preview's script, and with leave to listen to its server.
func withPreview(_ page: [UInt8]) -> [UInt8] {
  var text = String(decoding: page, as: UTF8.self)
  if let policy = text.range(of: "default-src 'none';") { text.replaceSubrange(policy, with: "default-src 'none'; connect-src 'self';") }
  guard let end = text.range(of: "</body>", options: .backwards) else { return page }
  text.insert(contentsOf: "<link rel=\"stylesheet\" href=\"/_nb/preview.css\">\n<script src=\"/_nb/preview.js\" defer></script>\n", at: end.lowerBound)
  return Array(text.utf8)
}
