// The asynchronous half of a system: what `publish` appends to and what a worker takes from. A topic has no
// declaration of its own; it exists because somebody publishes to it, and exactly one role consumes it.

/// When an append to a topic reaches the disk.
public enum FsyncPolicy: String, Codable, Sendable, CaseIterable {
  /// One sync for each message, before its request goes on.
  case each
  /// Group commit: one sync covers all messages that wait for one; their requests go on when it is done.
  case batch
  /// No sync: a message survives the death of the process, not that of the machine.
  case none
}

/// Appends a message to a topic's log; the request goes on when the policy is satisfied.
public struct PublishSpec: Codable, Hashable, Sendable {
  /// What a full topic does with one more message.
  public enum Overflow: String, Codable, Sendable, CaseIterable {
    /// Answers 503.
    case reject
    /// Takes it, and forgets the message that has waited longest.
    case dropOldest = "drop-oldest"
  }
  public var topic: String
  public var fsync: FsyncPolicy
  /// Bytes of payload beside the route's variables.
  public var size: Int
  /// Messages that may wait for a worker; nil: as many as the disk holds.
  public var limit: Int?
  public var full: Overflow
  public init(topic: String, fsync: FsyncPolicy = .each, size: Int = 0, limit: Int? = nil, full: Overflow = .reject) {
    self.topic = topic; self.fsync = fsync; self.size = size; self.limit = limit; self.full = full
  }
}

/// A role that takes messages from a topic instead of requests from a socket.
public struct WorkerSpec: Codable, Hashable, Sendable {
  public var consumes: String
  /// Messages taken at once at most, and acknowledged together.
  public var batch: Int
  /// How long the oldest available message waits for a batch to fill.
  public var linger: Nanoseconds
  /// Deliveries after the first one, before a message that fails goes to `dlq`.
  public var retries: Int
  /// From a failure to the next delivery.
  public var backoff: Nanoseconds
  /// Topic of the dead letters; nil: a message that fails comes back for ever.
  public var dlq: String?
  /// Whether an acknowledgement is synced: `each`, one sync for each batch, or `none`.
  public var fsync: FsyncPolicy
  public init(
    consumes: String, batch: Int = 1, linger: Nanoseconds = .zero, retries: Int = 3, backoff: Nanoseconds = .zero, dlq: String? = nil,
    fsync: FsyncPolicy = .each
  ) {
    self.consumes = consumes; self.batch = batch; self.linger = linger; self.retries = retries; self.backoff = backoff
    self.dlq = dlq; self.fsync = fsync
  }

  /// The method of the one route that a worker has; no client can send it a request.
  public static let method = "CONSUME"
  /// The variable that names a message: its place in the topic, the same at every delivery, so a key for doing things once.
  public static let offsetVariable = "offset"

  /// The pattern of that route, whose variables are those of the messages.
  public static func path(topic: String, variables: [String]) -> String {
    (["", topic] + (variables + [offsetVariable]).map { "{\($0)}" }).joined(separator: "/")
  }
}

extension SystemSpec {
  /// The role that takes the messages of a topic.
  public func consumer(of topic: String) -> RoleSpec? { roles.first { $0.worker?.consumes == topic } }
}
