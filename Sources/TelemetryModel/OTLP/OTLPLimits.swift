// How much one request may ask for. A receiver is open to whoever reaches its port: without these bounds 16 MB of empty
// attributes would become a gigabyte of values. What is over a bound is dropped and counted, or the request is refused.

public struct OTLPLimits: Hashable, Sendable {
  /// Bytes of a request's body, after decompression. A larger one is refused before anything is decoded.
  public var requestBytesMax = 16 << 20
  /// Nested brackets of JSON, nested messages of protobuf. A request takes 12 and 6 of them, a value within a value 3 and 2 more.
  public var depthMax = 64
  /// Attributes, values in lists, events, links, buckets and exemplars of a whole request, and its records. Refused above: they
  /// are the memory that a request can take beside its own size. Measured: 34 MB for half a million lists in lists, 98 MB for
  /// 100,000 spans with an empty one of everything, 87 MB for a million empty attributes of one log record.
  public var elementsMax = 1_000_000
  /// Spans, metrics or log records. Refused above.
  public var recordsMax = 100_000
  /// Attributes of one span, event, link, point, log, resource or scope. The rest is dropped and counted where OTLP has a
  /// count for it. (SDKs send at most 128 unless told otherwise.)
  public var attributesMax = 1024
  /// Events, and links, of one span. The rest is dropped and counted in the span.
  public var eventsMax = 1024
  public var linksMax = 1024
  /// Buckets of one histogram point. A point with more is rejected and counted.
  public var bucketsMax = 4096

  public init() {}
  public static let standard = OTLPLimits()
}
