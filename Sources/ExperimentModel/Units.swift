// Units of everything that nb plans, measures and prints. A number without a unit never leaves a
// kernel: it travels as `Quantity` or inside `MetricValue`, and only `Reporting` turns it into text.

/// A span of time in integer nanoseconds. May be negative only as a difference.
public struct Nanoseconds: RawRepresentable, Hashable, Comparable, Codable, Sendable {
  public var rawValue: Int64
  public init(rawValue: Int64) { self.rawValue = rawValue }
  public init(_ rawValue: Int64) { self.rawValue = rawValue }
  public init(seconds: Double) { rawValue = Int64((seconds * 1e9).rounded()) }
  public var seconds: Double { Double(rawValue) / 1e9 }
  public static let zero = Nanoseconds(0)
  public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  public static func + (a: Self, b: Self) -> Self { Self(a.rawValue + b.rawValue) }
  public static func - (a: Self, b: Self) -> Self { Self(a.rawValue - b.rawValue) }
  public init(from decoder: any Decoder) throws {
    rawValue = try decoder.singleValueContainer().decode(Int64.self)
  }
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}

/// The unit in which a number is stored. Time is always stored in nanoseconds, a share as 0…1,
/// bytes as bytes; printing picks the prefix.
public enum MetricUnit: String, Codable, Sendable, CaseIterable {
  case nanoseconds = "ns"
  case share = "share"
  case ratio = "x"
  /// Requests.
  case perSecond = "rps"
  /// Other things than requests: operations, tokens.
  case thingsPerSecond = "/s"
  case bytesPerSecond = "B/s"
  case count = "count"
  case bytes = "B"
  case usd = "USD"
  case usdPerHour = "USD/h"
  case usdPerDay = "USD/d"
  case usdPerMonth = "USD/month"
  case usdPerMillion = "USD/Mreq"
  case usdPerMillionTokens = "USD/Mtok"
  case usdPerMillionSpans = "USD/Mspan"
  case usdPerGB = "USD/GB"
  case usdPerGBSecond = "USD/GB-s"
  case points = "pp"
  case plain = ""
}

extension MetricUnit {
  /// Money of any kind; all of it is in US dollars.
  public var isMoney: Bool { rawValue.hasPrefix("USD") }

  /// What one of this is a month of 30 days; nil for what is no money per time.
  public var perMonth: Double? {
    switch self {
    case .usdPerHour: 720
    case .usdPerDay: 30
    case .usdPerMonth: 1
    default: nil
    }
  }
}

/// How a unit is written, in blocks and in facts, and what one of it is in stored units.
public struct UnitSpelling: Sendable {
  public var name: String
  public var factor: Double
  public var unit: MetricUnit

  private init(_ name: String, _ factor: Double, _ unit: MetricUnit) {
    self.name = name; self.factor = factor; self.unit = unit
  }

  public static let all: [UnitSpelling] =
    [
      .init("ns", 1, .nanoseconds), .init("us", 1e3, .nanoseconds), .init("µs", 1e3, .nanoseconds), .init("ms", 1e6, .nanoseconds),
      .init("s", 1e9, .nanoseconds), .init("min", 60e9, .nanoseconds), .init("h", 3600e9, .nanoseconds), .init("d", 86400e9, .nanoseconds),
      .init("rps", 1, .perSecond), .init("/s", 1, .perSecond), .init("k/s", 1e3, .perSecond), .init("M/s", 1e6, .perSecond),
      .init("B", 1, .bytes), .init("KiB", 1024, .bytes), .init("MiB", 1_048_576, .bytes), .init("GiB", 1_073_741_824, .bytes),
      .init("pct", 0.01, .share), .init("%", 0.01, .share), .init("pp", 1, .points), .init("x", 1, .ratio),
    ] + MetricUnit.allCases.filter(\.isMoney).map { .init($0.rawValue, 1, $0) }
}

/// A number with its unit, as written by an author or computed by a formula.
public struct Quantity: Hashable, Codable, Sendable {
  public var value: Double
  public var unit: MetricUnit
  public init(_ value: Double, _ unit: MetricUnit) { self.value = value; self.unit = unit }
}
