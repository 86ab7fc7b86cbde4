// What became of the telemetry that was given to an exporter. Every record is in exactly one of the counts.

import TelemetryModel

public struct ExportCounts: Sendable, Hashable {
  /// Spans, points and log records that the receiver took.
  public var sent = 0
  /// A 200 with `partial_success`: what the receiver took out of a request. Not sent again; so says OTLP.
  public var rejected = 0
  /// An answer that is not to be tried again, such as 400 or 401.
  public var refused = 0
  /// No answer that counts until `RetryPolicy.giveUpSeconds`; and what came after.
  public var givenUp = 0
  /// The queue was full.
  public var dropped = 0
  /// Not sent when the sender was told to end.
  public var abandoned = 0

  public var requests = 0
  /// Attempts that were repetitions.
  public var retries = 0
  public var bodyBytes = 0
  /// Bytes of bodies as sent, after compression; repetitions count.
  public var wireBytes = 0
  /// The last thing that a receiver, or the connection to it, had to say.
  public var lastTrouble = ""

  public init() {}

  public var lost: Int { rejected + refused + givenUp + dropped + abandoned }
}
