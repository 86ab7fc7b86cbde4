// What one user carries from request to request: captured values and cookies. Allocated once per slot, and only when the
// scenario captures or keeps cookies.

final class User {
  private var values: [Box] = []
  /// `name=value; name=value`, ready to send.
  private(set) var cookies = ByteStore(capacity: 64)
  /// A jar above this ignores what comes: a server must not fill the generator's memory.
  private static let cookiesMax = 8_192

  private final class Box { var bytes = ByteStore(capacity: 32) }

  init(variables: Int) { values = (0..<variables).map { _ in Box() } }

  /// A new iteration of a scenario starts without values; cookies stay.
  func forget() { for box in values { box.bytes.count = 0 } }

  func value(_ i: Int) -> (start: UnsafePointer<UInt8>, count: Int) { (UnsafePointer(values[i].bytes.bytes), values[i].bytes.count) }

  func keep(_ capture: Capture, from sink: ResponseSink, regex: (String) -> Regex<AnyRegexOutput>?) -> Bool {
    capture.take(from: sink, into: &values[capture.variable].bytes, regex: regex)
  }

  /// Takes `name=value` of a Set-Cookie line; replaces a cookie of that name, removes it with `Max-Age=0`. Path, domain and
  /// expiry dates are not looked at: one user talks to one target.
  func setCookie(_ line: UnsafePointer<UInt8>, _ count: Int) {
    var end = 0
    while end < count, line[end] != 59 { end += 1 }
    var equals = 0
    while equals < end, line[equals] != 61 { equals += 1 }
    guard equals > 0, equals < end, cookies.count + end + 2 <= Self.cookiesMax else { return }
    remove(line, equals)
    if isExpired(line + end, count - end) { return }
    if cookies.count > 0 {
      cookies.append(59)
      cookies.append(32)
    }
    cookies.append(line, end)
  }

  private func isExpired(_ attributes: UnsafePointer<UInt8>, _ count: Int) -> Bool {
    let word: StaticString = "max-age=0"
    let n = word.utf8CodeUnitCount
    var i = 0
    while i + n <= count {
      var same = true
      for j in 0..<n where attributes[i + j] | 0x20 != word.utf8Start[j] | 0x20 { same = false; break }
      if same { return true }
      i += 1
    }
    return false
  }

  private func remove(_ name: UnsafePointer<UInt8>, _ length: Int) {
    var at = 0
    while at < cookies.count {
      var end = at
      while end < cookies.count, cookies.bytes[end] != 59 { end += 1 }
      // With the "; " after it, or before it when it is the last one.
      let next = min(end + 2, cookies.count)
      var same = end - at > length && cookies.bytes[at + length] == 61
      var i = 0
      while same, i < length {
        same = cookies.bytes[at + i] == name[i]
        i += 1
      }
      guard same else {
        at = next
        continue
      }
      let tail = cookies.count - next
      if tail > 0 {
        (cookies.bytes + at).update(from: cookies.bytes + next, count: tail)
        cookies.count = at + tail
      } else {
        cookies.count = max(0, at - 2)
      }
      return
    }
  }
}
