import ExperimentModel

// Orders, their items, clicks: who bought what, and when. Everything is integers and roots, which every processor
// rounds alike, so that a seed gives the same table on every machine.

/// A cell of a seeded row.
enum ColumnValue: Hashable {
  case integer(Int64)
  case text(String)
  case blob([UInt8])
}

/// How many of everything a system's rows refer to.
struct ShopSizes: Hashable {
  var products: Int
  var orders: Int
  var users: Int

  /// Those of the system's own datasets; where it has none: 1000 products, an order for three items, a user for 20 orders
  /// or 50 clicks.
  init(_ dataset: DatasetSpec, among data: [DatasetSpec]) {
    func rows(_ kind: DatasetSchema) -> Int? { data.first { $0.kind == kind && $0.rows > 0 }?.rows }
    products = rows(.products) ?? 1000
    orders = rows(.orders) ?? max(1, dataset.rows / 3)
    users = max(1, rows(.orders).map { $0 / 20 } ?? dataset.rows / (dataset.kind == .clicks ? 50 : 20))
  }
}

extension DatasetRows {
  /// 2025-01-01T00:00:00Z, and a year from then, in seconds.
  private static let firstOrder: Int64 = 1_735_689_600
  private static let year: Int64 = 31_536_000

  /// The values of a row, in the order of the schema's columns.
  func values(_ id: Int) -> [ColumnValue] { (0..<width).map { value(at: $0, id) } }

  /// The value of one column of a row: a payload is long, and made only for who asks for it.
  ///
  /// - Parameter place: of the column in the schema, from 0.
  func value(at place: Int, _ id: Int) -> ColumnValue {
    switch (dataset.kind, place) {
    case (_, 0): .integer(Int64(id))
    case (.products, 1): .text(name(id))
    case (.products, 2): .integer(Int64(price(id)))
    case (.products, 3): .integer(1)
    case (.products, _): .blob(payload(id))
    case (.orders, 1): .integer(frequent(shop.users, id, 1))
    case (.orders, 2): .integer(veryFrequent(shop.products, id, 2))
    case (.orders, 3): .integer(amount(id, 3))
    case (.orders, 4): .text(status(id))
    case (.orders, _): .integer(Self.firstOrder + moment(id, Self.year))
    case (.items, 1): .integer(order(id))
    case (.items, 2): .integer(veryFrequent(shop.products, id, 2))
    case (.items, 3): .integer(1 + Int64(bits(id, 3) % 4))
    case (.items, _): .integer(amount(id, 4))
    case (.clicks, 1): .integer(frequent(shop.users, id, 1))
    case (.clicks, 2): .text(path(id))
    case (.clicks, 3): .integer(Self.firstOrder * 1000 + moment(id, 86_400_000))
    case (.clicks, _): .integer(tookMicroseconds(id))
    }
  }

  private func bits(_ id: Int, _ column: UInt64) -> UInt64 {
    mix64(seed &+ (UInt64(id) &* 16 &+ column) &* 0x9E37_79B9_7F4A_7C15)
  }

  /// Uniform in [0, 1).
  private func unit(_ id: Int, _ column: UInt64) -> Double { Double(bits(id, column) >> 11) * 0x1p-53 }

  /// 1…n with P(k) ∝ k^−½, by inversion of the continuous law's integral: of 1000 users the first has 1.3 % of the rows.
  private func frequent(_ n: Int, _ id: Int, _ column: UInt64) -> Int64 {
    let root = 1 + (Double(n + 1).squareRoot() - 1) * unit(id, column)
    return Int64(min(n, Int(root * root)))
  }

  /// 1…n with P(k) ∝ k^−¾, likewise.
  private func veryFrequent(_ n: Int, _ id: Int, _ column: UInt64) -> Int64 {
    let root = 1 + (Double(n + 1).squareRoot().squareRoot() - 1) * unit(id, column)
    return Int64(min(n, Int(root * root * root * root)))
  }

  /// Cents, $15.00 to $750.00; half of them below $22: Pareto with the exponent 2.
  private func amount(_ id: Int, _ column: UInt64) -> Int64 { Int64(1500 / (1 - unit(id, column) * 0.9996).squareRoot()) }

  private func status(_ id: Int) -> String {
    switch bits(id, 4) % 100 {
    case 0..<5: "open"
    case 5..<12: "shipped"
    case 12..<15: "returned"
    default: "delivered"
    }
  }

  /// Rows come in the order of their ids, evenly over the span and each somewhere in its slot.
  private func moment(_ id: Int, _ span: Int64) -> Int64 {
    let rows = Int64(max(1, dataset.rows))
    return (Int64(id) - 1) * span / rows + Int64(bits(id, 5) % UInt64(max(1, span / rows)))
  }

  /// The items of an order are written together, some more and some fewer.
  private func order(_ id: Int) -> Int64 {
    let perItem = Double(shop.orders) / Double(max(1, dataset.rows))
    return Int64(min(shop.orders, 1 + Int(Double(id - 1) * perItem + unit(id, 1) * min(1, perItem))))
  }

  private func path(_ id: Int) -> String {
    switch bits(id, 2) % 100 {
    case 0..<20: "/"
    case 20..<35: "/search"
    case 35..<42: "/cart"
    case 42..<45: "/checkout"
    default: "/product/\(veryFrequent(shop.products, id, 3))"
    }
  }

  /// 2 ms at least, half of them below 2.9 ms, 2 s at most: Pareto with the exponent 2.
  private func tookMicroseconds(_ id: Int) -> Int64 { Int64(2000 / (1 - unit(id, 6) * 0.999_999).squareRoot()) }
}
