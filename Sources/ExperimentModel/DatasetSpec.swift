// The seeded tables of a system: their columns, their sizes, their indexes.

/// Seeded rows in a table NAME with the columns of its schema, ids 1…rows.
public struct DatasetSpec: Codable, Hashable, Sendable {
  public var name: String
  public var rows: Int
  /// How often each id is asked for.
  public var popularity: KeyDistribution
  /// nil: `products`, so that plans from before there were others keep their digests.
  public var schema: DatasetSchema?
  /// Columns of each index, beside the one of the id; nil: none.
  public var indexes: [[String]]?

  public init(name: String, rows: Int, popularity: KeyDistribution, schema: DatasetSchema? = nil, indexes: [[String]]? = nil) {
    self.name = name; self.rows = rows; self.popularity = popularity
    self.schema = schema; self.indexes = indexes
  }

  public var kind: DatasetSchema { schema ?? .products }
  public var columns: [DatasetColumn] { kind.columns }

  /// The same with another number of rows, asked for in the same way.
  public func resized(to rows: Int) -> DatasetSpec {
    var other = self
    other.rows = rows
    other.popularity =
      switch popularity {
      case .zipf(_, let s): .zipf(n: rows, s: s)
      case .uniform: .uniform(n: rows)
      case .sequential: .sequential(n: rows)
      }
    return other
  }
}

/// What the rows of a dataset are about.
///
/// The columns are called so that a statement means the same to SQLite and to PostgreSQL: `user` is a function there.
public enum DatasetSchema: String, Codable, CaseIterable, Sendable {
  case products, orders, items, clicks

  /// In the order of the table; the first is the id.
  public var columns: [DatasetColumn] {
    [.init("id", .integer)]
      + {
        switch self {
        case .products: [.init("name", .text), .init("price", .integer), .init("version", .integer, initial: 1), .init("payload", .blob)]
        case .orders:
          [
            .init("user_id", .integer), .init("product_id", .integer), .init("amount", .integer), .init("status", .text),
            .init("placed", .integer),
          ]
        case .items: [.init("order_id", .integer), .init("product_id", .integer), .init("quantity", .integer), .init("price", .integer)]
        case .clicks: [.init("user_id", .integer), .init("path", .text), .init("at", .integer), .init("took_us", .integer)]
        }
      }()
  }
}

public struct DatasetColumn: Hashable, Sendable {
  public enum Kind: Sendable { case integer, text, blob }
  public var name: String
  public var kind: Kind
  /// Of a row that is inserted without a value for it.
  public var initial: Int
  init(_ name: String, _ kind: Kind, initial: Int = 0) { self.name = name; self.kind = kind; self.initial = initial }
}
