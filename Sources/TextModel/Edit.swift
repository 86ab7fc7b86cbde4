/// A replacement of a byte range. Edits are the only way in which nb changes an author's file.
public struct Edit: Hashable, Sendable {
  public var range: SourceRange
  public var replacement: [UInt8]
  public init(_ range: SourceRange, _ replacement: [UInt8]) {
    self.range = range
    self.replacement = replacement
  }
  public init(_ range: SourceRange, _ replacement: String) {
    self.init(range, Array(replacement.utf8))
  }
}

extension SourceText {
  /// This text with every edit applied. Bytes outside the edits' ranges are kept as they are, so
  /// `applying([])` is byte-identical.
  ///
  /// - Precondition: the ranges lie inside the text and do not overlap (touching is allowed; two
  ///   insertions at the same offset keep their order).
  public func applying(_ edits: [Edit]) -> SourceText {
    guard !edits.isEmpty else { return self }
    let ordered = edits.enumerated().sorted {
      ($0.element.range.lower, $0.element.range.upper, $0.offset)
        < ($1.element.range.lower, $1.element.range.upper, $1.offset)
    }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + edits.reduce(0) { $0 + $1.replacement.count })
    var position = 0
    for (_, edit) in ordered {
      precondition(edit.range.lower >= position, "edits overlap")
      precondition(edit.range.upper <= bytes.count, "an edit ends after the text")
      result += bytes[position..<edit.range.lower]
      result += edit.replacement
      position = edit.range.upper
    }
    result += bytes[position...]
    return SourceText(path: path, bytes: result)
  }
}
