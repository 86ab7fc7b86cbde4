// Raw samples while a run lasts: a slab of rows that is there, and touched, before the clock starts. Keeping one is a store and a
// count; when the slab is full the rest is counted. Nothing is written to a file before the run is over.

import ExperimentModel

struct RawLog: ~Copyable {
  private let rows: UnsafeMutablePointer<RawSample>
  private let capacity: Int
  private var count = 0
  private var truncated = 0

  /// - Parameter capacity: rows; 0: none are kept, and nothing is counted.
  init(capacity: Int) {
    self.capacity = capacity
    rows = .allocate(capacity: max(1, capacity))
    rows.initialize(
      repeating: RawSample(intended: 0, sent: 0, received: 0, bytes: 0, connection: 0, status: 0, name: 0, error: 0), count: capacity)
  }
  deinit { rows.deallocate() }

  var isOn: Bool { capacity > 0 }

  mutating func append(_ sample: RawSample) {
    guard count < capacity else {
      truncated += 1
      return
    }
    rows[count] = sample
    count += 1
  }

  /// What was kept, with times from `start`.
  func samples(start: Int64, names: [String]) -> RawSamples? {
    guard isOn else { return nil }
    let relative = UnsafeBufferPointer(start: rows, count: count).map { row in
      var row = row
      row.intended -= start
      if row.sent >= 0 { row.sent -= start }
      row.received -= start
      return row
    }
    return RawSamples(rows: relative, names: names, errors: ErrorKind.allCases.map(\.name), truncated: truncated)
  }
}

extension Recorder {
  /// - Parameters:
  ///   - sent: nil: not a byte was.
  ///   - connection: nil: none was free.
  ///   - name: nil: none was chosen yet.
  func keep(
    intended: Int64, sent: Int64?, received: Int64, bytes: Int, connection: Int?, status: Int, name: Int?, kind: ErrorKind?
  ) {
    raw.append(
      RawSample(
        intended: intended, sent: sent ?? -1, received: received, bytes: bytes, connection: Int32(truncatingIfNeeded: connection ?? -1),
        status: UInt16(truncatingIfNeeded: status), name: Int16(truncatingIfNeeded: name ?? -1), error: kind.map { $0.rawValue + 1 } ?? 0))
  }
}
