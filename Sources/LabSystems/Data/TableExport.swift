import ExperimentModel

/// Seeded rows as text for other programs, a piece at a time: a table may be larger than memory.
public struct TableExport {
  public enum Format: String, CaseIterable, Sendable {
    case csv
    /// An object on each line.
    case json
    /// For `sqlite3`: the table, its rows in one transaction, its indexes.
    case sql
  }

  private let name: String
  private let columns: [String]
  private let count: Int
  private let format: Format
  private let definition: String
  private let indexes: [String]
  private let values: (Int) -> [ColumnValue]
  private var row = 0

  /// The rows that a lab with this seed has.
  ///
  /// - Parameter data: all datasets of the system.
  public init(_ dataset: DatasetSpec, among data: [DatasetSpec], seed: UInt64, format: Format) throws {
    _ = try LabDatabase.checked([dataset])
    let rows = DatasetRows(dataset, among: data, seed: seed)
    name = dataset.name
    columns = dataset.columns.map(\.name)
    count = dataset.rows
    definition = LabDatabase.table(dataset)
    indexes = LabDatabase.indexes(dataset)
    values = { rows.values($0) }
    self.format = format
  }

  public init(_ series: SeededSeries, rows: Int, seed: UInt64, format: Format) {
    name = series.rawValue
    columns = series.columns
    count = rows
    definition = "CREATE TABLE \"\(series.rawValue)\" (\(series.columns.map { "\"\($0)\"" }.joined(separator: ", ")))"
    indexes = []
    values = { series.values($0, of: rows, seed: seed) }
    self.format = format
  }

  /// The next 64 KiB or so; nil after the end.
  public mutating func next() -> [UInt8]? {
    guard row <= count else { return nil }
    var text = ""
    if row == 0 {
      switch format {
      case .csv: text = columns.joined(separator: ",") + "\n"
      case .json: break
      case .sql: text = "BEGIN;\n\(definition);\n"
      }
      row = 1
    }
    while row <= count, text.utf8.count < 64 << 10 {
      write(values(row), to: &text)
      row += 1
    }
    if row > count, format == .sql { text += indexes.map { $0 + ";\n" }.joined() + "COMMIT;\n" }
    return Array(text.utf8)
  }

  private func write(_ row: [ColumnValue], to text: inout String) {
    switch format {
    case .csv: text += row.map(\.csv).joined(separator: ",") + "\n"
    case .json: text += "{" + zip(columns, row).map { "\"\($0)\":\($1.json)" }.joined(separator: ",") + "}\n"
    case .sql: text += "INSERT INTO \"\(name)\" VALUES (\(row.map(\.sql).joined(separator: ", ")));\n"
    }
  }
}

/// Seeded text is printable ASCII without quotes, commas and backslashes, so that no format need escape any.
extension ColumnValue {
  fileprivate var csv: String {
    switch self {
    case .integer(let number): String(number)
    case .text(let text): text
    case .blob(let bytes): String(decoding: bytes, as: UTF8.self)
    }
  }

  fileprivate var json: String { if case .integer = self { csv } else { "\"\(csv)\"" } }

  /// As a literal of a statement.
  var sql: String {
    switch self {
    case .integer: csv
    case .text(let text): "'\(text)'"
    case .blob(let bytes): "x'" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "'"
    }
  }
}
