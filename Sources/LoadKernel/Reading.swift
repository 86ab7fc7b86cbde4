// Checks and captures: what a scenario reads in an answer. Compiled before the run; judged over the bytes of a sink.

import CKernelShims
import ExperimentModel

/// One condition on an answer.
struct Check: Sendable {
  enum Comparison: String, Sendable { case equal = "==", unequal = "!=", atMost = "<=", atLeast = ">=", below = "<", above = ">" }
  enum Kind: Sendable {
    case status(Comparison, Int)
    case bodyContains([UInt8])
    case header(name: [UInt8], value: [UInt8])
  }
  let kind: Kind
  let text: String

  /// - Throws: `bad-check` with the legal forms.
  init(_ text: String) throws(LoadError) {
    self.text = text
    let bad = LoadError(
      id: "bad-check", cause: "`\(text)` is not a check", remedy: "such as status==200, status<400, body~text, header:Name==value")
    if text.hasPrefix("status") {
      let rest = text.dropFirst(6)
      let sign = rest.prefix { "=!<>".contains($0) }
      let number = rest.dropFirst(sign.count).filter { $0 != " " }
      guard let comparison = Comparison(rawValue: String(sign)), let value = Int(number) else { throw bad }
      kind = .status(comparison, value)
    } else if text.hasPrefix("body~"), text.utf8.count > 5 {
      kind = .bodyContains(Array(text.utf8.dropFirst(5)))
    } else if text.hasPrefix("header:") {
      let bytes = Array(text.utf8.dropFirst(7))
      let equals = bytes.indices.dropFirst().first { $0 + 1 < bytes.count && bytes[$0] == 61 && bytes[$0 + 1] == 61 }
      guard let at = equals else { throw bad }
      kind = .header(name: Array(bytes[..<at]), value: Array(bytes[(at + 2)...]))
    } else {
      throw bad
    }
  }

  func holds(status: Int, _ sink: ResponseSink?) -> Bool {
    switch kind {
    case .status(let comparison, let value):
      switch comparison {
      case .equal: status == value
      case .unequal: status != value
      case .atMost: status <= value
      case .atLeast: status >= value
      case .below: status < value
      case .above: status > value
      }
    case .bodyContains(let text):
      if let sink {
        text.withUnsafeBufferPointer { nb_memmem(sink.body.bytes, sink.body.count, $0.baseAddress, $0.count) != nil }
      } else {
        false
      }
    case .header(let name, let value):
      if let found = sink?.header(name) {
        found.count == value.count && value.withUnsafeBufferPointer { memcmp($0.baseAddress ?? found.start, found.start, found.count) == 0 }
      } else {
        false
      }
    }
  }
}

/// One value to keep from an answer.
struct Capture: Sendable {
  enum Kind: Sendable {
    case json(JSONPath)
    case header([UInt8])
    /// Compiled by each loop: a Regex cannot cross threads. One match needs a String of the body and some 10 µs.
    case regex(String)
  }
  let kind: Kind
  let variable: Int
  let name: String

  /// - Throws: `bad-capture`.
  init(_ spec: CaptureSpec, variable: Int) throws(LoadError) {
    self.variable = variable
    name = spec.name
    switch spec.source {
    case .json:
      guard let path = JSONPath(spec.expression) else {
        throw LoadError(id: "bad-capture", cause: "`\(spec.expression)` is not a JSON path", remedy: "such as $.items[0].id")
      }
      kind = .json(path)
    case .header: kind = .header(Array(spec.expression.utf8))
    case .regex:
      guard (try? Regex(spec.expression)) != nil else {
        throw LoadError(id: "bad-capture", cause: "`\(spec.expression)` is not a regular expression", remedy: nil)
      }
      kind = .regex(spec.expression)
    }
  }

  /// Puts the value into `value`; false when the answer has none.
  func take(from sink: ResponseSink, into value: inout ByteStore, regex: (String) -> Regex<AnyRegexOutput>?) -> Bool {
    value.count = 0
    switch kind {
    case .json(let path):
      guard let found = path.find(sink.body.bytes, sink.body.count) else { return false }
      if found.isString { return value.appendUnescaped(sink.body.bytes + found.start, found.count) }
      value.append(sink.body.bytes + found.start, found.count)
      return true
    case .header(let name):
      guard let found = sink.header(name) else { return false }
      value.append(found.start, found.count)
      return true
    case .regex(let pattern):
      let text = String(decoding: UnsafeBufferPointer(start: sink.body.bytes, count: sink.body.count), as: UTF8.self)
      guard let regex = regex(pattern), let match = try? regex.firstMatch(in: text) else { return false }
      let group = match.output.count > 1 ? match.output[1].substring ?? "" : text[match.range]
      for byte in group.utf8 { value.append(byte) }
      return true
    }
  }
}

extension ResponseSink {
  /// The value of the first header line of a name, without the blanks around it.
  func header(_ name: [UInt8]) -> (start: UnsafePointer<UInt8>, count: Int)? {
    var found: (start: UnsafePointer<UInt8>, count: Int)?
    eachHeader(name) { start, count in
      found = found ?? (start, count)
    }
    return found
  }

  /// Every value of a name.
  func eachHeader(_ name: [UInt8], _ body: (UnsafePointer<UInt8>, Int) -> Void) {
    var at = 0
    while at < head.count, let end = memchr(head.bytes + at, 10, head.count - at) {
      let length = UnsafeRawPointer(end) - UnsafeRawPointer(head.bytes + at)
      let line = head.bytes + at
      at += length + 1
      guard length > name.count, line[name.count] == 58 else { continue }
      var same = true
      for i in 0..<name.count where Self.lower(line[i]) != Self.lower(name[i]) { same = false; break }
      guard same else { continue }
      var from = name.count + 1
      var to = length
      while from < to, line[from] == 32 || line[from] == 9 { from += 1 }
      while to > from, line[to - 1] == 13 || line[to - 1] == 32 || line[to - 1] == 9 { to -= 1 }
      body(UnsafePointer(line + from), to - from)
    }
  }

  private static func lower(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte | 0x20 : byte }
}
