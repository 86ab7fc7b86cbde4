// The answers of the referee, made once: serving copies nothing and formats nothing.

/// Ready bytes of every kind of answer.
final class AnswerBytes {
  /// One kind of answer; `head` of it are the head, which is all that a HEAD request gets.
  struct Wire {
    let bytes: UnsafeRawBufferPointer
    let head: Int
  }

  private let answers: [Wire]
  private let statuses: [Wire]
  private let garbage: Wire
  private let owned: [Wire]

  init(_ options: RefereeOptions) {
    let text = (0..<options.bodyLength).map { UInt8(ascii: "a") + UInt8($0 % 26) }
    let length = options.chunked ? "Transfer-Encoding: chunked" : "Content-Length: \(text.count)"
    let body = options.chunked ? Self.chunks(text) : text
    func pair(_ status: String) -> [Wire] {
      // `keep-alive` is for HTTP/1.0 clients such as ab, which look for it; the others skip it.
      ["keep-alive", "close"].map { connection in
        Self.made("HTTP/1.1 \(status)\r\nConnection: \(connection)\r\nContent-Type: text/plain\r\n\(length)\r\n\r\n", body)
      }
    }
    answers = pair("200 OK")
    // A large body is not copied for what never happens.
    statuses = options.misbehaviour.statusEvery > 0 ? pair("\(options.misbehaviour.status) Asked For") : answers
    garbage = Self.made("\u{1}\u{2}this is not HTTP\r\n\r\n", [])
    owned = answers + (options.misbehaviour.statusEvery > 0 ? statuses : []) + [garbage]
  }

  deinit { for wire in owned { wire.bytes.deallocate() } }

  func wire(_ fate: Fate, closes: Bool) -> Wire {
    switch fate {
    case .garbage: garbage
    case .status: statuses[closes ? 1 : 0]
    case .normal, .half, .close, .reset: answers[closes ? 1 : 0]
    }
  }

  /// Two chunks where there are two bytes: one chunk would not show whether a client goes on after the first.
  private static func chunks(_ text: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    let middle = text.count / 2
    for part in [text[..<middle], text[middle...]] where !part.isEmpty {
      out += Array("\(String(part.count, radix: 16))\r\n".utf8) + part + [13, 10]
    }
    return out + Array("0\r\n\r\n".utf8)
  }

  private static func made(_ head: String, _ body: [UInt8]) -> Wire {
    let all = Array(head.utf8) + body
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: all.count, alignment: 16)
    copy.copyBytes(from: all)
    return Wire(bytes: UnsafeRawBufferPointer(copy), head: head.utf8.count)
  }
}
