import NIOCore

/// What a memcached does with its commands: a byte-bounded LRU with expiry. Time is an argument.
struct MemcachedStore {
  private struct Item { var flags: UInt32; var data: ByteBuffer; var unique: UInt64 }
  /// 64 MiB, memcached's own default.
  static let byteLimit = 64 << 20

  private let items = PolicyCache<String, Item, LRUPolicy>(capacity: nil, byteLimit: byteLimit)
  private var lastUnique: UInt64 = 0

  /// Carries a command out and writes its answer; whether the connection stays open.
  /// - Parameters:
  ///   - now: nanoseconds of a monotonic clock, for expiry.
  ///   - unixNow: seconds since 1970, for expiry times above 30 days, which the protocol reads as dates.
  mutating func apply(
    _ command: MemcachedCommand, now: Int64, unixNow: Int64, to out: inout ByteBuffer
  ) -> Bool {
    switch command {
    case .get(let keys, let withCAS):
      for key in keys {
        guard let item = items.value(for: key, now: now) else { continue }
        out.writeStaticString("VALUE ")
        out.writeString(key)
        out.writeStaticString(" ")
        out.writeDecimal(Int(item.flags))
        out.writeStaticString(" ")
        out.writeDecimal(item.data.readableBytes)
        if withCAS { out.writeString(" \(item.unique)") }
        out.writeStaticString("\r\n")
        out.writeImmutableBuffer(item.data)
        out.writeStaticString("\r\n")
      }
      out.writeStaticString("END\r\n")
    case .set(let key, let flags, let seconds, let data, let noreply):
      lastUnique += 1
      let life = seconds > 2_592_000 ? seconds - unixNow : seconds
      if life < 0 {
        items.remove(key)
      } else {
        let (expires, overflow) = now.addingReportingOverflow(life.multipliedReportingOverflow(by: 1_000_000_000).partialValue)
        items.insert(
          Item(flags: flags, data: data, unique: lastUnique), for: key, cost: data.readableBytes + key.utf8.count,
          expires: life == 0 || overflow ? .max : expires)
      }
      if !noreply { out.writeStaticString("STORED\r\n") }
    case .delete(let key, let noreply):
      let found = items.remove(key)
      if !noreply { out.writeString(found ? "DELETED\r\n" : "NOT_FOUND\r\n") }
    case .flushAll(let noreply):
      items.removeAll()
      if !noreply { out.writeStaticString("OK\r\n") }
    case .version: out.writeStaticString("VERSION nb-lab\r\n")
    case .quit: return false
    case .error(let line): out.writeString(line + "\r\n")
    case .fatal(let line):
      out.writeString(line + "\r\n")
      return false
    }
    return true
  }
}
