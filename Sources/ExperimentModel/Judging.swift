// Addresses of values, and the expressions that judge them.

/// `BLOCK.[ARM.][request.NAME.]METRIC[@param=value,…]`, or `METRIC{name:NAME}` as k6 tags it; `block` is nil inside the block itself.
public struct Address: Codable, Hashable, Sendable {
  public var block: String?
  /// Arm path: [] when left out, ["on"], ["ratio"], ["ratio", "on"], ["est", "delta", "on"].
  public var arm: [String]
  public var metric: String
  public var at: [String: Double]
  /// A request of the scenario by its name; nil: all of them.
  public var request: String?
  public init(block: String?, arm: [String], metric: String, at: [String: Double] = [:], request: String? = nil) {
    self.block = block; self.arm = arm; self.metric = metric; self.at = at; self.request = request
  }
}

public enum Operator: String, Codable, Sendable, CaseIterable {
  case lessOrEqual = "<=", greaterOrEqual = ">=", less = "<", greater = ">", equal = "=="
  public func holds(_ a: Double, _ b: Double) -> Bool {
    switch self {
    case .lessOrEqual: a <= b
    case .greaterOrEqual: a >= b
    case .less: a < b
    case .greater: a > b
    case .equal: a == b
    }
  }
}

/// A threshold or a gate: `address [aggregate] op limit`.
public struct Judgement: Codable, Hashable, Sendable {
  /// As the author wrote it, for tables: `ratio.mean>=1.5`.
  public var text: String
  public var address: Address
  public var op: Operator
  public var limit: Quantity
  public var abortOnFail: Bool
  public init(text: String, address: Address, op: Operator, limit: Quantity, abortOnFail: Bool = false) {
    self.text = text; self.address = address; self.op = op; self.limit = limit
    self.abortOnFail = abortOnFail
  }
}

/// A prediction; `theory` names a closed form the runner evaluates per arm or point
/// (`che`, `hit-mixture`, `ttl-staleness`), else `value` is given.
public struct Expectation: Codable, Hashable, Sendable {
  public var address: Address
  public var value: Quantity?
  public var theory: String?
  /// A share of the value (`relative`) or the unit of the value.
  public var tolerance: Double
  public var relative: Bool
  public init(address: Address, value: Quantity?, theory: String?, tolerance: Double, relative: Bool) {
    self.address = address; self.value = value; self.theory = theory
    self.tolerance = tolerance; self.relative = relative
  }
}
