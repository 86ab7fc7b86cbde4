// gzip for OTLP/HTTP: bodies that come in are inflated up to a bound and not a byte further, bodies that go out are compressed.

import CZlib

/// Inflates one body after the other into memory of its own, which it keeps: the bound is its size.
final class Inflater {
  enum Failure: Error {
    /// More than the bound would come out.
    case tooLarge
    case malformed
  }

  /// On the heap, because zlib keeps a pointer from its state to the stream.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private let bytesMax: Int
  private var output: UnsafeMutableRawBufferPointer

  init(bytesMax: Int) {
    self.bytesMax = bytesMax
    output = .allocate(byteCount: min(256 << 10, bytesMax + 1), alignment: 16)
    stream.initialize(to: z_stream())
    // 15 bits of window; 32 more: gzip or zlib, whichever the bytes begin as. ("deflate" in HTTP is the zlib format.)
    let code = inflateInit2_(stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "zlib is out of memory")
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
    output.deallocate()
  }

  /// - Returns: the bytes, which are valid until the next call.
  func inflated(_ body: UnsafeRawBufferPointer) throws(Failure) -> UnsafeRawBufferPointer {
    inflateReset(stream)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: body.bindMemory(to: UInt8.self).baseAddress)
    stream.pointee.avail_in = UInt32(clamping: body.count)
    var made = 0
    while true {
      if made == output.count {
        guard made <= bytesMax else { throw .tooLarge }
        grow(keeping: made)
      }
      stream.pointee.next_out = output.baseAddress!.assumingMemoryBound(to: UInt8.self) + made
      stream.pointee.avail_out = UInt32(clamping: output.count - made)
      let code = inflate(stream, Z_NO_FLUSH)
      made = output.count - Int(stream.pointee.avail_out)
      switch code {
      case Z_OK: continue
      case Z_STREAM_END:
        guard made <= bytesMax else { throw .tooLarge }
        if stream.pointee.avail_in == 0 { return UnsafeRawBufferPointer(rebasing: output[..<made]) }
        // gzip allows several members one after the other; anything else behind the end is refused by the next call.
        inflateReset(stream)
      case Z_BUF_ERROR where stream.pointee.avail_out == 0: continue
      default: throw .malformed
      }
    }
  }

  private func grow(keeping count: Int) {
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: min(output.count * 2, bytesMax + 1), alignment: 16)
    larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: output[..<count]))
    output.deallocate()
    output = larger
  }
}

/// One body as gzip (RFC 1952).
func gzipped(_ body: [UInt8]) -> [UInt8] {
  var stream = z_stream()
  // 15 bits of window and 16 for the gzip format; 8 is zlib's standard memory level. Level 1: telemetry repeats itself so much
  // that a higher one saves few bytes for much time.
  let code = deflateInit2_(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
  precondition(code == Z_OK, "zlib is out of memory")
  defer { deflateEnd(&stream) }
  return body.withUnsafeBufferPointer { input in
    [UInt8](unsafeUninitializedCapacity: Int(deflateBound(&stream, UInt(input.count)))) { output, count in
      stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
      stream.avail_in = UInt32(input.count)
      stream.next_out = output.baseAddress
      stream.avail_out = UInt32(output.count)
      // There is room for the worst case, so one call is enough.
      let code = deflate(&stream, Z_FINISH)
      precondition(code == Z_STREAM_END, "zlib wants more room than it said")
      count = output.count - Int(stream.avail_out)
    }
  }
}
