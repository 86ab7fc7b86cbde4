import NIOCore

/// The shared second level of a cache: answers wrapped in a small header, under keys of this cache and this
/// run, in a memcached or Redis that is reached over a real socket. A failing second level is a miss, never an error
/// of the request; it is counted.
///
///     [8 sequence][8 expires][2 rows]([8 table][8 row])*[1 type][2 etag length][etag][body]
final class SecondLevel {
  struct Found { var value: CacheStage.Stored; var expires: Int64 }

  private let client: CacheClient
  /// Distinguishes caches, and runs that share an outside memcached. Expiry times are of this process's clock.
  private var prefix: String
  private let basePrefix: String
  private var generation = 0
  private var hits = 0
  private var misses = 0
  private var errors = 0

  init(client: CacheClient, prefix: String) {
    self.client = client
    basePrefix = prefix
    self.prefix = prefix + "0:"
  }

  func get(_ key: String, then: @escaping (Found?) -> Void) {
    client.get(prefix + sanitized(key)) { [self] reply in
      switch reply {
      case .value(let buffer):
        let found = Self.decode(buffer)
        if found == nil { errors += 1 } else { hits += 1 }
        then(found)
      case .done:
        misses += 1
        then(nil)
      case .failed:
        errors += 1
        then(nil)
      }
    }
  }

  func set(_ key: String, _ stored: CacheStage.Stored, expires: Int64, now: Int64) {
    // memcached counts whole seconds; the exact expiry travels inside the value.
    let seconds = expires == .max ? 0 : max(1, (expires - now) / 1_000_000_000 + 1)
    client.set(prefix + sanitized(key), Self.encode(stored, expires), seconds: seconds) { [self] reply in
      if case .failed = reply { errors += 1 }
    }
  }

  func delete(_ key: String, then: @escaping () -> Void) {
    client.delete(prefix + sanitized(key)) { [self] reply in
      if case .failed = reply { errors += 1 }
      then()
    }
  }

  /// Forgets everything by changing the prefix: exact at once, and harmless to others on the same server.
  func flush() {
    generation += 1
    prefix = basePrefix + "\(generation):"
  }

  func appendCounters(to counters: inout Counters, _ name: String) {
    counters.add(name, "l2_hits", hits)
    counters.add(name, "l2_misses", misses)
    counters.add(name, "l2_errors", errors)
  }

  func resetCounters() { hits = 0; misses = 0; errors = 0 }

  /// memcached keys have no spaces or control characters and at most 250 bytes.
  private func sanitized(_ key: String) -> String {
    let isPlain = key.utf8.count <= 180 && key.utf8.allSatisfy { $0 > 32 && $0 < 127 }
    return isPlain ? key : "h" + String(key.stableHash, radix: 16)
  }

  static func encode(_ stored: CacheStage.Stored, _ expires: Int64) -> ByteBuffer {
    var out = ByteBuffer()
    out.reserveCapacity(64 + stored.answer.body.readableBytes)
    out.writeInteger(stored.provenance.sequence)
    out.writeInteger(expires)
    out.writeInteger(UInt16(stored.provenance.rows.count))
    for row in stored.provenance.rows {
      out.writeInteger(Int64(row.table))
      out.writeInteger(row.row)
    }
    out.writeInteger(stored.answer.contentType.code)
    out.writeInteger(UInt16(stored.answer.etag?.utf8.count ?? 0))
    if let etag = stored.answer.etag { out.writeString(etag) }
    out.writeInteger(UInt16(stored.answer.fields?.utf8.count ?? 0))
    if let fields = stored.answer.fields { out.writeString(fields) }
    out.writeImmutableBuffer(stored.answer.body)
    return out
  }

  static func decode(_ buffer: ByteBuffer) -> Found? {
    var input = buffer
    guard let sequence: UInt64 = input.readInteger(), let expires: Int64 = input.readInteger(),
      let rowCount: UInt16 = input.readInteger()
    else { return nil }
    var rows: [RowKey] = []
    for _ in 0..<rowCount {
      guard let table: Int64 = input.readInteger(), let row: Int64 = input.readInteger() else { return nil }
      rows.append(RowKey(table: Int(table), row: row))
    }
    guard let code: UInt8 = input.readInteger(), let type = Answer.ContentType(code: code),
      let etagLength: UInt16 = input.readInteger(), let etag = input.readString(length: Int(etagLength)),
      let fieldsLength: UInt16 = input.readInteger(), let fields = input.readString(length: Int(fieldsLength))
    else { return nil }
    let answer = Answer(
      body: input, contentType: type, etag: etag.isEmpty ? nil : etag, fields: fields.isEmpty ? nil : fields)
    return Found(
      value: .init(answer: answer, provenance: Provenance(sequence: sequence, rows: rows)),
      expires: expires)
  }
}

extension Answer.ContentType {
  /// In the order of their codes on the wire.
  private static let all: [Answer.ContentType] = [.none, .json, .text, .bytes, .html, .css, .javascript, .svg]
  fileprivate var code: UInt8 { UInt8(Self.all.firstIndex(of: self) ?? 0) }
  fileprivate init?(code: UInt8) {
    guard Int(code) < Self.all.count else { return nil }
    self = Self.all[Int(code)]
  }
}
