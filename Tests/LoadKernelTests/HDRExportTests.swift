// The HdrHistogram export, read back with an independent decoder of the V2 layout. (Also read with HdrHistogram's own
// Python reader while it was written: same counts and quantiles.)

import Testing

@testable import LoadKernel

@Suite struct HDRExportTests {
  /// (index, count) of each bucket that is not empty; nil when the bytes are no V2 histogram.
  private func decode(_ bytes: [UInt8]) -> [(index: Int, count: Int)]? {
    guard bytes.count >= 40, Array(bytes[0..<4]) == [0x1c, 0x84, 0x93, 0x03] else { return nil }
    let length = bytes[4..<8].reduce(0) { $0 << 8 | Int($1) }
    guard bytes.count == 40 + length else { return nil }
    var found: [(Int, Int)] = []
    var index = 0
    var at = 40
    while at < bytes.count {
      var value: UInt64 = 0
      for place in 0..<9 {
        let byte = bytes[at]
        at += 1
        value |= UInt64(place < 8 ? byte & 0x7F : byte) << UInt64(7 * place)
        if byte < 0x80 { break }
      }
      let count = Int(Int64(bitPattern: value >> 1) ^ -Int64(value & 1))
      if count < 0 {
        index -= count
      } else {
        found.append((index, count))
        index += 1
      }
    }
    return found
  }

  @Test("every count is exported once, in a bucket within the stated error of its value", arguments: [2, 3])
  func counts(_ digits: Int) throws {
    var record = LoadRecord()
    var state: UInt64 = 9
    for _ in 0..<50_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      record.response.record(Int64(state >> (22 + state % 38)))
    }
    let decoded = try #require(decode(record.response.hdrEncoded(digits: digits)))
    #expect(decoded.reduce(0) { $0 + $1.count } == 50_000)
    let half = digits == 2 ? 128 : 1_024
    func low(_ index: Int) -> Double {
      index < 2 * half ? Double(index) : Double(index % half + half) * Double(1 << (index / half - 1))
    }
    var seen = 0
    for (index, count) in decoded {
      seen += count
      let mine = Double(record.response.value(atRank: seen))
      #expect(abs(low(index) - mine) <= mine / Double(half) + 1, "bucket \(index): \(low(index)) for \(mine)")
    }
  }

  @Test("an empty histogram and one of a single value are texts, too")
  func small() {
    var record = LoadRecord()
    #expect(decode(record.response.hdrEncoded())?.isEmpty == true)
    record.response.record(5)
    #expect(decode(record.response.hdrEncoded())?.first?.index == 5)
    #expect(record.response.hdrText().hasPrefix("HISTBA"))
  }
}
