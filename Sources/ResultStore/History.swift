// History as values: what was measured when, grouped so that only comparable numbers stand in one series.
// Nothing here judges a series: change points are Statistics', pictures are Reporting's part.

import ExperimentModel

/// Which series are wanted; nil: any. Texts are those of an address.
public struct HistoryFilter: Hashable, Sendable {
  public var lesson: String?
  public var block: String?
  /// The arm path joined with dots: `on`, `ratio.on`.
  public var arm: String?
  public var metric: String?
  /// `capacity=1000` in stored units.
  public var point: String?
  public init(lesson: String? = nil, block: String? = nil, arm: String? = nil, metric: String? = nil, point: String? = nil) {
    self.lesson = lesson; self.block = block; self.arm = arm; self.metric = metric; self.point = point
  }
}

/// One saved value of a series.
public struct SavedValue: Codable, Hashable, Sendable {
  /// ISO 8601, UTC; only a day when it was imported so.
  public var finished: String
  public var commit: String?
  public var value: Estimate
  public var validity: RunValidity
  public init(finished: String, commit: String?, value: Estimate, validity: RunValidity = .valid) {
    self.finished = finished; self.commit = commit; self.value = value; self.validity = validity
  }
}

/// Values of one address that may be compared with each other: equal question (`inputs`), equal environment,
/// all quick or all full.
public struct SavedSeries: Codable, Hashable, Sendable {
  /// `day08/onoff.on.mean`; the file's name for an imported series.
  public var address: String
  public var unit: MetricUnit
  /// Digest of what the cell asks; empty for an imported series.
  public var inputs: String
  /// `RunStamp.fingerprint`; empty for an imported series.
  public var environment: String
  public var quick: Bool
  /// In order of time.
  public var points: [SavedValue]
  public init(address: String, unit: MetricUnit, inputs: String, environment: String, quick: Bool, points: [SavedValue]) {
    self.address = address; self.unit = unit; self.inputs = inputs; self.environment = environment
    self.quick = quick; self.points = points
  }
}

extension RunStamp {
  /// nb's own version does not make another machine: what a cell means to nb is part of its inputs.
  static let notOfTheMachine: Set<String> = ["nb"]

  /// Eight hex digits over the environment: runs with equal ones are of the same machine and system. FNV-1a over
  /// sorted `key=value` lines, so that it is the same in every run (`Hasher` is not).
  public var fingerprint: String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for (key, value) in environment.sorted(by: { $0.key < $1.key }) where !Self.notOfTheMachine.contains(key) {
      for byte in "\(key)=\(value)\n".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    }
    let folded = UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
    let digits = String(folded, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }
}
