import Foundation

/// A snapshot of counters under `NAME.counter` keys. Stages that share a name add up: a `db` read by two
/// routes is one database to the reader.
struct Counters {
  /// False with `NB_LAB_COUNTERS=off`, which is there to measure what a role's own counters cost (Tests/Bench/lab.py): they then read 0.
  static let areOn = ProcessInfo.processInfo.environment["NB_LAB_COUNTERS"] != "off"

  private(set) var values: [String: Int] = [:]
  /// While a role of several instances is asked: its name and that of the instance, under which all is noted once more, as
  /// `origin.2.requests` and `origin.2.db.calls`.
  var instance: (role: String, name: String)?

  mutating func add(_ name: String, _ counter: String, _ value: Int) {
    for key in keys(name, counter) { values[key, default: 0] += value }
  }

  /// For maxima, which do not add up.
  mutating func peak(_ name: String, _ counter: String, _ value: Int) {
    for key in keys(name, counter) { values[key] = max(values[key] ?? value, value) }
  }

  private func keys(_ name: String, _ counter: String) -> [String] {
    let key = name + "." + counter
    guard let instance else { return [key] }
    return [key, name == instance.role ? instance.name + "." + counter : instance.name + "." + key]
  }
}
