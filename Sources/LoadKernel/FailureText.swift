// What examples of failures say: one wording for both engines.

enum FailureText {
  static let noAnswer = "no answer"
  static let noEnd = "the answer did not end"
  static let drained = "no answer before the drain's end"
  static let noConnection = "no connection was free before the drain's end"
  static var headTooLarge: String { "a head of more than \(ResponseParser.headMax) bytes" }

  /// The beginning of what came, on one line.
  static func shown(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> String {
    String(decoding: UnsafeBufferPointer(start: bytes, count: min(80, count)), as: UTF8.self)
      .map { $0.isNewline ? "⏎" : String($0) }.joined()
  }

  static func malformed(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> String { "not an HTTP/1.1 answer: \(shown(bytes, count))" }

  /// - Parameter served: the connection had answered before.
  static func ended(after received: Int, served: Bool) -> String {
    if received > 0 { return "the connection ended inside the answer, after \(received) bytes" }
    return served
      ? "the connection ended before an answer: the target closes kept connections without saying so" : "the connection ended before an answer"
  }
}
