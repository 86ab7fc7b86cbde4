// Text that becomes HTML or SVG: five characters escaped, control characters that XML forbids dropped.

/// Text fit for element content and for attributes in double or single quotes.
public func escapedMarkup(_ text: String) -> String {
  // Most text needs nothing: then it is not copied.
  if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != 0x26 && $0 != 0x3C && $0 != 0x3E && $0 != 0x22 && $0 != 0x27 }) { return text }
  // Not a view of scalars: that one moves all it has with each text that is appended.
  var out = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": out += "&amp;"
    case "<": out += "&lt;"
    case ">": out += "&gt;"
    case "\"": out += "&quot;"
    case "'": out += "&#39;"
    default:
      switch scalar.value {
      case 0x00...0x08, 0x0B, 0x0C, 0x0E...0x1F, 0x7F...0x9F, 0xFFFE, 0xFFFF: continue
      case 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: continue
      default: out.unicodeScalars.append(scalar)
      }
    }
  }
  return out
}

/// An id for an element that a page may hold several times: `prefix` and eight hex digits of what it shows (FNV-1a), the same
/// in every build.
func elementID(_ prefix: String, _ content: String) -> String {
  var hash: UInt32 = 0x811c_9dc5
  for byte in content.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
  let digits = String(hash, radix: 16)
  return "\(prefix)-" + String(repeating: "0", count: 8 - digits.count) + digits
}
