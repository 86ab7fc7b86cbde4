import NIOCore

/// A stored response with what its freshness is reckoned from (RFC 9111, 4.2). Times are nanoseconds of the edge's clock; the lab
/// tells no time of day, so `Date` and `Expires` are not used.
struct StoredAnswer {
  private static let second: Int64 = 1_000_000_000

  /// As it came, without `Age`.
  var response: ProxyResponse
  /// The request's values of the fields that `Vary` names, each name in small letters.
  var selecting: [String: String]
  private let control: CacheControl
  /// Age when it was received, with the time it took to come (4.2.3).
  private let ageAtReceipt: Int64
  private let receivedAt: Int64
  private let lifetime: Int64

  /// - Parameter fallback: freshness when the response says nothing about it.
  init(_ response: ProxyResponse, selecting: [String: String], requestedAt: Int64, now: Int64, fallback: Int64) {
    control = CacheControl(response.fields.list("Cache-Control"))
    let said = response.fields["Age"].flatMap { Int64($0) } ?? 0
    ageAtReceipt = max(0, said) * Self.second + (now - requestedAt)
    receivedAt = now
    // `s-maxage` is meant for shared caches such as this one.
    lifetime = (control.seconds("s-maxage") ?? control.seconds("max-age")).map { $0 * Self.second } ?? fallback
    self.response = response
    self.response.fields.remove("Age")
    self.selecting = selecting
  }

  var etag: String? { response.fields["ETag"] }

  func age(_ now: Int64) -> Int64 { ageAtReceipt + (now - receivedAt) }

  func isFresh(_ now: Int64) -> Bool { !control.has("no-cache") && age(now) < lifetime }

  /// Whether it may be used after its freshness ended, by the directive of RFC 5861 of this name.
  func allows(_ directive: String, _ now: Int64) -> Bool {
    guard let grace = control.seconds(directive), !mustRevalidate else { return false }
    return age(now) - lifetime < grace * Self.second
  }

  private var mustRevalidate: Bool {
    ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage"].contains(where: control.has)
  }

  /// After a 304: the stored body with the new fields (3.2, 4.3.4).
  func freshened(by update: ProxyResponse, requestedAt: Int64, now: Int64, fallback: Int64) -> StoredAnswer {
    var merged = response
    for field in update.fields.all { merged.fields.remove(field.name) }
    merged.fields.append(update.fields.all)
    return StoredAnswer(merged, selecting: selecting, requestedAt: requestedAt, now: now, fallback: fallback)
  }

  /// What a client gets now, with its `Age`.
  func answer(_ now: Int64) -> ProxyResponse {
    var response = response
    response.fields.append("Age", String(age(now) / Self.second))
    return response
  }

  func matches(_ request: ProxyRequest) -> Bool { selecting.allSatisfy { (request.fields.list($0.key) ?? "") == $0.value } }

  /// Bytes it takes of the budget.
  var cost: Int { response.body.readableBytes + response.fields.size }
}
