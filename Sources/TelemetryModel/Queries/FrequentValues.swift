// The values that come often in a stream of any length, in bounded memory: Misra and Gries (1982). With room for k values,
// every value that is more than 1/(k + 1) of the stream is kept, whatever else comes and in whatever order.

struct FrequentValues {
  let room: Int
  private var counts: [AttributeValue: Int] = [:]

  init(room: Int) { self.room = room }

  mutating func add(_ value: AttributeValue) {
    if let place = counts.index(forKey: value) {
      counts.values[place] += 1
    } else if counts.count < room {
      counts[value] = 1
    } else {
      // One of each is given up for it.
      counts = counts.compactMapValues { $0 > 1 ? $0 - 1 : nil }
    }
  }

  /// A superset of those that are more than 1/(room + 1) of what was added.
  var values: some Sequence<AttributeValue> { counts.keys }
}

/// The values of each attribute with numbers, so that a record is counted without comparing texts twice. Bounded: beyond the
/// limit new values share no number and are only counted.
struct ValueNumbers {
  static let valuesMax = 262_144
  static let keysMax = 1_024

  private var keys: [String: Int] = [:]
  private var numbers: [[AttributeValue: Int]] = []
  /// Key and value of each number.
  private(set) var pairs: [(key: String, value: AttributeValue)] = []
  /// Times that a value had no number any more.
  private(set) var unnumbered = 0

  /// nil when there is no room for another one, or the value is none that a reader could pick: a fraction, bytes, a list.
  mutating func number(_ key: String, _ value: AttributeValue) -> Int? {
    switch value {
    case .string, .bool, .int: break
    case .empty, .double, .bytes, .array, .map: return nil
    }
    let place: Int
    if let known = keys[key] {
      place = known
    } else {
      guard keys.count < Self.keysMax else {
        unnumbered += 1
        return nil
      }
      place = numbers.count
      keys[key] = place
      numbers.append([:])
    }
    if let number = numbers[place][value] { return number }
    guard pairs.count < Self.valuesMax else {
      unnumbered += 1
      return nil
    }
    numbers[place][value] = pairs.count
    pairs.append((key, value))
    return pairs.count - 1
  }
}
