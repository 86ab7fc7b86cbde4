import ExperimentModel

// The cache's part of the way: hits, loads, revalidation, stale answers, and requests that wait for another's load.
extension Edge {
  func answerFromCache(_ visit: Visit, _ cache: HTTPCache) {
    let now = environment.now
    switch cache.lookup(visit.request, now: now) {
    case .fresh(let stored):
      counts.hits += 1
      serve(visit, stored.answer(now), "hit")
    case .staleWhileRevalidate(let stored):
      counts.hits += 1
      counts.staleServed += 1
      serve(visit, stored.answer(now), "hit; detail=stale-while-revalidate")
      revalidate(stored, visit.request, cache)
    case .stale(let stored): load(visit, stored, cache)
    case .miss: load(visit, nil, cache)
    case .gatewayTimeout:
      counts.misses += 1
      serve(visit, ProxyResponse(status: 504, reason: "\(name): not in the cache"), "fwd=miss; detail=only-if-cached")
    }
  }

  /// Asks the upstream for what is not there or not fresh.
  private func load(_ visit: Visit, _ stored: StoredAnswer?, _ cache: HTTPCache) {
    let key = cache.key(visit.request.target)
    counts.misses += 1
    let isShared = spec.cache?.singleFlight == true && visit.request.method == "GET"
    if isShared, flights[key] != nil {
      counts.collapsed += 1
      flights[key]!.append(visit)
      return
    }
    if isShared { flights[key] = [] }
    ask(visit.request, stored, cache) { [self] response, status in
      serve(visit, response, status)
      if isShared { land(key, cache, response) }
    }
  }

  /// Everybody who waited gets what is in the cache now; what may not be shared is asked for by each. A failure is shared: all
  /// who waited asking at once is what a failing upstream needs least.
  private func land(_ key: String, _ cache: HTTPCache, _ answer: ProxyResponse) {
    for visit in flights.removeValue(forKey: key) ?? [] {
      let now = environment.now
      if case .fresh(let stored) = cache.lookup(visit.request, now: now) {
        serve(visit, stored.answer(now), "fwd=miss; collapsed")
      } else if let stored = cache.standIn(visit.request, now: now) {
        counts.staleServed += 1
        serve(visit, stored.answer(now), "fwd=stale; collapsed")
      } else if answer.status >= 500 {
        serve(visit, answer, "fwd=miss; collapsed")
      } else {
        ask(visit.request, nil, cache) { [self] response, status in serve(visit, response, status) }
      }
    }
  }

  private func revalidate(_ stored: StoredAnswer, _ request: ProxyRequest, _ cache: HTTPCache) {
    let key = cache.key(request.target)
    var request = request
    request.method = "GET"
    guard revalidations.insert(key).inserted else { return }
    ask(request, stored, cache) { [self] _, _ in revalidations.remove(key) }
  }

  /// One load: with the stored answer's validator if it has one, else for the whole.
  /// - Parameter then: gets the response and what `Cache-Status` says of it.
  private func ask(
    _ original: ProxyRequest, _ stored: StoredAnswer?, _ cache: HTTPCache, then: @escaping (ProxyResponse, String) -> Void
  ) {
    counts.loads += 1
    var request = original
    // A GET is loaded whole for the next one; the client's own conditions are judged on what comes.
    if original.method == "GET" { ["If-None-Match", "If-Modified-Since"].forEach { request.fields.remove($0) } }
    let etag = original.method == "GET" ? stored?.etag : nil
    if let etag { request.fields.append("If-None-Match", etag) }
    let requestedAt = environment.now
    forward(request) { [self] response in
      let now = environment.now
      if let stored, etag != nil, response.status == 304 {
        counts.revalidated += 1
        let fresh = cache.freshen(stored, by: response, for: original, requestedAt: requestedAt, now: now)
        return then(fresh.answer(now), "fwd=stale; fwd-status=304")
      }
      if [500, 502, 503, 504].contains(response.status), let standIn = cache.standIn(original, now: now) {
        counts.staleServed += 1
        return then(standIn.answer(now), "fwd=stale; fwd-status=\(response.status); detail=stale-if-error")
      }
      let isStored = cache.keep(response, for: original, requestedAt: requestedAt, now: now) != nil
      then(response, "fwd=\(stored == nil ? "miss" : "stale"); fwd-status=\(response.status)\(isStored ? "; stored" : "")")
    }
  }

  /// Answers with `Cache-Status` (RFC 9211) and the older `X-Cache`, and with 304 to a client that has the same.
  private func serve(_ visit: Visit, _ response: ProxyResponse, _ status: String) {
    var response = response
    if response.status == 200, let etag = response.fields["ETag"], let wanted = visit.request.fields.list("If-None-Match"),
      EntityTag.matches(wanted, etag)
    {
      response.status = 304
      response.body.clear()
    }
    response.fields.set("X-Cache", status.hasPrefix("hit") ? "HIT" : "MISS")
    response.fields.append("Cache-Status", "\(name); \(status)")
    finish(visit, response)
  }
}
