import CZlib
import NIOCore

/// A gzip compressor (RFC 1952) that is used again and again; one answer at a time.
final class Gzip: @unchecked Sendable {
  /// On the heap, because zlib keeps a pointer from its state to the stream.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)

  init() {
    stream.initialize(to: z_stream())
    // 15 bits of window and 16 for the gzip format; 8 is zlib's standard memory level.
    let code = deflateInit2_(
      stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "zlib is out of memory")
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  func compress(_ body: ByteBuffer) -> ByteBuffer {
    deflateReset(stream)
    var out = ByteBufferAllocator().buffer(capacity: Int(deflateBound(stream, UInt(body.readableBytes))))
    body.withUnsafeReadableBytes { input in
      stream.pointee.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
      stream.pointee.avail_in = UInt32(input.count)
      out.writeWithUnsafeMutableBytes(minimumWritableBytes: 0) { output in
        stream.pointee.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.pointee.avail_out = UInt32(output.count)
        // There is room for the worst case, so one call is enough.
        let code = deflate(stream, Z_FINISH)
        precondition(code == Z_STREAM_END, "zlib wants more room than it said")
        return output.count - Int(stream.pointee.avail_out)
      }
    }
    return out
  }
}
