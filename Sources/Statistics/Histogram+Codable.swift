// A histogram as a sparse list: only buckets that hold something, as pairs of the distance from the
// bucket before and the count. Decoding trusts nothing: a list that does not add up is an error.

extension Histogram: Codable {
  private enum CodingKeys: String, CodingKey { case bits, sum, min, max, buckets }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(bits, forKey: .bits)
    try container.encode(sum, forKey: .sum)
    try container.encode(min, forKey: .min)
    try container.encode(max, forKey: .max)
    var pairs: [UInt64] = []
    var before = 0
    for i in counts.indices where counts[i] > 0 {
      pairs.append(UInt64(i - before))
      pairs.append(counts[i])
      before = i
    }
    try container.encode(pairs, forKey: .buckets)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func broken(_ key: CodingKeys, _ cause: String) -> DecodingError {
      .dataCorruptedError(forKey: key, in: container, debugDescription: cause)
    }
    let bits = try container.decode(Int.self, forKey: .bits)
    guard (2...20).contains(bits) else { throw broken(.bits, "bits are 2 to 20, not \(bits)") }
    self.init(bits: bits)
    let pairs = try container.decode([UInt64].self, forKey: .buckets)
    guard pairs.count.isMultiple(of: 2) else { throw broken(.buckets, "distances and counts come in pairs") }
    var index = 0
    for i in stride(from: 0, to: pairs.count, by: 2) {
      guard pairs[i] < UInt64(counts.count), index + Int(pairs[i]) < counts.count, i == 0 || pairs[i] > 0 else {
        throw broken(.buckets, "a bucket outside of the histogram")
      }
      index += Int(pairs[i])
      guard pairs[i + 1] > 0, pairs[i + 1] <= UInt64(Int.max - count) else {
        throw broken(.buckets, "a count that is not positive or too large")
      }
      counts[index] = pairs[i + 1]
      count += Int(pairs[i + 1])
    }
    sum = try container.decode(Int.self, forKey: .sum)
    min = try container.decode(Int64.self, forKey: .min)
    max = try container.decode(Int64.self, forKey: .max)
    guard count > 0 else {
      guard sum == 0, min == 0, max == 0 else { throw broken(.buckets, "an empty histogram has no extremes") }
      return
    }
    guard min >= 0, min <= max, pairs[0] == UInt64(self.index(of: min)), index == self.index(of: max) else {
      throw broken(.buckets, "the extremes lie outside of the first and last bucket")
    }
  }
}
