// Escaping for HTML, as cmark escapes, so that our pages and its pages agree.

/// `& < > "` as entities.
func appendEscaped(_ text: some Collection<UInt8>, to out: inout [UInt8]) {
  for byte in text {
    switch byte {
    case 0x26: out += Array("&amp;".utf8)
    case 0x3C: out += Array("&lt;".utf8)
    case 0x3E: out += Array("&gt;".utf8)
    case 0x22: out += Array("&quot;".utf8)
    default: out.append(byte)
    }
  }
}

func escaped(_ text: String) -> String {
  var out: [UInt8] = []
  appendEscaped(text.utf8, to: &out)
  return String(decoding: out, as: UTF8.self)
}

/// A URL for `href` and `src`: what a URL cannot hold is percent-encoded.
func appendURL(_ url: some Collection<UInt8>, to out: inout [UInt8]) {
  let hex = Array("0123456789ABCDEF".utf8)
  for byte in url {
    switch byte {
    case 0x26: out += Array("&amp;".utf8)
    case 0x27: out += Array("&#x27;".utf8)
    case _ where byte.isWord || "-_.+!*(),%#@?=;:/$~".utf8.contains(byte): out.append(byte)
    default: out += [0x25, hex[Int(byte >> 4)], hex[Int(byte & 15)]]
    }
  }
}

/// Schemes that run code or read files; refused in safe mode, as cmark refuses them.
func isUnsafeURL(_ url: String) -> Bool {
  let lower = url.lowercased()
  if lower.hasPrefix("data:") {
    return !["png", "gif", "jpeg", "webp"].contains { lower.hasPrefix("data:image/\($0)") }
  }
  return ["javascript:", "vbscript:", "file:"].contains { lower.hasPrefix($0) }
}
