// The frames of the protocol: header lines, an empty line, so many bytes of JSON. Bytes in as they come, whole messages out; what is wrong is
// a value too, so that a broken client gets an answer and not a dead server. Never reads or writes a descriptor.

/// Cuts a stream into messages.
public struct MessageReader {
  public enum Frame: Hashable, Sendable {
    case message([UInt8])
    /// A header without a usable `Content-Length`, as a sentence.
    case badHeader(String)
    /// A message over the limit, which is skipped as it comes.
    case tooLong(Int)
  }

  /// A notebook may have 8 MiB, and JSON writes a byte in six at worst.
  public static let bytesMax = 64 << 20
  /// Two short lines are all that the protocol has.
  static let headerMax = 4 << 10

  private var pending: [UInt8] = []
  private var at = 0
  /// Of a message that is too long, what is still to come.
  private var skipping = 0
  private let limit: Int

  public init(limit: Int = Self.bytesMax) { self.limit = limit }

  public mutating func append(_ bytes: some Sequence<UInt8>) {
    if at > 1 << 16, at * 2 > pending.count {
      pending.removeFirst(at)
      at = 0
    }
    pending.append(contentsOf: bytes)
  }

  /// The next frame; nil until more bytes have come.
  public mutating func next() -> Frame? {
    if skipping > 0 {
      let count = min(skipping, pending.count - at)
      at += count
      skipping -= count
      if skipping > 0 { return nil }
    }
    guard let end = headerEnd() else {
      guard pending.count - at > Self.headerMax else { return nil }
      at = pending.count
      return .badHeader("a header of more than \(Self.headerMax) bytes")
    }
    let header = String(decoding: pending[at..<end.body], as: UTF8.self)
    switch Self.length(of: header) {
    case .failure(let problem):
      at = end.next
      return .badHeader(problem.text)
    case .success(let count) where count > limit:
      at = end.next
      skipping = count
      let here = min(skipping, pending.count - at)
      at += here
      skipping -= here
      return .tooLong(count)
    case .success(let count):
      guard pending.count - end.next >= count else { return nil }
      at = end.next + count
      return .message(Array(pending[end.next..<at]))
    }
  }

  /// Where the header's lines end, and where the message begins: behind an empty line, which some clients end with a lone `\n`.
  private func headerEnd() -> (body: Int, next: Int)? {
    var i = at
    let stop = min(pending.count, at + Self.headerMax + 4)
    while i < stop {
      if pending[i] == 0x0A {
        if i + 1 < pending.count, pending[i + 1] == 0x0A { return (i, i + 2) }
        if i + 2 < pending.count, pending[i + 1] == 0x0D, pending[i + 2] == 0x0A { return (i, i + 3) }
      }
      i += 1
    }
    return nil
  }

  private struct HeaderProblem: Error { var text: String }

  private static func length(of header: String) -> Result<Int, HeaderProblem> {
    var found: Int?
    for line in header.split(whereSeparator: { $0 == "\n" || $0 == "\r\n" || $0 == "\r" }) {
      let sides = line.split(separator: ":", maxSplits: 1)
      guard sides.count == 2 else { return .failure(HeaderProblem(text: "a header line without a colon")) }
      guard sides[0].lowercased() == "content-length" else { continue }
      let digits = sides[1].drop { $0 == " " }
      guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let count = Int(digits) else {
        return .failure(HeaderProblem(text: "a Content-Length that is not a number"))
      }
      found = count
    }
    return found.map { .success($0) } ?? .failure(HeaderProblem(text: "a header without Content-Length"))
  }
}

/// A message with its header.
public func framed(_ message: [UInt8]) -> [UInt8] { Array("Content-Length: \(message.count)\r\n\r\n".utf8) + message }
