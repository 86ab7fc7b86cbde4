// Where a response's head and body go when a check, a capture or a cookie asks for them; other responses are counted
// and skipped. One sink per request in flight that needs one, kept in a pool, so that nothing is allocated per request
// once the pool has grown.

package final class ResponseSink {
  /// Above this a body is cut: a capture from it fails with `too-large` instead of filling the memory.
  static let bodyMax = 4 << 20
  private(set) var head = ByteStore()
  private(set) var body = ByteStore()
  package private(set) var isCut = false

  package init() {}

  /// Copies, for who looks from outside.
  package var headBytes: [UInt8] { Array(UnsafeBufferPointer(start: head.bytes, count: head.count)) }
  package var bodyBytes: [UInt8] { Array(UnsafeBufferPointer(start: body.bytes, count: body.count)) }

  package func reset() {
    head.count = 0
    body.count = 0
    isCut = false
  }

  /// A further head replaces the one before: that was an interim 1xx.
  func put(head bytes: UnsafePointer<UInt8>, _ count: Int) {
    head.count = 0
    head.append(bytes, count)
  }

  func put(body bytes: UnsafePointer<UInt8>, _ count: Int) {
    let take = min(count, Self.bodyMax - body.count)
    if take < count { isCut = true }
    if take > 0 { body.append(bytes, take) }
  }
}

/// Bytes that grow by doubling and never shrink.
struct ByteStore: ~Copyable {
  private(set) var bytes: UnsafeMutablePointer<UInt8>
  private(set) var capacity: Int
  var count = 0

  init(capacity: Int = 256) {
    self.capacity = max(16, capacity)
    bytes = .allocate(capacity: self.capacity)
  }
  deinit { bytes.deallocate() }

  mutating func reserve(_ wanted: Int) {
    guard wanted > capacity else { return }
    while capacity < wanted { capacity *= 2 }
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.update(from: bytes, count: count)
    bytes.deallocate()
    bytes = larger
  }

  mutating func append(_ source: UnsafePointer<UInt8>, _ n: Int) {
    reserve(count + n)
    (bytes + count).update(from: source, count: n)
    count += n
  }

  mutating func append(_ byte: UInt8) {
    reserve(count + 1)
    bytes[count] = byte
    count += 1
  }
}
