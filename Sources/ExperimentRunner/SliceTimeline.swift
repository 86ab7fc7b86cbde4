// What happens beside the traffic of one slice, from a thread of its own: faults at their times, and
// the lab's counters read at regular moments, so that a share such as the hit ratio gets batches. It sleeps in between and
// decodes nothing while the slice lasts: on a machine of two cores its work would be the generator's lateness.

import ExperimentModel
import Foundation

final class SliceTimeline: @unchecked Sendable {
  // All mutable state is guarded by `lock`.
  private let lock = NSLock()
  private var ended = false
  private var joined = false
  private var taken: [[UInt8]] = []
  /// When each of `taken` was read, from the start.
  private var takenAt: [Nanoseconds] = []
  private var refused: (any Error)?
  private let done = DispatchSemaphore(value: 0)
  /// Signalled to end a sleep early.
  private let over = DispatchSemaphore(value: 0)

  /// - Parameter duration: of the slice; zero when it ends by count, then samples come every 50 ms.
  init(_ faults: [FaultSpec], _ lab: LabProcess, duration: Nanoseconds) {
    let port = lab.controlPort
    let ordered = faults.sorted { $0.at < $1.at }
    let bodies = ordered.map(faultBody)
    let interval = duration > .zero ? min(max(duration.rawValue / 20, 20_000_000), 500_000_000) : 50_000_000
    let start = DispatchTime.now().uptimeNanoseconds
    let thread = Thread { [self] in
      defer { done.signal() }
      guard let client = try? ControlClient(port: port) else { return }
      var next = interval
      var index = 0
      while !isEnded {
        let elapsed = Int64(DispatchTime.now().uptimeNanoseconds &- start)
        if index < ordered.count, elapsed >= ordered[index].at.rawValue {
          do { _ = try client.request("POST", "/_nb/fault", body: bodies[index]) } catch { lock.withLock { refused = refused ?? error } }
          index += 1
        } else if elapsed >= next {
          next += interval
          if let body = try? client.request("GET", "/_nb/counters") {
            let at = Nanoseconds(Int64(DispatchTime.now().uptimeNanoseconds &- start))
            lock.withLock {
              taken.append(body)
              takenAt.append(at)
            }
          }
        } else {
          let until = index < ordered.count ? min(next, ordered[index].at.rawValue) : next
          _ = over.wait(timeout: DispatchTime(uptimeNanoseconds: start &+ UInt64(until)))
        }
      }
    }
    thread.start()
  }

  /// The first fault that could not be done.
  var failure: (any Error)? { lock.withLock { refused } }

  private var isEnded: Bool { lock.withLock { ended } }

  /// Cumulative counters at each moment so far.
  var samples: [[String: Double]] {
    // One that cannot be read counts as empty: it keeps its place beside `times`.
    lock.withLock { taken }.map { (try? JSONDecoder().decode([String: Double].self, from: Data($0))) ?? [:] }
  }

  /// When each of `samples` was read, from the start of the slice.
  var times: [Nanoseconds] { lock.withLock { takenAt } }

  /// Waits for the thread; may be called more than once.
  func end() {
    let first = lock.withLock {
      ended = true
      defer { joined = true }
      return !joined
    }
    if first {
      over.signal()
      done.wait()
    }
  }
}

func faultBody(_ fault: FaultSpec) -> String {
  String(decoding: (try? JSONEncoder().encode(fault)) ?? Data(), as: UTF8.self)
}
