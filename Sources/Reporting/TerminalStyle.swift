// What a terminal can show. The caller asks the terminal and the environment (NO_COLOR); nothing here does.

/// How a text for a terminal is drawn.
public struct TerminalStyle: Hashable, Sendable {
  /// Only ASCII: for terminals, logs and fonts without block characters.
  public var isASCII: Bool
  /// With SGR colour codes; without it a text holds no control character but line endings.
  public var hasColor: Bool
  /// Columns of a picture's drawing area; labels and notes may stand right of it.
  public var columns: Int

  public init(ascii: Bool = false, color: Bool = false, columns: Int = 60) {
    isASCII = ascii
    hasColor = color
    self.columns = min(max(columns, 20), 400)
  }

  /// A name or sentence from outside as harmless text on one line, cut at `limit` characters.
  func text(_ text: String, limit: Int = 200) -> String {
    let line = oneLine(text).trimmingSpaces
    let cut = line.count > limit ? line.prefix(limit - 1) + "…" : line[...]
    return own(String(cut))
  }

  /// A text of nb's own: as it is, or in ASCII.
  func own(_ text: String) -> String { isASCII ? asciiText(text) : text }

  func bold(_ text: String) -> String { hasColor ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

  /// Subjects differ by their place and name first; colour only helps.
  func colored(_ text: String, as index: Int) -> String {
    hasColor && !text.isEmpty ? "\u{1B}[\(Self.palette[index % Self.palette.count])m\(text)\u{1B}[0m" : text
  }

  private static let palette = [34, 33, 32, 35, 36, 31]
}

/// The text with nb's own typography replaced, and `?` for everything else beyond ASCII.
func asciiText(_ text: String) -> String {
  var out = ""
  for scalar in text.replacing(" · ", with: "; ").unicodeScalars {
    switch scalar {
    case "µ", "μ": out += "u"
    case "−", "–", "—": out += "-"
    case "…": out += "..."
    case "→": out += "->"
    case "÷": out += "/"
    case "∞": out += "inf"
    case "’": out += "'"
    case "\u{2009}", "\u{00A0}": out += " "
    default: out.unicodeScalars.append(scalar.isASCII ? scalar : "?")
    }
  }
  return out
}
