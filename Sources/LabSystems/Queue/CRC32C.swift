/// CRC-32C (Castagnoli's polynomial, reflected; RFC 3720, appendix B.4), one table look-up a byte. Records are some hundred
/// bytes beside a sync of a hundred microseconds, so the hardware instruction would save nothing that can be seen.
enum CRC32C {
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { crc, _ in crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1 }
  }

  /// - Parameter before: the checksum of the bytes before these; 0 at the start.
  static func of(_ bytes: some Sequence<UInt8>, after before: UInt32 = 0) -> UInt32 {
    ~bytes.reduce(~before) { crc, byte in crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)] }
  }
}
