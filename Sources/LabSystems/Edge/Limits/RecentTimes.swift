/// The latest attempts' times and a quantile of them, for hedging after a percentile.
struct RecentTimes {
  /// Below this many there is no tail to speak of.
  static let least = 20
  /// Sorted anew after so many further times: a quantile that is a little old does no harm.
  private static let stride = 32
  private static let size = 512

  private let quantile: Double
  private var times: [Int64] = []
  private var next = 0
  private var sinceSorted = 0
  /// nil until enough are known.
  private(set) var value: Int64?

  init(quantile: Double) { self.quantile = quantile }

  mutating func add(_ time: Int64) {
    if times.count < Self.size { times.append(time) } else { times[next] = time }
    next = (next + 1) % Self.size
    sinceSorted += 1
    guard times.count == Self.least || sinceSorted >= Self.stride, times.count >= Self.least else { return }
    sinceSorted = 0
    let sorted = times.sorted()
    value = sorted[min(sorted.count - 1, Int(quantile * Double(sorted.count)))]
  }
}
