// Why a request was refused as a whole, and what happened to the records of one that was not.

/// A request that could not be taken at all.
public struct OTLPError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Sendable {
    /// Not OTLP: broken JSON or protobuf, or a field of the wrong type.
    case malformed
    /// Over a bound of `OTLPLimits`.
    case overLimit
    /// Neither JSON nor protobuf.
    case unsupported
  }
  public var kind: Kind
  /// Byte of the body; nil when the cause has no single place.
  public var offset: Int?
  public var message: String

  public init(_ kind: Kind, at offset: Int? = nil, _ message: String) {
    self.kind = kind
    self.offset = offset
    self.message = message
  }

  public var description: String { (offset.map { "byte \($0): " } ?? "") + message }

  /// What OTLP/HTTP answers with; none of these is retried by a sender.
  public var httpStatus: Int {
    switch kind {
    case .malformed: 400
    case .overLimit: 413
    case .unsupported: 415
    }
  }
}

/// What became of a request that was taken: rejected records are missing in the batch, everything else is in it.
public struct IngestReport: Hashable, Sendable {
  /// Spans, points or log records in the batch. (OTLP counts metrics by their points.)
  public var accepted = 0
  /// Spans and log records with an id of a wrong length, and spans without an id.
  public var rejectedIDs = 0
  /// Links and exemplars that are missing in the batch: an id of a wrong length, or more links than `OTLPLimits.linksMax`.
  public var droppedLinks = 0
  public var droppedExemplars = 0
  /// Points whose bucket counts do not fit their bounds or their count, or with too many buckets.
  public var rejectedPoints = 0
  /// Attributes over `OTLPLimits.attributesMax`, and events over `eventsMax`.
  public var droppedAttributes = 0
  public var droppedEvents = 0
  /// Spans that end before they begin: kept as they are, for a clock that was set is a finding and not a fault of the span.
  public var negativeDurations = 0

  public init() {}

  /// Records that are not in the batch.
  public var rejected: Int { rejectedIDs + rejectedPoints }

  /// For `partial_success`; empty when nothing was rejected.
  public var rejectionMessage: String {
    var parts: [String] = []
    if rejectedIDs > 0 { parts.append("\(rejectedIDs) with a trace or span id that is not 16 or 8 bytes, or all zero") }
    if rejectedPoints > 0 { parts.append("\(rejectedPoints) points whose buckets do not fit their bounds or count") }
    return parts.joined(separator: "; ")
  }

  public static func += (a: inout Self, b: Self) {
    a.accepted += b.accepted
    a.rejectedIDs += b.rejectedIDs
    a.droppedLinks += b.droppedLinks
    a.droppedExemplars += b.droppedExemplars
    a.rejectedPoints += b.rejectedPoints
    a.droppedAttributes += b.droppedAttributes
    a.droppedEvents += b.droppedEvents
    a.negativeDurations += b.negativeDurations
  }
}

/// A batch with the report of its decoding.
public struct Received<Record: TelemetryRecord>: Sendable {
  public var batch: TelemetryBatch<Record>
  public var report: IngestReport
}
