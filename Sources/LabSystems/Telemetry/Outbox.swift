import Synchronization
import TelemetryModel

/// Spans or log records as OTLP, oldest first, until somebody fetches them. Bounded: what finds no room is dropped and counted.
/// Filled by a thread and emptied by the loop; whoever comes second waits, so that a fetch never misses what is just being encoded.
final class Outbox: Sendable {
  struct Counts { var records = 0, dropped = 0 }
  private struct State {
    var chunks: [(bytes: [UInt8], records: Int)] = []
    var bytes = 0
    var counts = Counts()
  }
  private let state = Mutex(State())
  static let bytesMax = 64 << 20
  /// Of one fetch: half of what our own decoder takes at once; a chunk is at most 8,192 spans.
  static let fetchMax = 8 << 20

  /// Appends what `encode` returns; it runs alone.
  func fill(_ encode: () -> (bytes: [UInt8], records: Int)?) {
    state.withLock { state in
      guard let chunk = encode(), chunk.records > 0 else { return }
      guard state.bytes + chunk.bytes.count <= Self.bytesMax else {
        state.counts.dropped += chunk.records
        return
      }
      state.counts.records += chunk.records
      state.bytes += chunk.bytes.count
      state.chunks.append(chunk)
    }
  }

  /// The oldest chunk that fits, empty when there is none. Messages of protobuf one after the other are one message.
  func fetch(atMost room: Int = fetchMax) -> (bytes: [UInt8], records: Int) {
    state.withLock { state in
      guard let chunk = state.chunks.first, chunk.bytes.count <= room || room >= Self.fetchMax else { return ([], 0) }
      state.chunks.removeFirst()
      state.bytes -= chunk.bytes.count
      return chunk
    }
  }

  func clear() {
    state.withLock { state in
      state.chunks = []
      state.bytes = 0
    }
  }

  var counts: Counts { state.withLock { $0.counts } }
}
