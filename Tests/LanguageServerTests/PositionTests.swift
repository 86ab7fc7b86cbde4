import Foundation
import Statistics
import Testing
import TextModel

@testable import LanguageServer

/// Positions against Foundation's own UTF-16 view.
@Suite struct PositionTests {
  private static let parts = ["a", "é", "漢", "😀", "\u{FEFF}", "\n", "\r\n", "\r", " ", "\u{2028}", "\u{0301}", "`", "👩‍👩‍👧"]

  @Test("a character's offset and its position mean each other", arguments: 0..<60)
  func roundTrip(_ seed: Int) {
    var random = SeededRandom(seed: UInt64(seed) + 1)
    let text = (0..<Int.random(in: 0...80, using: &random)).map { _ in Self.parts.randomElement(using: &random) ?? "" }.joined()
    let source = SourceText(path: "x.md", text: text)
    for encoding in [PositionEncoding.utf8, .utf16] {
      var offset = 0
      for scalar in text.unicodeScalars {
        let position = source.lspPosition(offset, encoding)
        // A position behind a line's \r is its line's end, as is one before it.
        let isInsideEnding = offset > 0 && source.bytes[offset - 1] == 0x0D && scalar == "\n"
        if !isInsideEnding { #expect(source.offset(position, encoding) == offset) }
        offset += scalar.utf8.count
      }
      #expect(source.offset(source.lspPosition(offset, encoding), encoding) == offset)
    }
  }

  @Test("UTF-16 counts as Foundation does", arguments: 0..<30)
  func utf16(_ seed: Int) {
    var random = SeededRandom(seed: UInt64(seed) + 500)
    let line = (0..<30).map { _ in Self.parts.filter { !$0.contains(where: \.isNewline) }.randomElement(using: &random) ?? "" }.joined()
    let source = SourceText(path: "x.md", text: "first\n" + line + "\nlast")
    var offset = 6
    var units = 0
    for scalar in line.unicodeScalars {
      #expect(source.lspPosition(offset, .utf16) == Position(line: 1, character: units))
      offset += scalar.utf8.count
      units += String(scalar).utf16.count
    }
  }

  @Test("positions beyond lines and texts, and inside of characters")
  func beyond() {
    let source = SourceText(path: "x.md", text: "a😀b\r\ncd")
    #expect(source.offset(Position(line: 0, character: 99), .utf16) == 6)
    #expect(source.offset(Position(line: 9, character: 0), .utf16) == 10)
    #expect(source.offset(Position(line: 0, character: 2), .utf16) == 1)
    #expect(source.offset(Position(line: -1, character: -3), .utf16) == 0)
  }
}
