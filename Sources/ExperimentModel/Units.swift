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
  case perSecond = "rps"
  case count = "count"
  case bytes = "B"
  case usd = "USD"
  case usdPerDay = "USD/d"
  case usdPerMillion = "USD/Mreq"
  case points = "pp"
  case plain = ""
}

/// A number with its unit, as written by an author or computed by a formula.
public struct Quantity: Hashable, Codable, Sendable {
  public var value: Double
  public var unit: MetricUnit
  public init(_ value: Double, _ unit: MetricUnit) { self.value = value; self.unit = unit }
}
