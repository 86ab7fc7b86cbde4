import ExperimentModel

/// A shared cache's rules (RFC 9111): what may be stored, what answers a request, what a change invalidates. It asks nobody; the
/// edge loads and revalidates. All variants of a URL are one entry and leave together.
final class HTTPCache {
  enum Lookup {
    /// May be answered without asking anybody.
    case fresh(StoredAnswer)
    /// May be answered at once, and asked about meanwhile (RFC 5861, 3).
    case staleWhileRevalidate(StoredAnswer)
    /// The upstream must say first whether it still holds.
    case stale(StoredAnswer)
    case miss
    /// The client wants a stored answer or none.
    case gatewayTimeout
  }

  /// Cacheable by default (RFC 9110, 15.1); 206 needs ranges, which this cache leaves alone.
  private static let statuses: Set<Int> = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]

  private let spec: EdgeCacheSpec
  private let store: any BoundedCache<String, [StoredAnswer]>

  init(_ spec: EdgeCacheSpec) {
    self.spec = spec
    store = makeCache(spec.policy, capacity: spec.capacity, byteLimit: spec.bytes)
  }

  // MARK: Keys

  /// The target without the query parameters that do not count, the others in order of their name: one page, one key.
  func key(_ target: String) -> String {
    guard !spec.ignoreQuery.isEmpty, let mark = target.firstIndex(of: "?") else { return target }
    let kept = target[target.index(after: mark)...].split(separator: "&").filter { parameter in
      let name = parameter.prefix { $0 != "=" }
      return !spec.ignoreQuery.contains { $0.hasSuffix("*") ? name.hasPrefix($0.dropLast()) : name == $0 }
    }
    let path = String(target[..<mark])
    return kept.isEmpty ? path : path + "?" + kept.sorted().joined(separator: "&")
  }

  // MARK: Looking up

  /// Whether the cache has a say: other methods, and parts of a body, go past it.
  func handles(_ request: ProxyRequest) -> Bool {
    ["GET", "HEAD"].contains(request.method) && request.fields["Range"] == nil
  }

  func lookup(_ request: ProxyRequest, now: Int64) -> Lookup {
    let wish = CacheControl(request.fields.list("Cache-Control"))
    let variants = store.value(for: key(request.target), now: now) ?? []
    guard let stored = variants.first(where: { $0.matches(request) }) else {
      return wish.has("only-if-cached") ? .gatewayTimeout : .miss
    }
    let isOldEnough = wish.seconds("max-age").map { stored.age(now) > $0 * 1_000_000_000 } ?? false
    if stored.isFresh(now), !wish.has("no-cache"), !isOldEnough { return .fresh(stored) }
    if wish.has("only-if-cached") { return .gatewayTimeout }
    if !wish.has("no-cache"), !isOldEnough, stored.allows("stale-while-revalidate", now) { return .staleWhileRevalidate(stored) }
    return .stale(stored)
  }

  /// A stored answer that may stand in for a failed upstream (RFC 5861, 4).
  func standIn(_ request: ProxyRequest, now: Int64) -> StoredAnswer? {
    store.value(for: key(request.target), now: now)?.first { $0.matches(request) && $0.allows("stale-if-error", now) }
  }

  // MARK: Storing

  /// Stores the answer to a GET if a shared cache may (RFC 9111, 3); what it stored, or nil.
  @discardableResult
  func keep(_ response: ProxyResponse, for request: ProxyRequest, requestedAt: Int64, now: Int64) -> StoredAnswer? {
    guard let selecting = storable(response, request) else { return nil }
    let stored = StoredAnswer(response, selecting: selecting, requestedAt: requestedAt, now: now, fallback: spec.ttl?.rawValue ?? 0)
    return put(stored, request, now)
  }

  /// The upstream says that it still holds.
  func freshen(_ stored: StoredAnswer, by update: ProxyResponse, for request: ProxyRequest, requestedAt: Int64, now: Int64) -> StoredAnswer {
    let fresh = stored.freshened(by: update, requestedAt: requestedAt, now: now, fallback: spec.ttl?.rawValue ?? 0)
    // The new fields may forbid what the old ones allowed.
    guard storable(fresh.response, request) != nil else {
      drop(stored, request, now)
      return fresh
    }
    return put(fresh, request, now)
  }

  /// A change went through: what is stored of that URL is no longer true (RFC 9111, 4.4).
  func invalidate(_ target: String) { store.remove(key(target)) }

  func clear() { store.removeAll() }

  /// The request's values of what `Vary` names; nil when the answer may not be stored.
  private func storable(_ response: ProxyResponse, _ request: ProxyRequest) -> [String: String]? {
    let said = CacheControl(response.fields.list("Cache-Control"))
    guard request.method == "GET", Self.statuses.contains(response.status), !said.has("no-store"), !said.has("private"),
      !CacheControl(request.fields.list("Cache-Control")).has("no-store")
    else { return nil }
    // The RFC leaves cookies to the operator: an answer that hands one out is somebody's own, and the careful default of Varnish and nginx.
    if response.fields["Set-Cookie"] != nil { return nil }
    if request.fields["Authorization"] != nil, !["public", "must-revalidate", "s-maxage"].contains(where: said.has) { return nil }
    let saysHowLong = said.has("max-age") || said.has("s-maxage") || said.has("no-cache")
    // Nothing said: kept for the declared time, else only to be asked about by its validator.
    guard saysHowLong || spec.ttl != nil && response.status == 200 || response.fields["ETag"] != nil && response.status == 200 else { return nil }
    let names = (response.fields.list("Vary") ?? "").split(separator: ",").map { $0.trimmed.lowercased() }.filter { !$0.isEmpty }
    if names.contains("*") { return nil }
    return Dictionary(names.map { ($0, request.fields.list($0) ?? "") }) { a, _ in a }
  }

  private func put(_ stored: StoredAnswer, _ request: ProxyRequest, _ now: Int64) -> StoredAnswer {
    let key = key(request.target)
    var variants = (store.value(for: key, now: now) ?? []).filter { !$0.matches(request) && $0.selecting != stored.selecting }
    variants.append(stored)
    // One URL is one entry: without a bound a header that is different every time would grow it for ever.
    if variants.count > 16 { variants.removeFirst() }
    store.insert(variants, for: key, cost: variants.reduce(0) { $0 + $1.cost }, expires: .max)
    return stored
  }

  private func drop(_ stored: StoredAnswer, _ request: ProxyRequest, _ now: Int64) {
    let key = key(request.target)
    let variants = (store.value(for: key, now: now) ?? []).filter { $0.selecting != stored.selecting }
    if variants.isEmpty { store.remove(key) } else { store.insert(variants, for: key, cost: variants.reduce(0) { $0 + $1.cost }, expires: .max) }
  }

  var entries: Int { store.count }
  var bytes: Int { store.bytes }
  var evictions: Int { store.evictions }
}
