// Rows of the key table: systems and their parts.

import ExperimentModel

let systemKeys: [Shape: [Key]] = [
  .system: [
    Key("kind", .other("the block's kind"), "says what the block is", required: true),
    Key("id", .name, "what `uses:` calls it", required: true),
    Key("title", .text, "a heading for it"),
    Key("extends", .name, "a preset or another system that this one changes"),
    Key("origin", .shape(.role), "the role that answers; a role may have any name with `kind: origin`"),
    Key("worker", .shape(.worker), "takes messages from a topic; a role may have any name with `kind: worker`"),
    Key("data", .other("datasets by name"), "seeded tables with the ids 1…rows"),
  ],
  .role: [
    Key("kind", .word(["origin"]), "what the role does; a `worker` has other keys", standard: "origin"),
    Key("workers", .integer(1), "slots of the queue served at the same time; not threads", standard: "32"),
    Key("queue", .shape(.queue), "what waits for a worker"),
    Key("timeout", .duration, "a request that waited longer is answered 504", standard: "10s"),
    Key("routes", .other("lists of stages by `METHOD /path/{x}`"), "what a request passes through"),
  ],
  .queue: [
    Key("limit", .integer(0), "requests that may wait; one more is answered 503; 1000000 is as good as no limit", standard: "256"),
    Key("discipline", .word(["fifo"]), "who is served next", standard: "fifo"),
  ],
  .cache: [
    Key("as", .name, "its name in counters and overrides; without it the stage's kind"),
    Key("key", .text, "a template over the route's variables, such as `{id}`; without it all of them"),
    Key("policy", .word(CachePolicy.allCases.map(\.rawValue)), "which entry gives way", standard: "lru"),
    Key("capacity", .integer(0), "entries; 0 switches the cache off"),
    Key("bytes", .size, "budget of stored bodies, beside or instead of `capacity`"),
    Key("ttl", .duration, "age at which an entry expires; without it never"),
    Key("jitter", .share, "share of the TTL that is drawn at random", standard: "0"),
    Key("single_flight", .flag, "concurrent misses of a key wait for one load", standard: "false"),
    Key("l2", .text, "second level over the memcached protocol: `lab`, or HOST:PORT"),
    Key("invalidate_on", .text, "a route whose requests drop the key, such as `PUT /product/{id}`"),
  ],
  .sql: [
    Key("as", .name, "its name in counters and overrides; without it the stage's kind"),
    Key("fence", .name, "the `sql` code fence with the statement"),
    Key("statement", .text, "the statement itself, instead of `fence`; `:id` is the route's variable"),
    Key("pool", .integer(1), "connections; a request waits for a free one", standard: "5"),
    Key("durable", .flag, "a write is on the disk before the request goes on, as SQLite's `synchronous = FULL` has it", standard: "false"),
    perKey,
  ],
  .wait: [
    Key("as", .name, "its name in counters and overrides; without it the stage's kind"),
    Key(
      "dist", .word(["constant", "uniform", "exp", "mix"]),
      "how the wait is distributed; `mix`: `exp`, and for a share of the calls `slow_min` + `exp`", standard: "constant"),
    Key("mean", .duration, "for `constant`, `exp` and `mix`"),
    Key("min", .duration, "for `uniform`"),
    Key("max", .duration, "for `uniform`"),
    Key("slow_share", .share, "for `mix`: share of slow calls"),
    Key("slow_min", .duration, "for `mix`: the least that a slow call waits"),
    Key("slow_mean", .duration, "for `mix`: mean of the exponential wait on top of `slow_min`"),
    Key("stands_for", .text, "the remote party this timer stands for; shown with every result"),
    perKey,
  ],
  .bytes: [
    Key("as", .name, "its name in counters and overrides; without it the stage's kind"),
    Key("size", .size, "of the body", required: true),
    Key("etag", .flag, "send an ETag, and 304 to who has it", standard: "false"),
  ],
  .cpu: [
    Key("as", .name, "its name in counters and overrides; without it the stage's kind"),
    Key("work", .word(CPUWork.allCases.map(\.rawValue)), "what is computed, really, on a thread of its own", required: true),
    Key(
      "units", .integer(1),
      "of each call: KiB for `sha256`, numbers for `sort` and `dedupe-…`, orders for `json`, thousand rounds for `spin`",
      required: true),
    perKey,
  ],
  .call: [
    Key("as", .name, "its name in counters and overrides; without it the stage's kind"),
    Key("to", .name, "the role that is asked; without it the own one"),
    Key("path", .text, "a GET route of that role, such as `/product`; `{…}` are variables of the own route", required: true),
    Key("k", .integer(1), "calls for each request", standard: "1"),
    Key("mode", .word(CallSpec.Mode.allCases.map(\.rawValue)), "one after the other, or all at once", standard: "serial"),
    perKey,
  ],
  .alloc: [
    Key("as", .name, "its name in counters and overrides; without it the stage's kind"),
    Key("per_request", .size, "memory that each request takes, writes to and gives back", standard: "0B"),
    Key("leak", .size, "memory that each request takes and never gives back", standard: "0B"),
  ],
  .dataset: [
    Key("rows", .integer(0), "ids 1…rows; 0 is an empty table, for what stages write", required: true),
    Key("popularity", .other("`uniform`, `sequential` or `{zipf: 0.9}`"), "how often each id is asked for", standard: "uniform"),
  ],
]

/// The kinds of stages; `off: true` in `set` removes one.
let stageKinds: [Shape] = [.cache, .sql, .wait, .bytes, .cpu, .call, .alloc, .publish, .lock, .limit, .error]

/// Stages of the language that this version of nb does not have.
let laterStages = ["io", "infer"]
