// Strict YAML: libyaml's events become nodes with places. What YAML allows and people trip over is an
// error here: duplicate keys, tabs, anchors, aliases, tags, further documents, `yes` and `no`.
// Never evaluates anything, never reads a file.

import CYAML
import TextModel

/// Limits of one YAML text.
public struct YAMLLimits: Sendable {
  public var bytes: Int
  public var depth: Int
  public init(bytes: Int = 64 << 10, depth: Int = 16) {
    self.bytes = bytes
    self.depth = depth
  }
}

extension YAMLNode {
  /// Reads the body of a fence.
  ///
  /// - Parameters:
  ///   - lines: the content of each line, without line endings, as ranges of `source`.
  ///   - place: where to report what concerns the whole text, such as that it is empty.
  /// - Returns: nil after a syntax error (`yaml-syntax`, `tab`, `too-deep`, an alias, …), of which
  ///   the first is reported. After the other errors (`duplicate-key`, `yaml-boolean`, …), of which all
  ///   are reported, reading goes on.
  public init?(
    lines: [SourceRange], in source: SourceText, at place: SourceRange, limits: YAMLLimits = YAMLLimits(),
    diagnostics: inout Diagnostics
  ) {
    var reader = YAMLReader(BodyText(lines, in: source), place: place, limits: limits)
    let root = reader.readText(lines, source)
    diagnostics.add(contentsOf: reader.findings)
    guard let root else { return nil }
    self = root
  }

  /// Reads a whole file.
  public init?(parsing source: SourceText, limits: YAMLLimits = YAMLLimits(), diagnostics: inout Diagnostics) {
    let lines = (1...source.lineCount).map { source.contentRange(ofLine: $0) }
    self.init(lines: lines, in: source, at: lines[0], limits: limits, diagnostics: &diagnostics)
  }
}

/// A syntax error was reported; nothing after it makes sense.
private struct Stop: Error {}

