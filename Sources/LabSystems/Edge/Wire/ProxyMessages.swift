import NIOCore
import TelemetryModel

// What an edge passes on: whole messages with all their fields. It stores and forwards; a body is in memory once, shared by
// whoever sends it.

struct HeaderField: Equatable {
  var name: String
  var value: String
  init(_ name: String, _ value: String) { self.name = name; self.value = value }
}

/// Fields in the order in which they came. Few, so looking through them is quicker than a table.
struct HeaderFields: Equatable {
  private(set) var all: [HeaderField] = []

  init(_ all: [HeaderField] = []) { self.all = all }

  /// The first value of a name, in any case.
  subscript(_ name: String) -> String? { all.first { $0.name.equalsIgnoringCase(name) }?.value }

  /// All values of a name as one list (RFC 9110, 5.3); nil when there is none.
  func list(_ name: String) -> String? {
    let values = all.filter { $0.name.equalsIgnoringCase(name) }.map(\.value)
    return values.isEmpty ? nil : values.joined(separator: ", ")
  }

  mutating func append(_ name: String, _ value: String) { all.append(HeaderField(name, value)) }
  mutating func append(_ more: [HeaderField]) { all += more }

  mutating func remove(_ name: String) { all.removeAll { $0.name.equalsIgnoringCase(name) } }

  mutating func set(_ name: String, _ value: String) {
    remove(name)
    append(name, value)
  }

  /// Drops what is between two neighbours only (RFC 9110, 7.6.1), and what framing says anew.
  mutating func removeHopByHop() {
    let named = (list("Connection") ?? "").split(separator: ",").map { $0.trimmed }
    let hops = ["Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length"] + named
    all.removeAll { field in hops.contains { field.name.equalsIgnoringCase($0) } }
  }

  /// Bytes on the wire.
  var size: Int { all.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 } }
}

struct ProxyRequest {
  var method: String
  /// With its query.
  var target: String
  var fields = HeaderFields()
  var body = ByteBuffer()
  /// The edge's span, under which its attempts are; set only while somebody records.
  var span = TraceParent.none
  var traceState = ""

  /// Doing it twice is as good as once (RFC 9110, 9.2.2).
  var isIdempotent: Bool { ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"].contains(method) }
  /// `target` without its query.
  var path: Substring { target.prefix { $0 != "?" } }
}

struct ProxyResponse {
  var status: Int
  var fields = HeaderFields()
  var body = ByteBuffer()

  init(status: Int, fields: HeaderFields = HeaderFields(), body: ByteBuffer = ByteBuffer()) {
    self.status = status; self.fields = fields; self.body = body
  }

  /// The edge's own answer, one line of text.
  init(status: Int, reason: String) {
    self.init(status: status, fields: HeaderFields([HeaderField("Content-Type", "text/plain; charset=utf-8")]), body: ByteBuffer(string: reason + "\n"))
  }
}

extension StringProtocol {
  func equalsIgnoringCase(_ other: some StringProtocol) -> Bool {
    utf8.count == other.utf8.count && zip(utf8, other.utf8).allSatisfy { $0 == $1 || ($0 ^ $1 == 0x20 && ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A) }
  }

  /// Without spaces and tabs around it.
  var trimmed: String {
    let bytes = Array(utf8)
    guard let first = bytes.firstIndex(where: { $0 != 32 && $0 != 9 }), let last = bytes.lastIndex(where: { $0 != 32 && $0 != 9 })
    else { return "" }
    return String(decoding: bytes[first...last], as: UTF8.self)
  }
}
