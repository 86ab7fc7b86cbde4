// Export to HdrHistogram's V2 encoding and to `.hlog` files, so that HdrHistogram's own tools can read, merge and plot what nb
// measured. Written after the layout in HdrHistogram's AbstractHistogram.encodeIntoByteBuffer; no value is read back.
// Logs hold the compressed form, which their readers insist on: a zlib stream of stored blocks (RFC 1950, 1951 3.2.4), valid
// for every inflater and in need of no compressor. Some 15 kB a histogram where deflate would need 3.

extension Histogram {
  /// The V2 encoding: a header of 40 bytes, then zigzag LEB128 counts, runs of zeros as one negative number.
  ///
  /// Values are counted at the middle of their bucket with `digits` significant digits, so the sum of both errors is at
  /// most 2^−bits + 10^−digits of a value.
  ///
  /// - Parameter digits: 1 to 4 significant decimal digits of the exported histogram.
  public func hdrEncoded(digits: Int = 3) -> [UInt8] {
    precondition((1...4).contains(digits), "1 to 4 significant digits")
    let layout = HDRLayout(digits: digits)
    var hdr: [UInt64] = []
    forEachBucket { value, count in
      let index = layout.index(of: value)
      while hdr.count <= index { hdr.append(0) }
      hdr[index] += UInt64(count)
    }
    var payload: [UInt8] = []
    var i = 0
    while i < hdr.count {
      if hdr[i] == 0 {
        var zeros = 0
        while i < hdr.count, hdr[i] == 0 {
          zeros += 1
          i += 1
        }
        Self.zigzag(Int64(-zeros), &payload)
      } else {
        Self.zigzag(Int64(hdr[i]), &payload)
        i += 1
      }
    }
    var bytes: [UInt8] = []
    func put(_ value: UInt64, _ width: Int) {
      for shift in stride(from: (width - 1) * 8, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }
    put(0x1c84_9303, 4)
    put(UInt64(payload.count), 4)
    put(0, 4)  // normalising index offset
    put(UInt64(digits), 4)
    put(1, 8)  // lowest discernible value, ns
    put(UInt64(Swift.max(2, layout.highest(for: max))), 8)
    put((1.0).bitPattern, 8)  // integer to double conversion ratio
    return bytes + payload
  }

  /// Base64 of the compressed form of `hdrEncoded` (cookie 0x1c849304, length, zlib), as it stands in an interval log.
  public func hdrText(digits: Int = 3) -> String {
    let stream = Self.stored(hdrEncoded(digits: digits))
    var bytes: [UInt8] = [0x1c, 0x84, 0x93, 0x04]
    for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: stream.count >> shift)) }
    return Self.base64(bytes + stream)
  }

  /// A zlib stream that holds `bytes` as they are.
  private static func stored(_ bytes: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]
    var at = 0
    repeat {
      let count = Swift.min(65_535, bytes.count - at)
      stream.append(at + count == bytes.count ? 1 : 0)
      for word in [UInt16(count), ~UInt16(count)] { stream += [UInt8(word & 0xFF), UInt8(word >> 8)] }
      stream += bytes[at..<at + count]
      at += count
    } while at < bytes.count
    // Adler-32.
    var a: UInt32 = 1
    var b: UInt32 = 0
    for byte in bytes {
      a = (a + UInt32(byte)) % 65_521
      b = (b + a) % 65_521
    }
    for shift in [8, 0] as [UInt32] { stream.append(UInt8(truncatingIfNeeded: b >> shift)) }
    for shift in [8, 0] as [UInt32] { stream.append(UInt8(truncatingIfNeeded: a >> shift)) }
    return stream
  }

  private static func zigzag(_ value: Int64, _ bytes: inout [UInt8]) {
    // LEB128 of at most nine bytes: the ninth has all its eight bits.
    var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
    for _ in 0..<8 {
      if rest < 0x80 {
        bytes.append(UInt8(rest))
        return
      }
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  private static func base64(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for i in stride(from: 0, to: bytes.count, by: 3) {
      let left = bytes.count - i
      let group = UInt32(bytes[i]) << 16 | (left > 1 ? UInt32(bytes[i + 1]) << 8 : 0) | (left > 2 ? UInt32(bytes[i + 2]) : 0)
      for place in 0..<4 {
        text.append(place <= left ? alphabet[Int(group >> UInt32(18 - 6 * place)) & 63] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// HdrHistogram's buckets for a lowest value of 1: 2^k sub-buckets, of which each further octave uses the upper half.
private struct HDRLayout {
  let subBucketBits: Int

  init(digits: Int) {
    var single = 2
    for _ in 0..<digits { single *= 10 }
    var bits = 0
    while 1 << bits < single { bits += 1 }
    subBucketBits = bits
  }

  func index(of value: Int64) -> Int {
    let mask = Int64(1 << subBucketBits) - 1
    let octave = 64 - (value | mask).leadingZeroBitCount - subBucketBits
    let sub = Int(value >> Int64(octave))
    let half = 1 << (subBucketBits - 1)
    return (octave + 1) * half + sub - half
  }

  /// A highest trackable value that has room for `value`.
  func highest(for value: Int64) -> Int64 {
    var limit = Int64(1) << Int64(subBucketBits)
    while limit <= value, limit < 1 << 62 { limit <<= 1 }
    return limit - 1
  }
}

/// One interval of a log.
public struct HDRInterval: Sendable {
  /// Seconds from the log's start, and how long it was.
  public var start: Double
  public var length: Double
  /// Without blanks and commas; nil: no tag.
  public var tag: String?
  public var histogram: Histogram
  public init(start: Double, length: Double, tag: String? = nil, histogram: Histogram) {
    self.start = start
    self.length = length
    self.tag = tag
    self.histogram = histogram
  }
}

/// A `.hlog` of HdrHistogram's log format 1.3. The maximum column is in milliseconds, as HistogramLogWriter has it.
///
/// - Parameter startTime: seconds since 1970 of the log's start.
public func hdrLog(_ intervals: [HDRInterval], startTime: Double, comment: String = "nb load") -> String {
  func fixed(_ value: Double) -> String {
    let scaled = Int64((value * 1_000).rounded())
    let fraction = String(scaled % 1_000 + 1_000).dropFirst()
    return "\(scaled / 1_000).\(fraction)"
  }
  var text = "#[\(comment)]\n#[Histogram log format version 1.3]\n#[StartTime: \(fixed(startTime)) (seconds since epoch)]\n"
  text += "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
  for one in intervals {
    let tag = one.tag.map { "Tag=\($0)," } ?? ""
    text += "\(tag)\(fixed(one.start)),\(fixed(one.length)),\(fixed(Double(one.histogram.max) / 1e6)),\(one.histogram.hdrText())\n"
  }
  return text
}