private struct YAMLReader {
  let body: BodyText
  let place: SourceRange
  let limits: YAMLLimits
  var findings: [Diagnostic] = []
  /// On the heap, because libyaml keeps a pointer from the parser to itself.
  private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)

  init(_ body: BodyText, place: SourceRange, limits: YAMLLimits) {
    self.body = body
    self.place = place
    self.limits = limits
  }

  mutating func readText(_ lines: [SourceRange], _ source: SourceText) -> YAMLNode? {
    defer { parser.deallocate() }
    guard body.bytes.count <= limits.bytes else {
      report(
        YAMLDiagnosticID.tooLarge, "this block has \(body.bytes.count) bytes; the limit is \(limits.bytes)",
        remedy: "split it into several blocks, or move data into a code fence", at: place)
      return nil
    }
    guard checkBytes(lines, source) else { return nil }
    let root = body.bytes.withUnsafeBufferPointer { buffer -> YAMLNode? in
      guard yaml_parser_initialize(parser) == 1 else { preconditionFailure("libyaml is out of memory") }
      defer { yaml_parser_delete(parser) }
      yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
      yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
      return try? readStream()
    }
    return root
  }

  /// What libyaml would call by other names, or not notice: bytes that are not UTF-8, control
  /// characters, tabs as indentation.
  private mutating func checkBytes(_ lines: [SourceRange], _ source: SourceText) -> Bool {
    for line in lines {
      let bytes = source.bytes[line.lower..<line.upper]
      if let i = bytes.firstIndex(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7F }) {
        report(
          YAMLDiagnosticID.syntax, "a control character (byte \(bytes[i])) is not allowed here",
          remedy: "delete it; in a quoted text write it as an escape such as \"\\x1B\"", at: SourceRange(i, i + 1))
        return false
      }
      if String(validating: bytes, as: UTF8.self) == nil {
        report(YAMLDiagnosticID.syntax, "this line is not UTF-8", remedy: "save the file as UTF-8", at: line)
        return false
      }
      let indent = bytes.prefix { $0 == 0x20 || $0 == 0x09 }
      if indent.endIndex < bytes.endIndex, let tab = indent.firstIndex(of: 0x09) {
        report(
          YAMLDiagnosticID.tab, "a tab is not allowed as indentation", remedy: "indent with spaces, two for each level",
          at: SourceRange(tab, tab + 1))
        return false
      }
    }
    return true
  }

  // MARK: Events

  private mutating func readStream() throws -> YAMLNode {
    var root: YAMLNode?
    while true {
      var event = try next()
      defer { yaml_event_delete(&event) }
      switch event.type {
      case YAML_STREAM_END_EVENT:
        guard let root else {
          report(
            YAMLDiagnosticID.empty, "this block is empty", remedy: "begin with its kind and id, such as `kind: load`", at: place)
          throw Stop()
        }
        return root
      case YAML_DOCUMENT_START_EVENT:
        if root != nil {
          report(
            YAMLDiagnosticID.secondDocument, "a second document begins here; a block is one document",
            remedy: "put it into a fence of its own, without `---`", at: range(event))
          throw Stop()
        }
      case YAML_STREAM_START_EVENT, YAML_DOCUMENT_END_EVENT: break
      default: root = try node(event, depth: 1)
      }
    }
  }

  /// The node that begins with `event`; takes the events up to its end. The caller deletes `event`.
  private mutating func node(_ event: yaml_event_t, depth: Int) throws -> YAMLNode {
    if depth > limits.depth, event.type == YAML_MAPPING_START_EVENT || event.type == YAML_SEQUENCE_START_EVENT {
      report(
        YAMLDiagnosticID.tooDeep, "this is nested more than \(limits.depth) levels deep",
        remedy: "give the inner part a block of its own", at: range(event))
      throw Stop()
    }
    switch event.type {
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      refuse(anchor: scalar.anchor, tag: scalar.tag, event)
      let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      let style: YAMLScalar.Style = scalar.style == YAML_PLAIN_SCALAR_STYLE ? .plain : .quoted
      if style == .plain { refuseBoolean(text, event) }
      return YAMLNode(.scalar(YAMLScalar(text, style)), at: range(event))
    case YAML_ALIAS_EVENT:
      report(
        YAMLDiagnosticID.anchorOrAlias, "an alias is not allowed: a block says everything where it is read",
        remedy: "write the value out; quote it if it is a text that begins with `*`", at: range(event))
      throw Stop()
    case YAML_SEQUENCE_START_EVENT:
      refuse(anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag, event)
      return try sequence(event, depth)
    case YAML_MAPPING_START_EVENT:
      refuse(anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag, event)
      return try mapping(event, depth)
    default: preconditionFailure("libyaml sends a node here")
    }
  }

  private mutating func sequence(_ start: yaml_event_t, _ depth: Int) throws -> YAMLNode {
    var items: [YAMLNode] = []
    while true {
      var event = try next()
      defer { yaml_event_delete(&event) }
      if event.type == YAML_SEQUENCE_END_EVENT {
        return YAMLNode(.sequence(items), at: collection(start, event, last: items.last?.range))
      }
      items.append(try node(event, depth: depth + 1))
    }
  }

  private mutating func mapping(_ start: yaml_event_t, _ depth: Int) throws -> YAMLNode {
    var entries: [YAMLEntry] = []
    var names: Set<String> = []
    while true {
      var event = try next()
      defer { yaml_event_delete(&event) }
      if event.type == YAML_MAPPING_END_EVENT {
        return YAMLNode(.mapping(entries), at: collection(start, event, last: entries.last?.value.range))
      }
      let key = try node(event, depth: depth + 1)
      guard let name = key.text else {
        report(
          YAMLDiagnosticID.syntax, "a key must be a plain text, not \(key.kindName)",
          remedy: "quote a value that begins with `{` or `[`", at: key.range)
        throw Stop()
      }
      var valueEvent = try next()
      defer { yaml_event_delete(&valueEvent) }
      let value = try node(valueEvent, depth: depth + 1)
      if !names.insert(name).inserted {
        report(
          YAMLDiagnosticID.duplicateKey, "the key `\(name)` is given twice", remedy: "keep one of them", at: key.range)
      } else {
        entries.append(YAMLEntry(key: name, keyRange: key.range, value: value))
      }
    }
  }

  private mutating func next() throws -> yaml_event_t {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else {
      reportSyntax()
      throw Stop()
    }
    return event
  }

  // MARK: Findings

  private mutating func refuse(anchor: UnsafeMutablePointer<yaml_char_t>?, tag: UnsafeMutablePointer<yaml_char_t>?, _ event: yaml_event_t) {
    if anchor != nil {
      report(
        YAMLDiagnosticID.anchorOrAlias, "an anchor is not allowed: a block says everything where it is read",
        remedy: "leave `&…` out; quote the value if it is a text that begins with `&`", at: firstCharacter(event))
    }
    if tag != nil {
      report(
        YAMLDiagnosticID.tag, "a tag is not allowed: types follow from the key",
        remedy: "leave `!…` out; quote the value if it is a text that begins with `!`", at: firstCharacter(event))
    }
  }

  private static let booleans: Set<String> = ["yes", "no", "on", "off"]

  private mutating func refuseBoolean(_ text: String, _ event: yaml_event_t) {
    guard text.utf8.count <= 3, Self.booleans.contains(text.lowercased()) else { return }
    report(
      YAMLDiagnosticID.boolean, "`\(text)` is a text to some YAML readers and a truth value to others",
      remedy: "write `true` or `false`, or quote the text: '\(text)'", at: range(event))
  }

  private mutating func reportSyntax() {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "this is not YAML"
    var cause = problem
    if let context = parser.pointee.context { cause += ", \(String(cString: context))" }
    let at: Int
    if parser.pointee.error == YAML_READER_ERROR {
      at = String(decoding: body.bytes.prefix(parser.pointee.problem_offset), as: UTF8.self).unicodeScalars.count
    } else {
      at = parser.pointee.problem_mark.index
    }
    let range = body.range(at, at)
    report(
      YAMLDiagnosticID.syntax, cause,
      remedy:
        "check the indentation and the closing brackets, and quote texts that hold `: ` or ` #` or begin with one of [ ] { } & * ! | > ' \" % @ `",
      at: range)
  }

  private mutating func report(_ id: DiagnosticID, _ cause: String, remedy: String, at range: SourceRange) {
    findings.append(Diagnostic(id, .error, cause, remedy: remedy, at: range))
  }

  // MARK: Places

  private func range(_ event: yaml_event_t) -> SourceRange { body.range(event.start_mark.index, event.end_mark.index) }

  private func firstCharacter(_ event: yaml_event_t) -> SourceRange {
    body.range(event.start_mark.index, event.start_mark.index + 1)
  }

  /// libyaml ends a block collection where the next thing begins; for us it ends with its last part.
  private func collection(_ start: yaml_event_t, _ end: yaml_event_t, last: SourceRange?) -> SourceRange {
    let whole = body.range(start.start_mark.index, end.end_mark.index)
    guard end.start_mark.index == end.end_mark.index, let last else { return whole }
    return SourceRange(whole.lower, max(whole.lower, last.upper))
  }
}
