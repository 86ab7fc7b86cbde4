// A profile's requests compiled before the run: constant bytes lie in one arena, templates are ranges of pieces, names
// have become indices. Shared by all loops and never changed afterwards; nothing is parsed or looked up in the hot loop.

import ExperimentModel
import Statistics

/// One part of a request as it is rendered.
enum Piece {
  /// Bytes of the arena.
  case bytes(start: Int32, count: Int32)
  /// The key drawn for this request.
  case key(sampler: Int32)
  /// A value that this user captured before.
  case variable(Int32)
  /// A cell of this iteration's row.
  case column(Int32)
  /// `Cookie: …` and CRLF, or nothing.
  case cookies
  /// The body's length in digits.
  case bodyLength
}

/// A request of the scenario: ranges of `Scenario.pieces`, `checks` and `captures`.
struct Template {
  var firstPiece: Int32 = 0
  /// Pieces of the head; those of the body follow them.
  var headPieces: Int32 = 0
  var bodyPieces: Int32 = 0
  var firstCheck: Int32 = 0
  var checks: Int32 = 0
  var firstCapture: Int32 = 0
  var captures: Int32 = 0
  var sampler: Int32 = -1
  var name: Int32 = 0
  var isHead = false
  /// Checks judge the status; otherwise 400 and above is a failure.
  var checksStatus = false
  /// A sink is needed.
  var reads = false
}

/// What is drawn by weight: one request, or the steps of a journey.
struct Entry {
  var firstTemplate: Int32
  var steps: Int32
  /// Sum of the weights up to and with this one.
  var cumulative: Double
}

/// Unchecked: written in `init` only; the pointers are its own.
final class Scenario: @unchecked Sendable {
  let arena: UnsafeMutablePointer<UInt8>
  let pieces: UnsafeMutablePointer<Piece>
  let templates: UnsafeMutablePointer<Template>
  let entries: UnsafeMutablePointer<Entry>
  let entryCount: Int
  let templateCount: Int
  let checks: [Check]
  let captures: [Capture]
  /// Per template.
  let thinks: [ThinkTime?]
  let names: [NamedRecord]
  /// Of all requests, also of a single one.
  let requestNames: [String]
  let samplers: [KeySampler]
  let variableCount: Int
  let data: DataRows?
  let usesCookies: Bool

  init(_ profile: LoadProfile, target: LoadTarget) throws(LoadError) {
    var compiler = ScenarioCompiler(profile, target)
    try compiler.compile()
    arena = Self.copy(compiler.arena)
    pieces = Self.copy(compiler.pieces)
    templates = Self.copy(compiler.templates)
    entries = Self.copy(compiler.entries)
    entryCount = compiler.entries.count
    templateCount = compiler.templates.count
    checks = compiler.checks
    captures = compiler.captures
    thinks = compiler.thinks
    // A table per request only where there is more than one.
    requestNames = compiler.names.map(\.name)
    names = compiler.names.count > 1 ? compiler.names : []
    samplers = compiler.samplers
    variableCount = compiler.variables.count
    data = try profile.data.map(DataRows.init)
    usesCookies = profile.cookies == true
  }

  deinit {
    arena.deallocate()
    pieces.deallocate()
    templates.deallocate()
    entries.deallocate()
  }

  private static func copy<T>(_ array: [T]) -> UnsafeMutablePointer<T> {
    let pointer = UnsafeMutablePointer<T>.allocate(capacity: max(1, array.count))
    array.withUnsafeBufferPointer { if let base = $0.baseAddress { pointer.initialize(from: base, count: $0.count) } }
    return pointer
  }
}

/// A table of text as bytes. Unchecked: as `Scenario`.
final class DataRows: @unchecked Sendable {
  let rows: Int
  let columns: Int
  let order: DataTable.Order
  private let bytes: UnsafeMutablePointer<UInt8>
  private let bounds: UnsafeMutablePointer<Int>

  init(_ table: DataTable) throws(LoadError) {
    guard !table.rows.isEmpty else { throw LoadError(id: "bad-data", cause: "the data has no rows", remedy: nil) }
    rows = table.rows.count
    columns = table.columns.count
    order = table.order
    var all: [UInt8] = []
    var bounds = [0]
    for (number, row) in table.rows.enumerated() {
      guard row.count == table.columns.count else {
        throw LoadError(
          id: "bad-data", cause: "row \(number + 1) of the data has \(row.count) cells, not \(table.columns.count)", remedy: nil)
      }
      for cell in row {
        all += Array(cell.utf8)
        bounds.append(all.count)
      }
    }
    bytes = .allocate(capacity: max(1, all.count))
    bytes.initialize(from: all, count: all.count)
    self.bounds = .allocate(capacity: bounds.count)
    self.bounds.initialize(from: bounds, count: bounds.count)
  }

  deinit {
    bytes.deallocate()
    bounds.deallocate()
  }

  func cell(_ row: Int, _ column: Int) -> UnsafeBufferPointer<UInt8> {
    let i = row * columns + column
    return UnsafeBufferPointer(start: bytes + bounds[i], count: bounds[i + 1] - bounds[i])
  }
}
