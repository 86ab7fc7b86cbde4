// stdout carries results, stderr diagnostics and progress. write(2), because a pipe may close and
// because Swift's print buffers in another order than stderr.

import DocumentModel
import Foundation
import Glibc
import Synchronization
import TextModel

enum Output {
  static func standard(_ text: String) { write(text, to: 1) }
  static func error(_ text: String) { write(text, to: 2) }
  static func bytes(_ bytes: [UInt8]) { bytes.withUnsafeBytes { writeAll($0, to: 1) } }

  /// One object on a line of its own, with sorted keys.
  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    bytes([UInt8](try encoder.encode(value)) + [0x0A])
  }

  static let errorIsTerminal = isatty(2) == 1
  static let color = errorIsTerminal && getenv("NO_COLOR") == nil && String(cString: getenv("TERM") ?? strdup("")) != "dumb"

  /// All findings of a file, in the order of the text, and a closing count.
  static func diagnostics(_ diagnostics: Diagnostics, in source: SourceText?) {
    for diagnostic in diagnostics.ordered { error(diagnostic.rendered(in: source, color: color)) }
  }

  static func failure(_ diagnostic: Diagnostic) { error(diagnostic.rendered(in: nil, color: color)) }

  /// Why something that was printed did not arrive, such as a full disk behind `>`.
  private static let lost = Atomic<Int32>(0)

  /// Exit code 1 when something that was printed did not arrive: half a table must not look like a whole one.
  static func exitIfLost() {
    let lost = lost.load(ordering: .relaxed)
    guard lost != 0 else { return }
    failure(
      Diagnostic(
        "write-failed", .error, "not all that was printed could be written: \(String(cString: strerror(lost)))",
        remedy: "free some space, or print to another place"))
    _exit(1)
  }

  private static func write(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { writeAll(UnsafeRawBufferPointer($0), to: descriptor) }
  }

  private static func writeAll(_ buffer: UnsafeRawBufferPointer, to descriptor: Int32) {
    var written = 0
    while written < buffer.count {
      let n = Glibc.write(descriptor, buffer.baseAddress! + written, buffer.count - written)
      if n < 0 {
        if errno == EINTR { continue }
        // Nobody reads any more, as behind `head`: no mistake of anybody's.
        if descriptor == 1, errno != EPIPE { lost.store(errno, ordering: .relaxed) }
        return
      }
      written += n
    }
  }
}

/// A document that is changed or shown; where it is not read (`costly-markdown`), says so and ends the command.
func readableDocument(_ path: String, limit: Int = 8 << 20) throws -> Document {
  let document = Document(parsing: try SourceText(contentsOf: path, limit: limit))
  if !document.isReadable { try refuse(document.diagnostics.first, in: document.source) }
  return document
}

/// Ends the command for a finding that leaves nothing to do.
func refuse(_ finding: Diagnostic?, in source: SourceText) throws {
  guard let finding else { return }
  Output.error(finding.rendered(in: source, color: Output.color))
  throw Exit.failed
}
