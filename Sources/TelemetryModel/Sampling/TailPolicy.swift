// What a finished trace is judged by, under the names of the OpenTelemetry Collector's tail_sampling processor.

public struct TailPolicy: Hashable, Sendable {
  public var name: String
  public var rule: TailRule

  public init(_ name: String, _ rule: TailRule) {
    self.name = name
    self.rule = rule
  }
}

/// When a trace is worth keeping. Attributes are looked up in spans and in their resources.
public indirect enum TailRule: Hashable, Sendable {
  case alwaysSample
  /// From the first start to the last end of its spans: at least `min` nanoseconds; with `max`, above `min` and at most `max`.
  case latency(min: UInt64, max: UInt64? = nil)
  /// A span with one of these.
  case statusCode(Set<SpanStatus.Code>)
  /// A span or resource that has the key with one of the values; inverted, a trace without one.
  case stringAttribute(key: String, values: Set<String>, invert: Bool = false)
  /// Integers, both ends included.
  case numericAttribute(key: String, range: ClosedRange<Int64>, invert: Bool = false)
  case booleanAttribute(key: String, value: Bool, invert: Bool = false)
  /// By the trace's own 56 random bits, so that it nests with head sampling (the Collector hashes the trace id instead).
  case probabilistic(SamplingThreshold)
  /// As many spans as fit into a second; whole traces.
  case rateLimiting(spansPerSecond: Int)
  case spanCount(min: Int, max: Int? = nil)
  /// A span whose tracestate has the key with one of the values.
  case traceState(key: String, values: Set<String>)
  case and([TailRule])
  case not(TailRule)
  /// A trace that all of these hold for is dropped, whatever other policies say.
  case drop([TailRule])
  /// The first part that wants the trace and has spans left in this second keeps it.
  case composite(spansPerSecond: Int, parts: [TailPart])
}

/// A part of a composite rule with its share of the rate.
public struct TailPart: Hashable, Sendable {
  public var rule: TailRule
  /// Of 100; what is not given away is used by nobody.
  public var percent: Int

  public init(_ rule: TailRule, percent: Int) {
    self.rule = rule
    self.percent = percent
  }
}
