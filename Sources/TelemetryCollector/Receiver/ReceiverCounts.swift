// What a receiver has seen: everything that was taken, and everything that was not, by its reason.

import Synchronization
import TelemetryModel

public struct ReceiverCounts: Sendable, Hashable {
  /// One signal of one service.
  public struct Source: Hashable, Sendable, Comparable {
    public var signal: TelemetrySignal
    /// `service.name`; empty when it was not said.
    public var service: String

    public static func < (a: Self, b: Self) -> Bool { (a.service, a.signal.rawValue) < (b.service, b.signal.rawValue) }
  }

  /// Spans, points and log records that were taken, by who sent them. Of more than 1000 services the rest is counted as "…".
  public var records: [Source: Int] = [:]
  /// Requests that were answered 200.
  public var requests = 0
  /// Bytes of their bodies as they came, and after decompression.
  public var wireBytes = 0
  public var bodyBytes = 0
  /// What decoding had to say about them.
  public var report = IngestReport()

  /// Requests that were refused, by the status of the answer.
  public var refused: [Int: Int] = [:]
  /// 429: more bytes in flight than `ReceiverOptions.bytesInFlightMax`. Its sender tries again.
  public var backpressure: Int { refused[429] ?? 0 }
  /// 507: the capture is as large as it may be, with the records that are lost by it.
  public var recordsNotStored = 0
  /// Connections that were one too many, that sent no HTTP, and that were too slow.
  public var connectionsRefused = 0
  public var notHTTP = 0
  public var tooSlow = 0

  public init() {}

  public func total(_ signal: TelemetrySignal) -> Int { records.reduce(0) { $0 + ($1.key.signal == signal ? $1.value : 0) } }

  static let servicesMax = 1000

  mutating func add(_ signal: TelemetrySignal, _ service: String, _ count: Int) {
    guard count > 0 else { return }
    let source = Source(signal: signal, service: service)
    if records[source] == nil, records.count >= Self.servicesMax { return records[Source(signal: signal, service: "…"), default: 0] += count }
    records[source, default: 0] += count
  }
}

/// The counts, between the threads that count and the one that asks.
final class SharedCounts: Sendable {
  private let counts = Mutex(ReceiverCounts())
  var current: ReceiverCounts { counts.withLock { $0 } }
  func update(_ change: (inout ReceiverCounts) -> Void) { counts.withLock { change(&$0) } }
  func refuse(_ status: Int) { update { $0.refused[status, default: 0] += 1 } }
}
