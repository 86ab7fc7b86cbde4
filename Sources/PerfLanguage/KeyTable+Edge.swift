// Rows of the key table: the role `edge` and its parts.

import ExperimentModel

/// Of a role or an edge, whichever is the entry.
let transportKey = Key(
  "transport", .word(["http1"] + LabTransport.allCases.map(\.rawValue)),
  "of the port where traffic enters: HTTP/1.1; over TLS with a throw-away certificate; HTTP/2 over TLS, or without by prior knowledge",
  standard: "http1")

let edgeKeys: [Shape: [Key]] = [
  .edge: [
    Key("kind", .word(roleKinds), "what the role does", standard: "edge"),
    Key("upstream", .name, "the role whose instances are asked, or another edge; needed, here or in what the system extends"),
    Key(
      "balance", .word(BalancePolicy.allCases.map(\.rawValue)),
      "who gets the next request: in turn, in turn by weight, at random, the less busy of two, the least busy, by a key, by a key with a bound",
      standard: "rr"),
    Key("weights", .texts("numbers above 0"), "one for each instance, for `wrr`, `least_conn`, `p2c` and the hashes"),
    Key("hash_key", .text, "what stays together: `{id}` of the upstream's route, or `header:NAME`; without it the whole path"),
    Key("bound", .number(1.01...100), "for `bounded_hash`: nobody has more than so many times the mean under way", standard: "1.25"),
    Key("connections", .integer(1), "kept-alive connections to each instance; a request waits for a free one", standard: "256"),
    Key("timeout", .duration, "of one attempt; then another is tried, or the answer is 504", standard: "10s"),
    transportKey,
    Key("health", .shape(.health), "takes instances out of service and back"),
    Key("cache", .shape(.edgeCache), "a shared HTTP cache; `Cache-Control` of the answers says for how long"),
    Key("limit", .shape(.edgeLimit), "turns away what is too much: 429 over `rate`, 503 over `concurrency`"),
    Key("retry", .shape(.retry), "another attempt after a refused or broken connection, a timeout, 502, 503 or 504, if twice is as good as once"),
    Key("hedge", .shape(.hedge), "a second attempt beside a slow one; the first answer wins, the other is called off"),
    Key("breaker", .shape(.breaker), "stops asking an instance that fails; after a while one request tries it"),
    Key("shed", .shape(.shed), "503 at once while a queue stands behind the edge"),
    Key("shape", .shape(.link), "the link to the clients"),
  ],
  .health: [
    Key("interval", .duration, "between checks of an instance, and the time it has to answer one", standard: "1s"),
    Key("fall", .integer(1), "failed checks in a row that take it out of service", standard: "3"),
    Key("rise", .integer(1), "passed checks in a row that bring it back", standard: "2"),
    Key("path", .text, "what is asked; without it the process is asked past its queue"),
    Key("passive", .flag, "a refused connection takes it out at once", standard: "true"),
  ],
  .edgeCache: [
    Key("policy", .word(CachePolicy.allCases.map(\.rawValue)), "which URL gives way", standard: "lru"),
    Key("capacity", .integer(0), "URLs; 0 switches the cache off"),
    Key("bytes", .size, "budget of stored bodies and fields, beside or instead of `capacity`"),
    Key("ttl", .duration, "freshness of answers that do not say; without it they are not kept"),
    Key("single_flight", .flag, "concurrent misses of a URL wait for one load", standard: "false"),
    Key("ignore_query", .texts("names"), "query parameters that are no part of the key: names, `utm_*`, or `\"*\"`"),
  ],
  .edgeLimit: [
    Key("rate", .rate, "tokens that come into each bucket"),
    Key("burst", .integer(1), "tokens that a bucket holds", standard: "1"),
    Key("key", .text, "a bucket for each value of this header, as `header:NAME`; without it one for all"),
    Key("concurrency", .integer(1), "requests inside the edge at one time"),
  ],
  .retry: [
    Key("max", .integer(0), "attempts after the first", required: true),
    Key("budget", .share, "retries and hedges as a share of requests; without it any number"),
    Key("backoff", .word(RetrySpec.Backoff.allCases.map(\.rawValue)), "the pause before a retry; jitter spreads what failed together", standard: "none"),
    Key("base", .duration, "the first pause; each is twice the last", standard: "10ms"),
    Key("cap", .duration, "the longest pause", standard: "1s"),
  ],
  .hedge: [Key("after", .text, "a time such as `30ms`, or a percentile of the recent ones such as `p95`", required: true)],
  .breaker: [
    Key("failures", .integer(1), "in a row, that open it", standard: "5"),
    Key("share", .share, "of failures among the last `window` attempts, that opens it too"),
    Key("window", .integer(1), "attempts that `share` is of", standard: "20"),
    Key("cooldown", .duration, "until one request tries again", standard: "5s"),
  ],
  .shed: [
    Key("queue_delay", .duration, "503 at once when for so long, at least 100ms, nothing was answered faster than this", required: true)
  ],
  .link: [
    Key("delay", .duration, "round trip that the link adds to each request, and once more to each new connection", standard: "0s"),
    Key("jitter", .duration, "uniform ± around `delay`", standard: "0s"),
    Key("rate", .size, "bytes per second that all answers share"),
    Key("window", .size, "bytes that one connection may have under way; credit returns a round trip later"),
  ],
]

/// What a role can be.
let roleKinds = ["origin", "edge"]

extension SystemDraft {
  /// The rows of `edge.param` paths, parts as `retry.max`; `retry.off` switches a part off.
  static let edgePathKeys: [Key] = Shape.edge.keys.filter { $0.name != "kind" }.flatMap { key in
    guard case .shape(let part) = key.type else { return [key] }
    return part.keys.map { Key("\(key.name).\($0.name)", $0.type, $0.meaning, standard: $0.standard) }
      + [Key("\(key.name).off", .flag, "switch this part off")]
  }

  /// The parts of an edge that a path may set as a whole: `edge.retry: {max: 3}`.
  static func edgePart(_ name: String) -> Shape? {
    guard let key = Shape.edge.key(name), case .shape(let part) = key.type else { return nil }
    return part
  }
}
