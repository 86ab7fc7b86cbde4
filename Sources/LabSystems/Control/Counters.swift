/// A snapshot of counters under `NAME.counter` keys. Stages that share a name add up: a `db` read by two
/// routes is one database to the reader.
struct Counters {
  private(set) var values: [String: Int] = [:]

  mutating func add(_ name: String, _ counter: String, _ value: Int) {
    values[name + "." + counter, default: 0] += value
  }

  /// For maxima, which do not add up.
  mutating func peak(_ name: String, _ counter: String, _ value: Int) {
    values[name + "." + counter] = max(values[name + "." + counter] ?? value, value)
  }
}
