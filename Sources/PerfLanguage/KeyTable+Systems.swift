// Rows of the key table: systems and their parts.

import ExperimentModel

let systemKeys: [Shape: [Key]] = [
  .system: [
    Key("kind", .other("the block's kind"), "says what the block is", required: true),
    Key("id", .name, "what `uses:` calls it", required: true),
    Key("title", .text, "a heading for it"),
    Key("extends", .name, "a preset or another system that this one changes"),
    Key("origin", .shape(.role), "the role that answers; a role may have any name with `kind: origin`"),
    Key("edge", .shape(.edge), "a reverse proxy before the instances of a role; traffic enters there"),
    Key("worker", .shape(.worker), "takes messages from a topic; a role may have any name with `kind: worker`"),
    Key("data", .other("datasets by name"), "seeded tables with the ids 1…rows"),
    Key("telemetry", .shape(.telemetry), "what its roles record of each request; without it nothing"),
    Key("hidden", .shape(.hidden), "a fault that the learner's seed chooses, to be found; `set: {hidden.off: true}` is the system without it"),
  ],
  .role: [
    Key("kind", .word(roleKinds), "what the role does; an `edge` and a `worker` have other keys", standard: "origin"),
    Key("count", .integer(1), "processes behind an edge, each with its own queue, workers, caches and port", standard: "1"),
    Key("instances", .other("paths and values by number, such as {4: {backend.mean: 30ms}}"), "what differs in some of them"),
    Key("workers", .integer(1), "slots of the queue served at the same time; not threads", standard: "32"),
    Key("queue", .shape(.queue), "what waits for a worker"),
    Key("timeout", .duration, "a request that waited longer is answered 504", standard: "10s"),
    transportKey,
    Key(
      "conventions", .word(ConventionAge.allCases.map(\.rawValue)),
      "names of the attributes on its spans: OpenTelemetry's of today, or those from before the conventions for HTTP and databases were stable",
      standard: ConventionAge.stable.rawValue),
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
      "dist", .word(["constant", "uniform", "exp", "lognormal", "pareto", "mix"]),
      "how the wait is distributed; `mix`: `exp`, and for a share of the calls `slow_min` + `exp`", standard: "constant"),
    Key("mean", .duration, "for all but `uniform`"),
    Key("min", .duration, "for `uniform`"),
    Key("max", .duration, "for `uniform`"),
    Key("sigma", .number(0.01...3), "for `lognormal`: standard deviation of the logarithm; at 1 the p99 is ten times the median"),
    Key("alpha", .number(1.05...100), "for `pareto`: exponent of the tail; the smaller, the heavier; a wait ends after an hour at the latest"),
    Key("slow_share", .share, "for `mix`: share of slow calls"),
    Key("slow_min", .duration, "for `mix`: the least that a slow call waits"),
    Key("slow_mean", .duration, "for `mix`: mean of the exponential wait on top of `slow_min`"),
    Key("stands_for", .text, "the remote party this timer stands for; shown with every result"),
    Key("async", .flag, "the worker serves other requests meanwhile", standard: "false"),
    perKey,
  ],
  .bytes: [
    Key("as", .name, "its name in counters and overrides; without it the stage's kind"),
    Key("size", .size, "of the body; needed without `content`, which is filled up to it with spaces"),
    Key("content", .text, "the body itself, for a browser; without it seeded letters"),
    Key("type", .word(BytesSpec.DocumentType.allCases.map(\.rawValue)), "of `content`", standard: "html"),
    Key("etag", .flag, "send an ETag, and 304 to who has it", standard: "false"),
    Key(
      "compress", .word(["none"] + BytesSpec.Compression.allCases.map(\.rawValue)),
      "each answer anew, for clients that accept it; the answer then says `Vary`", standard: "none"),
    Key("writes", .integer(1), "1: head and body in one write; 2: one for each", standard: "1"),
    Key("nodelay", .flag, "TCP_NODELAY; without it a small second write waits until the first is acknowledged", standard: "true"),
    Key("cache_control", .text, "the `Cache-Control` that is sent, such as `max-age=60, stale-while-revalidate=30`"),
    Key("vary", .text, "the `Vary` that is sent, such as `Accept-Language`"),
    Key("set_cookie", .text, "the `Set-Cookie` that is sent"),
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
    Key(
      "kind", .word(["block"] + ObjectHeap.Kind.allCases.map(\.rawValue)),
      "`block`: one block; else objects of 64 B, freed by a collector that stops the world, by `free`, or by reference counts",
      standard: "block"),
    Key("live", .size, "objects that are reachable from the start", standard: "0B"),
    Key("heap", .size, "for `mark-sweep`: the whole heap; it is collected when nothing of it is free"),
  ],
  .io: [
    Key("as", .name, "its name in counters and overrides; without it the stage's kind"),
    Key("op", .word(IOSpec.Operation.allCases.map(\.rawValue)), "`fsync` writes, and waits until the disk has it", standard: "read"),
    Key("size", .size, "of one operation", standard: "4KiB"),
    Key("direct", .flag, "past the page cache; sizes are then multiples of 4 KiB", standard: "false"),
    Key("depth", .integer(1), "operations of one request at the same time, each on a thread", standard: "1"),
    Key("access", .word(IOSpec.Access.allCases.map(\.rawValue)), "where the next operation is", standard: "random"),
    Key("file", .size, "the file, which is the lab's own, on a disk and gone afterwards", standard: "64MiB"),
  ],
  .infer: [
    Key("as", .name, "its name in counters and overrides; without it the stage's kind"),
    Key(
      "model", .word(InferSpec.Model.allCases.map(\.rawValue)),
      "four square layers of width 128, 512, 1280 or 2560; as fp32 they have 256 KiB, 4, 25 or 100 MiB", standard: "small"),
    Key("batch", .integer(1), "requests that are computed together at most; each holds a worker", standard: "1"),
    Key("max_delay", .duration, "how long the first request of a batch waits for others while the thread is idle", standard: "0ms"),
    Key("precision", .word(InferSpec.Precision.allCases.map(\.rawValue)), "of weights and inputs", standard: "fp32"),
  ],
  .dataset: [
    Key("rows", .integer(0), "ids 1…rows; 0 is an empty table, for what stages write", required: true),
    Key(
      "schema", .word(DatasetSchema.allCases.map(\.rawValue)),
      "its columns: \(DatasetSchema.allCases.map { "`\($0.rawValue)`: \($0.columns.map(\.name).joined(separator: ", "))" }.joined(separator: "; "))",
      standard: DatasetSchema.products.rawValue),
    Key("index", .other("lists of columns, such as [[user_id], [user_id, amount]]"), "an index of the table for each list, beside that of the id"),
    Key("popularity", .other("`uniform`, `sequential` or `{zipf: 0.9}`"), "how often each id is asked for", standard: "uniform"),
  ],
]

/// The kinds of stages; `off: true` in `set` removes one.
let stageKinds: [Shape] = [.cache, .sql, .wait, .bytes, .cpu, .call, .alloc, .io, .infer, .publish, .lock, .limit, .error]
