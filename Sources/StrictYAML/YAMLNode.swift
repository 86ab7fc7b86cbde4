// What a YAML text says, each part with its place in the notebook. Nothing is converted: a scalar is
// its text and its style, and whoever reads it decides whether `40rps` is a rate.

import TextModel

/// A value of a YAML document.
public struct YAMLNode: Hashable, Sendable {
  public enum Content: Hashable, Sendable {
    /// In the order of the text; keys are unique.
    case mapping([YAMLEntry])
    case sequence([YAMLNode])
    case scalar(YAMLScalar)
  }

  public var content: Content
  /// In the notebook. A collection's range ends where its last part ends.
  public var range: SourceRange

  public init(_ content: Content, at range: SourceRange) {
    self.content = content
    self.range = range
  }

  /// The entries of a mapping, else nil.
  public var entries: [YAMLEntry]? {
    if case .mapping(let entries) = content { return entries }
    return nil
  }

  /// The items of a sequence, else nil.
  public var items: [YAMLNode]? {
    if case .sequence(let items) = content { return items }
    return nil
  }

  /// The scalar, else nil.
  public var scalar: YAMLScalar? {
    if case .scalar(let scalar) = content { return scalar }
    return nil
  }

  /// The text of a scalar, else nil.
  public var text: String? { scalar?.text }

  /// Nothing was written: `key:` or `key: null` or `key: ~`.
  public var isNull: Bool {
    guard let scalar, scalar.style == .plain else { return false }
    return scalar.text.isEmpty || scalar.text == "~" || scalar.text == "null"
  }

  /// The value of a key of a mapping.
  public subscript(key: String) -> YAMLNode? { entries?.first { $0.key == key }?.value }

  /// "a mapping", "a list", "nothing" or "text", for messages.
  public var kindName: String {
    switch content {
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .scalar: isNull ? "nothing" : "text"
    }
  }
}

/// `key: value` of a mapping.
public struct YAMLEntry: Hashable, Sendable {
  public var key: String
  public var keyRange: SourceRange
  public var value: YAMLNode
  public init(key: String, keyRange: SourceRange, value: YAMLNode) {
    self.key = key
    self.keyRange = keyRange
    self.value = value
  }
}

/// Text as written, with escapes and folds resolved.
public struct YAMLScalar: Hashable, Sendable {
  /// Quoted counts as text and nothing else; block scalars (`|`, `>`) are quoted too.
  public enum Style: Sendable { case plain, quoted }
  public var text: String
  public var style: Style
  public init(_ text: String, _ style: Style) {
    self.text = text
    self.style = style
  }
}
