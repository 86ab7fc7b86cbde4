// The text that libyaml reads and where each of its characters stands in the notebook. libyaml counts
// characters from the start of the text; the notebook counts bytes from the start of the file. This is
// the one place that converts between them.

import TextModel

struct BodyText {
  /// The lines joined with `\n`, and a final one: libyaml's marks at the end are then on the last line.
  let bytes: [UInt8]
  /// Offset in the source of every character, and of the end.
  private let offsets: [Int]

  init(_ lines: [SourceRange], in source: SourceText) {
    var bytes: [UInt8] = []
    var offsets: [Int] = []
    for line in lines {
      for offset in line.lower..<line.upper {
        let byte = source.bytes[offset]
        bytes.append(byte)
        if byte & 0xC0 != 0x80 { offsets.append(offset) }
      }
      bytes.append(0x0A)
      offsets.append(line.upper)
    }
    offsets.append(lines.last?.upper ?? 0)
    self.bytes = bytes
    self.offsets = offsets
  }

  /// The place of libyaml's character index; one beyond the text is the text's end.
  func offset(ofCharacter index: Int) -> Int { offsets[min(max(index, 0), offsets.count - 1)] }

  /// A half-open range of character indices, never running backward.
  func range(_ lower: Int, _ upper: Int) -> SourceRange {
    let start = offset(ofCharacter: lower)
    return SourceRange(start, max(start, offset(ofCharacter: upper)))
  }
}
