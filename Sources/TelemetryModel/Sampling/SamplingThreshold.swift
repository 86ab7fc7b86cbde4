// Consistent probability sampling, as OpenTelemetry defines it: every service compares the same 56 random bits R of the trace
// with a threshold of its own, so that a trace kept at 1 % is also kept at 10 %, wherever the decision is made.
//
//   keep when R ≥ T       T = (1 − p)·2⁵⁶       a kept one stands for 2⁵⁶ / (2⁵⁶ − T)
//
// T travels in tracestate as `ot=th:…`, in hexadecimal without trailing zeros; R is the last seven bytes of the trace id, or
// `rv:…` where somebody set it. OpenTelemetry, "TraceState: Probability Sampling".

public struct SamplingThreshold: Hashable, Sendable, BitwiseCopyable {
  public static let range: UInt64 = 1 << 56

  /// Traces whose R is below it are dropped; less than 2⁵⁶.
  public let rejection: UInt64

  /// Keeps everything.
  public static let always = SamplingThreshold(rejection: 0)

  private init(rejection: UInt64) { self.rejection = rejection }

  /// nil for what is no threshold.
  init?(rejecting rejection: UInt64) {
    guard rejection < Self.range else { return nil }
    self.rejection = rejection
  }

  /// - Parameter probability: above 0, at most 1; rounded to a multiple of 2⁻⁵⁶.
  /// - Returns: nil outside that range: what is never kept has no threshold.
  public init?(probability: Double) {
    guard probability > 0, probability <= 1 else { return nil }
    let kept = UInt64((probability * 0x1p56).rounded())
    guard kept > 0 else { return nil }
    rejection = Self.range - kept
  }

  public var probability: Double { Double(Self.range - rejection) * 0x1p-56 }

  /// How many traces one that was kept stands for.
  public var weight: Double { 0x1p56 / Double(Self.range - rejection) }

  @inline(__always)
  public func keeps(_ randomness: UInt64) -> Bool { randomness >= rejection }

  /// 1 to 14 digits, trailing zeros left out.
  public var hex: String {
    var digits = Hex.text(rejection << 8).prefix(14)
    while digits.count > 1, digits.last == "0" { digits.removeLast() }
    return String(digits)
  }

  /// - Returns: nil for anything but 1 to 14 lower-case hexadecimal digits.
  public init?(hex: some StringProtocol) {
    let digits = hex.utf8
    guard (1...14).contains(digits.count) else { return nil }
    var value: UInt64 = 0
    for byte in digits {
      guard let digit = Hex.digit(byte, lowerCaseOnly: true) else { return nil }
      value = value << 4 | UInt64(digit)
    }
    rejection = value << UInt64(4 * (14 - digits.count))
  }
}

/// OpenTelemetry's own member of tracestate: `ot=th:8;rv:d29d6a7215ced0;…`.
public struct OTelTraceState: Hashable, Sendable {
  /// nil: it is not known how probable it was that the trace is here.
  public var threshold: SamplingThreshold?
  /// R, when it is not taken from the trace id.
  public var randomness: UInt64?
  /// Fields that are not known here, kept as they came.
  private var others: [Substring] = []

  public init(threshold: SamplingThreshold? = nil, randomness: UInt64? = nil) {
    self.threshold = threshold
    self.randomness = randomness
  }

  /// Reads the member's value. A field that breaks its grammar is left out, as if it had not been set.
  public init(_ text: String) {
    for field in text.split(separator: ";") {
      if field.hasPrefix("th:") {
        threshold = SamplingThreshold(hex: field.dropFirst(3))
      } else if field.hasPrefix("rv:") {
        let digits = field.dropFirst(3)
        if digits.utf8.count == 14, let bits = SamplingThreshold(hex: digits) { randomness = bits.rejection }
      } else {
        others.append(field)
      }
    }
  }

  public init(_ state: TraceState) { self = state["ot"].map(OTelTraceState.init) ?? OTelTraceState() }

  /// Empty when there is nothing to say.
  public var text: String {
    var fields: [String] = []
    if let threshold { fields.append("th:" + threshold.hex) }
    if let randomness { fields.append("rv:" + Hex.text(randomness << 8).prefix(14)) }
    return (fields + others.map(String.init)).joined(separator: ";")
  }
}

extension Span {
  /// How many spans this one stands for, by the threshold in its tracestate; nil when nobody said. (Sum these, not spans.)
  public var adjustedCount: Double? {
    // Most have no tracestate, or none of OpenTelemetry.
    guard !traceState.isEmpty, let state = TraceState(traceState) else { return nil }
    return OTelTraceState(state).threshold?.weight
  }
}
