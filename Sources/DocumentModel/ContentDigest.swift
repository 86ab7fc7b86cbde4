// Which bytes a file had: what caches ask. Unlike `seal`, which forgives other line endings, every byte counts.

import Crypto

/// 32 hex digits of SHA-256.
public func contentDigest(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  var out: [UInt8] = []
  for byte in bytes.withUnsafeBytes({ SHA256.hash(data: $0) }).prefix(16) {
    out.append(digits[Int(byte >> 4)])
    out.append(digits[Int(byte & 15)])
  }
  return String(decoding: out, as: UTF8.self)
}
