import ExperimentModel

/// The seeded rows of a dataset as a pure function of (seed, dataset, id). The database, the bench
/// subjects and the tests all take their bytes from here, so that "the same row" means the same bytes.
struct DatasetRows {
  /// Bytes of one payload. Small enough that 10 000 rows stay in memory, large enough that a byte
  /// budget is felt: 2 MiB hold about 1 900 of them.
  static let payloadBytes = 1024

  private static let materials = ["canvas", "wool", "steel", "cedar", "nylon", "cork", "leather", "titanium"]
  private static let goods = ["lantern", "tent", "kettle", "jacket", "rope", "compass", "stove", "blanket"]
  /// 64 printable characters without `"` and `\`: the payload goes into JSON as it is.
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  let dataset: DatasetSpec
  let seed: UInt64
  /// What its rows refer to.
  let shop: ShopSizes
  /// Columns.
  let width: Int

  /// - Parameter data: all datasets of the system: rows refer to those of others.
  init(_ dataset: DatasetSpec, among data: [DatasetSpec], seed: UInt64) {
    self.dataset = dataset
    self.seed = seed ^ fnv1a(dataset.name)
    shop = ShopSizes(dataset, among: data)
    width = dataset.columns.count
  }

  func name(_ id: Int) -> String {
    let bits = mix64(seed &+ UInt64(id) &* 3)
    let material = Self.materials[Int(bits % 8)]
    let good = Self.goods[Int((bits >> 8) % 8)]
    return "\(material) \(good) \(id)"
  }

  /// Cents, $5.00 to $254.99.
  func price(_ id: Int) -> Int { 500 + Int(mix64(seed &+ UInt64(id) &* 5 &+ 1) % 25_000) }

  func payload(_ id: Int) -> [UInt8] {
    var random = SeededRandom(seed: mix64(seed &+ UInt64(id)))
    return [UInt8](unsafeUninitializedCapacity: Self.payloadBytes) { bytes, count in
      var bits: UInt64 = 0
      for i in 0..<Self.payloadBytes {
        if i % 10 == 0 { bits = random.next() }
        bytes[i] = Self.alphabet[Int(bits & 63)]
        bits >>= 6
      }
      count = Self.payloadBytes
    }
  }
}
