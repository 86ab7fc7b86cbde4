// What a child prints, in bounded memory: counted, hashed, the first and the last of it kept.

import CKernelShims
import Glibc

final class PipeReader {
  let descriptor: Int32
  /// Bytes after which the child has printed too much.
  let limit: Int
  private(set) var isOpen = true
  private(set) var count = 0
  private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  /// The first bytes, at most `kept`.
  private(set) var head: [UInt8] = []
  /// The last bytes, between `tailKept` and twice as many.
  private var tail: [UInt8] = []
  private let kept: Int
  private static let tailKept = 2_048
  private var buffer = [UInt8](repeating: 0, count: 65_536)

  /// Takes over the reading end of a pipe.
  init(_ descriptor: Int32, limit: Int, kept: Int = 0) {
    self.descriptor = descriptor
    self.limit = limit
    self.kept = kept
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
  }

  deinit { close(descriptor) }

  var isOverLimit: Bool { count > limit }

  /// Reads what is there, at most one buffer.
  ///
  /// - Returns: whether there may be more.
  @discardableResult
  func read() -> Bool {
    let n = Glibc.read(descriptor, &buffer, buffer.count)
    guard n > 0 else {
      if n == 0 || (errno != EAGAIN && errno != EINTR) { isOpen = false }
      return false
    }
    count += n
    hash = nb_hash(hash, buffer, n)
    if head.count < kept { head += buffer[..<min(n, kept - head.count)] }
    tail += buffer[max(0, n - Self.tailKept)..<n]
    if tail.count > 2 * Self.tailKept { tail.removeFirst(tail.count - Self.tailKept) }
    return true
  }

  /// Reads until the pipe is empty or the limit is passed.
  func drain() {
    while !isOverLimit, read() {}
  }

  /// The end of what was printed, as text.
  var lastText: String { String(decoding: tail, as: UTF8.self) }

  /// `; it printed: …` with the last non-empty lines, or nothing.
  static func quoted(_ reader: PipeReader) -> String {
    let lines = reader.lastText.split(whereSeparator: \.isNewline).suffix(3).joined(separator: " / ")
    return lines.isEmpty ? "" : "; it printed: \(lines.suffix(300))"
  }
}
