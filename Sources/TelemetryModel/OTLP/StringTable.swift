// Strings that come again and again: attribute keys, span names, routes. A table of the last ones saves the allocation of
// each further copy, in time and in the store's memory. Direct-mapped: a newcomer takes the place of what was there, so that
// its memory is bounded and a sender of unique values can only make it useless, not large.

import Glibc

final class StringTable {
  private static let slots = 4096
  /// Longer strings are rarely the same, and would make the table's memory depend on the sender.
  private static let bytesMax = 128
  /// Up to here a String needs no memory of its own.
  private static let inlineMax = 15

  private let hashes: UnsafeMutablePointer<UInt64>
  private let strings: UnsafeMutablePointer<String>

  init() {
    hashes = .allocate(capacity: Self.slots)
    hashes.initialize(repeating: 0, count: Self.slots)
    strings = .allocate(capacity: Self.slots)
    strings.initialize(repeating: "", count: Self.slots)
  }

  deinit {
    hashes.deallocate()
    strings.deinitialize(count: Self.slots)
    strings.deallocate()
  }

  /// The string of these bytes; nil when they are no UTF-8.
  @inline(__always)
  func string(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> String? {
    guard count > Self.inlineMax, count <= Self.bytesMax else {
      return Self.make(bytes, count)
    }
    let hash = Self.hash(bytes, count)
    let slot = Int(truncatingIfNeeded: hash) & (Self.slots - 1)
    if hashes[slot] == hash, Self.equal(strings[slot], bytes, count) { return strings[slot] }
    guard let made = Self.make(bytes, count) else { return nil }
    hashes[slot] = hash
    strings[slot] = made
    return made
  }

  /// `String(validating:)` judges and copies, but looks up generic metadata on each call, which costs more than both; it is left
  /// to texts that are not plain ASCII.
  @inline(__always)
  private static func make(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> String? {
    let text = UnsafeBufferPointer(start: bytes, count: count)
    return isASCII(bytes, count) ? String(decoding: text, as: UTF8.self) : String(validating: text, as: UTF8.self)
  }

  @inline(__always)
  private static func isASCII(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let raw = UnsafeRawPointer(bytes)
    var seen: UInt64 = 0
    var at = 0
    while at + 8 <= count {
      seen |= raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      at += 8
    }
    while at < count {
      seen |= UInt64(bytes[at])
      at += 1
    }
    return seen & 0x8080_8080_8080_8080 == 0
  }

  @inline(__always)
  private static func equal(_ text: String, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    text.utf8.withContiguousStorageIfAvailable { $0.count == count && memcmp($0.baseAddress!, bytes, count) == 0 } ?? false
  }

  /// Eight bytes at a time, the last eight overlapping. Not keyed: equality is checked, so a collision costs a place, not truth.
  @inline(__always)
  private static func hash(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    let raw = UnsafeRawPointer(bytes)
    var hash = UInt64(truncatingIfNeeded: count)
    var at = 0
    while at + 8 <= count {
      hash = mix(hash ^ raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      at += 8
    }
    return mix(hash ^ raw.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    return product.high ^ product.low
  }
}
