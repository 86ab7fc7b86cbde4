// Rows of the key table: the asynchronous half of a system, and stages that hold requests back, turn them away or break them.

import ExperimentModel

private let name = Key("as", .name, "its name in counters and overrides; without it the stage's kind")

/// Of stages that a worker may run once for a whole batch.
let perKey = Key("per", .word(StageScope.allCases.map(\.rawValue)), "in a worker: for each message, which is the rule, or once for the batch")

let flowKeys: [Shape: [Key]] = [
  .worker: [
    Key("kind", .word(["worker"]), "what the role does; a role called `worker` is one"),
    Key("consumes", .name, "the topic it takes messages from"),
    Key("workers", .integer(1), "batches worked on at the same time; not threads", standard: "1"),
    Key("batch", .integer(1), "messages taken at once at most, and acknowledged together", standard: "1"),
    Key("linger", .duration, "how long the oldest message waits for a batch to fill", standard: "0s"),
    Key("retries", .integer(0), "deliveries after the first before a message that fails goes to `dlq`", standard: "3"),
    Key("backoff", .duration, "from a failure to the next delivery", standard: "0s"),
    Key("dlq", .name, "topic of the dead letters; without it a message that fails comes back for ever"),
    Key(
      "fsync", .word([FsyncPolicy.each, .none].map(\.rawValue)), "whether the acknowledgement of a batch is synced, once for each",
      standard: "each"),
    Key("stages", .list("stages"), "what is done with each message before it is acknowledged; `{…}` are variables of the publishing route, and `{offset}`"),
  ],
  .publish: [
    name,
    Key("topic", .name, "the queue; a worker consumes it", required: true),
    Key(
      "fsync", .word(FsyncPolicy.allCases.map(\.rawValue)),
      "one sync for each message before its request goes on; one for all that wait (group commit); or none", standard: "each"),
    Key("size", .size, "of payload beside the route's variables, at most 1MiB", standard: "0B"),
    Key("limit", .integer(1), "messages that may wait for a worker; without it as many as the disk holds"),
    Key(
      "full", .word(PublishSpec.Overflow.allCases.map(\.rawValue)),
      "at the limit: answer 503, or forget the message that has waited longest", standard: "reject"),
  ],
  .lock: [
    name,
    Key("name", .name, "the lock; stages of one name exclude each other", required: true),
    Key("inside", .list("stages"), "what one request at a time passes, first come, first served", required: true),
  ],
  .limit: [
    name,
    Key("rate", .rate, "tokens a second into each bucket", required: true),
    Key("burst", .integer(1), "tokens in a full bucket, at most 1000000", standard: "1"),
    Key("key", .text, "a template over the route's variables, such as `{client}`; without it one bucket for all"),
    Key("headers", .flag, "send RateLimit and RateLimit-Policy", standard: "false"),
  ],
  .error: [
    name,
    Key("share", .share, "of calls that fail: an exact share, at seeded places", standard: "0"),
    Key("status", .integer(400), "what they are answered, at most 599", standard: "500"),
    Key("key", .text, "a template: the same keys fail every time, as a poisoned message does"),
    Key("slow_share", .share, "of calls that are slow; drawn apart from those that fail"),
    Key("slow_by", .duration, "for `slow_share`: how much longer they take"),
    Key("stands_for", .text, "for `slow_share`: the remote party whose slowness this is"),
    Key("seed", .integer(0), "of the draws", standard: "1"),
  ],
]
