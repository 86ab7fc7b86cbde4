/// A dated outside fact from `Notebooks/market/facts.yml`, with its age judged.
public struct MarketFact: Codable, Hashable, Sendable {
  public var id: String
  public var statement: String
  /// As written in the file.
  public var value: String
  /// The number in `value`, when it has one.
  public var number: Double?
  public var unit: MetricUnit
  /// ISO date.
  public var asOf: String
  public var source: String
  public var sourceKind: String
  /// `weak`, `observational`, … or nil.
  public var strength: String?
  public var ttlDays: Int
  /// Older than its time to live today.
  public var stale: Bool
  public var usedBy: [String]
  /// Sources that say something else.
  public var conflicts: [Conflict] = []

  /// Another source, and why it is not believed.
  public struct Conflict: Codable, Hashable, Sendable {
    /// Empty: the resolution says all of it.
    public var source: String
    public var sourceKind: String
    public var value: String
    public var resolution: String
    public init(source: String, sourceKind: String, value: String, resolution: String) {
      self.source = source; self.sourceKind = sourceKind; self.value = value; self.resolution = resolution
    }
  }

  public init(
    id: String, statement: String, value: String, number: Double?, unit: MetricUnit, asOf: String,
    source: String, sourceKind: String, strength: String?, ttlDays: Int, stale: Bool,
    usedBy: [String]
  ) {
    self.id = id; self.statement = statement; self.value = value; self.number = number
    self.unit = unit; self.asOf = asOf; self.source = source; self.sourceKind = sourceKind
    self.strength = strength; self.ttlDays = ttlDays; self.stale = stale; self.usedBy = usedBy
  }
}
