// How much a receiver takes from whoever reaches its port, and from whom it takes it.

import TelemetryModel

public struct ReceiverOptions: Sendable {
  /// Only this machine unless somebody says otherwise.
  public var host = "127.0.0.1"
  /// OTLP/HTTP's own port. 0 takes a free one.
  public var port = 4318
  /// Of one request after decompression; bodies, records and elements.
  public var limits = OTLPLimits.standard
  /// Open connections; one more is closed as soon as it is there, and counted.
  public var connectionsMax = 256
  /// Bytes of bodies that are not answered yet, over all connections. Above it a request is answered 429 with Retry-After, and
  /// counted. Together with what one decoding takes (`OTLPLimits.elementsMax`) this is the receiver's memory.
  public var bytesInFlightMax = 64 << 20
  /// What a sender reads in Retry-After.
  public var retryAfterSeconds = 1
  /// A connection without a request, and the head of one.
  public var idleSeconds: Int64 = 60
  /// From a request's head to the end of its body, however slowly it comes.
  public var requestSeconds: Int64 = 30

  public init() {}
}
