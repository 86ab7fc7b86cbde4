// Decisions at the start of a span, from the trace id and the caller's context alone.

public struct SamplingDecision: Hashable, Sendable {
  public var isSampled: Bool
  /// With which threshold it was decided; nil when that is not known, as for a caller that says "sampled" and no more.
  public var threshold: SamplingThreshold?

  public init(isSampled: Bool, threshold: SamplingThreshold? = nil) {
    self.isSampled = isSampled
    self.threshold = threshold
  }

  public static let drop = SamplingDecision(isSampled: false)

  /// The tracestate to send on: the threshold is told when the trace is kept, and taken out when it is not or not known.
  public func traceState(from parent: TraceState) -> TraceState {
    var own = OTelTraceState(parent)
    let threshold = isSampled ? threshold : nil
    if own.threshold == threshold { return parent }
    own.threshold = threshold
    var state = parent
    state.set("ot", own.text.isEmpty ? nil : own.text)
    return state
  }
}

public indirect enum HeadSampler: Hashable, Sendable {
  case alwaysOn
  case alwaysOff
  /// Consistent: a threshold kept at a lower ratio keeps at every higher one.
  case ratio(SamplingThreshold)
  /// Follows the caller; `root` decides where there is none.
  case parentBased(root: HeadSampler)

  /// - Parameter ratio: 0…1.
  public static func ratio(_ ratio: Double) -> HeadSampler { SamplingThreshold(probability: ratio).map(HeadSampler.ratio) ?? .alwaysOff }

  /// - Parameter parent: the caller's context; nil at the root of a trace.
  public func decide(_ traceID: TraceID, parent: SpanContext? = nil) -> SamplingDecision {
    switch self {
    case .alwaysOn: return SamplingDecision(isSampled: true, threshold: .always)
    case .alwaysOff: return .drop
    case .ratio(let threshold):
      let randomness = parent.flatMap { OTelTraceState($0.traceState).randomness } ?? traceID.randomness
      return threshold.keeps(randomness) ? SamplingDecision(isSampled: true, threshold: threshold) : .drop
    case .parentBased(let root):
      guard let parent else { return root.decide(traceID) }
      guard parent.isSampled else { return .drop }
      // A threshold that would have dropped the trace was not the one it was kept by.
      let own = OTelTraceState(parent.traceState)
      let threshold = own.threshold.flatMap { $0.keeps(own.randomness ?? traceID.randomness) ? $0 : nil }
      return SamplingDecision(isSampled: true, threshold: threshold)
    }
  }
}
