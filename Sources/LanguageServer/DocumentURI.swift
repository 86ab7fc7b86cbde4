// `file:///home/me/day%2008.md` and the path it means.

/// The path of a `file:` address; nil for other schemes, whose documents have no course around them.
func path(ofURI uri: String) -> String? {
  guard uri.hasPrefix("file://") else { return nil }
  let rest = uri.dropFirst(7)
  guard let slash = rest.firstIndex(of: "/") else { return nil }
  let bytes = Array(rest[slash...].utf8)
  var path: [UInt8] = []
  var i = 0
  while i < bytes.count {
    if bytes[i] == UInt8(ascii: "%"), i + 2 < bytes.count,
      let value = UInt8(String(decoding: bytes[i + 1...i + 2], as: UTF8.self), radix: 16), bytes[i + 1] != UInt8(ascii: "+"), value != 0
    {
      path.append(value)
      i += 3
    } else {
      path.append(bytes[i])
      i += 1
    }
  }
  return String(decoding: path, as: UTF8.self)
}

/// The address of an absolute path.
func fileURI(_ path: String) -> String {
  var uri = "file://"
  for byte in path.utf8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      uri.unicodeScalars.append(Unicode.Scalar(byte))
    default:
      let digits = String(byte, radix: 16, uppercase: true)
      uri += "%" + (digits.count == 1 ? "0" : "") + digits
    }
  }
  return uri
}
