// A service level objective in OpenSLO's words: which requests are good, how many must be, and which burn rates of the
// error budget wake somebody. Evaluated on a recording; nothing is measured for it.

/// What an `slo` block asks.
public struct SLOCell: Codable, Hashable, Sendable {
  public enum Source: Codable, Hashable, Sendable {
    /// A load block with one arm.
    case load(String)
    /// Recorded stretches of production, each good or bad as somebody found out later.
    case recorded(file: String, [RecordedRelease])
  }
  public var source: Source
  public var indicator: Indicator
  /// Share of requests that must be good: 0.99.
  public var target: Double
  /// Over which the budget is counted.
  public var timeWindow: Nanoseconds
  /// Seconds of the service's time for one second of the recording; 1 for files, which have their own time.
  public var timeScale: Double
  public var alerts: [BurnAlert]
  // What follows is left out of the JSON when nil, so that plans without it keep their digest.
  /// Several, named ones, or such that count time slices; the first has `target`. nil: one of `target`, which counts requests.
  public var objectives: [Objective]?
  /// Apdex's T: satisfied up to it, tolerating up to four times of it.
  public var apdex: Nanoseconds?
  public init(
    source: Source, indicator: Indicator, target: Double, timeWindow: Nanoseconds, timeScale: Double, alerts: [BurnAlert]
  ) {
    self.source = source; self.indicator = indicator; self.target = target; self.timeWindow = timeWindow
    self.timeScale = timeScale; self.alerts = alerts
  }
}

extension SLOCell {
  /// At least one.
  public var allObjectives: [Objective] { objectives ?? [Objective(target: target)] }
}

/// How many must be good.
public struct Objective: Codable, Hashable, Sendable {
  /// What addresses call it, where a block has several; nil: the only one.
  public var name: String?
  public var displayName: String?
  /// Share of requests, or of time slices, that must be good.
  public var target: Double
  /// nil: requests are counted (OpenSLO's Occurrences).
  public var slice: TimeSlice?
  public init(name: String? = nil, displayName: String? = nil, target: Double, slice: TimeSlice? = nil) {
    self.name = name; self.displayName = displayName; self.target = target; self.slice = slice
  }
}

/// OpenSLO's Timeslices: stretches of time are counted, each good or bad as a whole.
public struct TimeSlice: Codable, Hashable, Sendable {
  /// Share of its requests that makes a slice good.
  public var target: Double
  public var window: Nanoseconds
  public init(target: Double, window: Nanoseconds) { self.target = target; self.window = window }
}

/// Which of all requests are good. A failed request never is.
public enum Indicator: Codable, Hashable, Sendable {
  /// `http_req_duration<100ms`
  case faster(than: Nanoseconds)
  /// `http_req_failed==0`
  case answered
}

/// Fires while the burn rate over the long window, and over the short one where it has one, is above `burn`
/// (SRE Workbook, chapter 5); with `after` only when it has been for that long (OpenSLO's alertAfter).
public struct BurnAlert: Codable, Hashable, Sendable {
  public enum Severity: String, Codable, Sendable, CaseIterable { case page, ticket }
  public var burn: Double
  public var long: Nanoseconds
  public var short: Nanoseconds?
  public var after: Nanoseconds?
  public var severity: Severity
  public init(burn: Double, long: Nanoseconds, short: Nanoseconds?, after: Nanoseconds? = nil, severity: Severity) {
    self.burn = burn; self.long = long; self.short = short; self.after = after; self.severity = severity
  }
}

extension BurnAlert {
  /// `page-1h`: what addresses call it.
  public var name: String { "\(severity.rawValue)-\(Self.text(long))" }

  /// `page: 14.4 x over 1h and 5min`
  public var label: String {
    let rate = burn == burn.rounded() && burn < 1e9 ? String(Int(burn)) : String(burn)
    return "\(severity.rawValue): \(rate) x over \(Self.text(long))" + (short.map { " and \(Self.text($0))" } ?? "") + (after.map { ", for \(Self.text($0))" } ?? "")
  }

  private static func text(_ time: Nanoseconds) -> String {
    let units: [(Int64, String)] = [
      (86_400_000_000_000, "d"), (3_600_000_000_000, "h"), (60_000_000_000, "min"), (1_000_000_000, "s"), (1_000_000, "ms"),
    ]
    for (size, unit) in units where time.rawValue >= size && time.rawValue % size == 0 { return "\(time.rawValue / size)\(unit)" }
    return "\(time.rawValue)ns"
  }
}

/// Good and all requests of equal steps of time.
public struct RecordedRelease: Codable, Hashable, Sendable {
  public var name: String
  public var isBad: Bool
  public var step: Nanoseconds
  public var good: [Int]
  public var total: [Int]
  public init(name: String, isBad: Bool, step: Nanoseconds, good: [Int], total: [Int]) {
    self.name = name; self.isBad = isBad; self.step = step; self.good = good; self.total = total
  }
}
