/// Entity tags of conditional requests (RFC 9110, 13.1.2).
enum EntityTag {
  /// Whether an `If-None-Match` names this tag. The weak comparison: `W/` makes no difference.
  static func matches(_ wanted: String, _ etag: String) -> Bool {
    if wanted == "*" || wanted == etag { return true }
    let opaque = strong(etag[...])
    return wanted.split(separator: ",").contains { strong(Substring($0.trimmed)) == opaque }
  }

  private static func strong(_ tag: Substring) -> Substring { tag.hasPrefix("W/") ? tag.dropFirst(2) : tag }
}
