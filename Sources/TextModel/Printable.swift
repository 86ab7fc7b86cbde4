// Text of unknown origin on its way to a terminal. An escape sequence in a notebook could move the cursor, change the title
// or hide what is about to run; an override of the writing direction shows code in another order than it runs in (Boucher and
// Anderson 2021, "Trojan Source", CVE-2021-42574).

/// The text with `·` for every control character but tab and line feed, and for what changes the writing direction.
public func printable(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: isControl) else { return text }
  return String(String.UnicodeScalarView(text.unicodeScalars.map { isControl($0) ? "·" : $0 }))
}

private func isControl(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x09, 0x0A: false
  case 0..<0x20, 0x7F..<0xA0, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0x061C: true
  default: false
  }
}
