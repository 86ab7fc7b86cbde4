// Colours for code at build time: one pass of a small lexer per language that knows comments,
// strings, numbers and keywords. Wrong guesses cost colour, never text: every byte is printed once, escaped.

private struct Lexicon {
  var keywords: Set<String>
  var lineComments: [StaticString] = []
  var hasBlockComments = false
  var quotes: [UInt8] = [0x22, 0x27]
  var ignoresCase = false
  var isYAML = false
  /// Words that begin with a capital letter are types.
  var hasCapitalTypes = false
  /// A string before a colon is a key.
  var hasStringKeys = false
}

private func lexicon(_ language: String) -> Lexicon? {
  func words(_ text: String) -> Set<String> { Set(text.split(separator: " ").map(String.init)) }
  switch language {
  case "swift":
    return Lexicon(
      keywords: words("actor as async await break case catch class continue default defer do else enum extension false fileprivate final for func guard if import in init inout internal is let mutating nil package private protocol public repeat rethrows return self Self some any static struct subscript super switch throw throws true try typealias var where while"),
      lineComments: ["//"], hasBlockComments: true, quotes: [0x22], hasCapitalTypes: true)
  case "c", "h":
    return Lexicon(
      keywords: words("auto break case char const continue default do double else enum extern float for goto if inline int long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while size_t uint32_t uint64_t int32_t int64_t bool NULL"),
      lineComments: ["//"], hasBlockComments: true)
  case "java", "kotlin", "go", "rust":
    return Lexicon(
      keywords: words("abstract as async await boolean break byte case catch chan char class const continue default defer do double dyn else enum extends final finally float fn for fun func go if impl implements import in instanceof int interface let long loop map match mod mut new nil null override package private protected pub public range record return select self short sealed static struct super switch synchronized this throw throws trait try type use val var void volatile when where while yield true false"),
      lineComments: ["//"], hasBlockComments: true, quotes: [0x22, 0x60], hasCapitalTypes: true)
  case "json":
    return Lexicon(keywords: words("true false null"), quotes: [0x22], hasStringKeys: true)
  case "toml", "ini", "properties":
    return Lexicon(keywords: words("true false"), lineComments: ["#"])
  case "js", "javascript", "ts", "typescript":
    return Lexicon(
      keywords: words("async await break case catch class const continue default delete do else export extends false finally for function if import in instanceof let new null of return static super switch this throw true try typeof undefined var void while yield"),
      lineComments: ["//"], hasBlockComments: true, quotes: [0x22, 0x27, 0x60], hasCapitalTypes: true)
  case "python", "py":
    return Lexicon(
      keywords: words("False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield"),
      lineComments: ["#"])
  case "sql":
    return Lexicon(
      keywords: words("add all alter analyze and as asc begin between by case check commit create cross default delete desc distinct drop else end exists explain foreign from group having if in index inner insert integer into is join key left like limit not null offset on or order outer pragma primary query plan real references right rollback select set table text then union unique update using values view when where with without"),
      lineComments: ["--"], hasBlockComments: true, quotes: [0x22, 0x27], ignoresCase: true)
  case "sh", "bash", "shell":
    return Lexicon(
      keywords: words("case do done elif else esac exit export fi for function if in local return set then until while"), lineComments: ["#"])
  case "yaml", "yml", "perf":
    return Lexicon(keywords: words("true false null"), lineComments: ["#"], isYAML: true)
  default: return nil
  }
}

/// Escaped HTML of a block of code, with `<span class="hl-…">` around what the language's lexicon knows.
func highlighted(_ code: [UInt8], language: String) -> [UInt8] {
  var out: [UInt8] = []
  out.reserveCapacity(code.count * 2)
  if ["xml", "html", "svg"].contains(language) { return highlightedMarkup(code) }
  if language == "diff" || language == "patch" { return highlightedDiff(code) }
  guard let lexicon = lexicon(language) else {
    appendEscaped(code, to: &out)
    return out
  }
  func span(_ name: String, _ range: Range<Int>) {
    out += Array("<span class=\"hl-\(name)\">".utf8)
    appendEscaped(code[range], to: &out)
    out += Array("</span>".utf8)
  }
  var i = 0
  var blockCommentsEnd = true
  while i < code.count {
    let byte = code[i]
    if lexicon.lineComments.contains(where: { code.has($0, at: i) }), byte != 0x23 || i == 0 || code[i - 1].isSpace {
      var end = i
      while end < code.count, code[end] != 0x0A { end += 1 }
      span("comment", i..<end)
      i = end
    } else if lexicon.hasBlockComments, blockCommentsEnd, code.has("/*", at: i) {
      guard let close = code.find("*/", in: (i + 2)..<code.count) else { blockCommentsEnd = false; continue }
      span("comment", i..<(close + 2))
      i = close + 2
    } else if lexicon.quotes.contains(byte), !lexicon.isYAML || i == 0 || !code[i - 1].isWord {
      var end = i + 1
      while end < code.count, code[end] != byte, code[end] != 0x0A { end += code[end] == 0x5C ? 2 : 1 }
      end = min(end < code.count && code[end] == byte ? end + 1 : end, code.count)
      span(lexicon.hasStringKeys && isBeforeColon(end, code) ? "key" : "string", i..<end)
      i = end
    } else if byte.isDigit {
      var end = i
      while end < code.count, code[end].isWord || code[end] == 0x2E || code[end] == 0x5F { end += 1 }
      span("number", i..<end)
      i = end
    } else if byte.isLetter || byte == 0x5F {
      var end = i
      while end < code.count, code[end].isWord || code[end] == 0x5F || (lexicon.isYAML && (code[end] == 0x2D || code[end] == 0x2E)) { end += 1 }
      let word = String(decoding: code[i..<end], as: UTF8.self)
      if lexicon.isYAML, end < code.count, code[end] == 0x3A {
        span("key", i..<end)
      } else if lexicon.keywords.contains(lexicon.ignoresCase ? word.lowercased() : word) {
        span("keyword", i..<end)
      } else if lexicon.hasCapitalTypes, (0x41...0x5A).contains(byte) {
        span("type", i..<end)
      } else {
        appendEscaped(code[i..<end], to: &out)
      }
      i = end
    } else {
      appendEscaped(CollectionOfOne(byte), to: &out)
      i += 1
    }
  }
  return out
}
