// Text that costs the hot path nothing: an address and a length, without a reference count. Literals live as long as the
// program; text that is only known at run time is kept by a `SpanRecording` for as long as that lives.

public struct TelemetryText: ExpressibleByStringLiteral, Equatable, @unchecked Sendable, BitwiseCopyable {
  // Sendable: what it points to never changes.
  @usableFromInline let start: UnsafePointer<UInt8>?
  @usableFromInline let count: UInt32

  public static let empty = TelemetryText(start: nil, count: 0)

  @inlinable
  init(start: UnsafePointer<UInt8>?, count: UInt32) {
    self.start = start
    self.count = count
  }

  @inlinable
  public init(stringLiteral text: StaticString) {
    precondition(text.hasPointerRepresentation, "a literal of more than one character")
    self.init(start: text.utf8Start, count: UInt32(truncatingIfNeeded: text.utf8CodeUnitCount))
  }

  var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: Int(count)) }

  public static func == (a: Self, b: Self) -> Bool { a.bytes.elementsEqual(b.bytes) }
}
