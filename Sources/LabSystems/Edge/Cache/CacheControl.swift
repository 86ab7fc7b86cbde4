/// The directives of `Cache-Control` that a shared cache obeys (RFC 9111, 5.2; RFC 5861). Unknown ones are skipped; of a
/// directive that comes twice the first counts; a number that is none is 0, which is the careful reading.
struct CacheControl: Equatable {
  private var directives: [(name: String, value: String?)] = []

  init(_ text: String?) {
    guard let text else { return }
    for part in Self.split(text) {
      let pair = part.split(separator: "=", maxSplits: 1)
      guard let first = pair.first else { continue }
      let value = pair.count > 1 ? pair[1].trimmed : nil
      directives.append((first.trimmed.lowercased(), value.map { $0.hasPrefix("\"") && $0.hasSuffix("\"") && $0.utf8.count > 1 ? String($0.dropFirst().dropLast()) : $0 }))
    }
  }

  func has(_ name: String) -> Bool { directives.contains { $0.name == name } }

  /// Seconds; nil when the directive is not there.
  func seconds(_ name: String) -> Int64? {
    guard let directive = directives.first(where: { $0.name == name }) else { return nil }
    guard let value = directive.value, let number = Int64(value), number >= 0 else { return 0 }
    return min(number, 1 << 31)
  }

  static func == (a: CacheControl, b: CacheControl) -> Bool { a.directives.elementsEqual(b.directives) { $0.name == $1.name && $0.value == $1.value } }

  /// At commas outside quotes: `private="Set-Cookie, X", max-age=1` has two directives.
  private static func split(_ text: String) -> [Substring] {
    var parts: [Substring] = []
    var start = text.startIndex
    var isQuoted = false
    for index in text.indices {
      if text[index] == "\"" { isQuoted.toggle() }
      if text[index] == ",", !isQuoted {
        parts.append(text[start..<index])
        start = text.index(after: index)
      }
    }
    parts.append(text[start...])
    return parts
  }
}
