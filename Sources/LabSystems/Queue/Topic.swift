import ExperimentModel
import NIOCore
import Synchronization

/// A durable queue of messages under a name: the log that publishers append to, and the clock of what waits in it. It is the
/// broker's and outlives every role that is killed. Lives on the lab's loop; the log is written on a thread.
final class Topic {
  let name: String
  let folder: String
  private let environment: any Environment
  private let commits: CommitQueue<[UInt8]>
  private let retention = Retention()
  /// Who takes the messages; nil for a topic of dead letters that nobody reads.
  weak var consumer: Consumer?

  /// Place after the last message that a consumer may read.
  private(set) var end: UInt64
  /// When messages up to a place became readable, oldest first. Bounded: under a large backlog later ones count as earlier.
  private var arrivals = CircularBuffer<(end: UInt64, at: Int64)>()
  private static let arrivalsMax = 4_096

  private var published = 0
  private var dropped = 0

  /// Which places consumers are done with: told on the loop, read by the writing thread.
  private final class Retention: Sendable {
    let floor = Mutex<UInt64>(0)
  }

  /// Opens the topic's folder and recovers what is there.
  init(_ name: String, folder: String, environment: any Environment) throws(LogFailure) {
    self.name = name
    self.folder = folder + "/messages"
    self.environment = environment
    let log = try SegmentedLog(folder: self.folder)
    end = log.next
    commits = CommitQueue(environment: environment) { [retention] messages, sync in
      log.removeSegments(below: retention.floor.withLock { $0 })
      return log.append(messages, sync: sync)
    }
    arrivals.append((end, environment.now))
  }

  // MARK: Publishing

  /// Messages that no worker has taken, with those on their way to the disk.
  var waiting: Int { Int(end) - Int(consumer?.nextFresh ?? 0) + commits.pending }

  /// `done` is called when the policy is satisfied, with the message's place, and never inside this call.
  func publish(_ message: Message, _ policy: FsyncPolicy, done: @escaping (Result<UInt64, LogFailure>) -> Void) {
    commits.submit(message.encoded, policy) { [self] outcome in
      if case .success(let place) = outcome {
        published += 1
        end = place + 1
        note(end)
        consumer?.dispatch()
      }
      done(outcome)
    }
  }

  /// Makes room for one more message below `limit`. What is still on its way to the disk cannot be dropped yet; the next
  /// call makes up for it.
  func dropOldest(limit: Int) {
    let excess = waiting + 1 - limit
    if excess > 0 { dropped += consumer?.skip(excess) ?? 0 }
  }

  // MARK: What waits

  private func note(_ end: UInt64) {
    let now = environment.now
    if let last = arrivals.last, last.at == now || arrivals.count >= Self.arrivalsMax {
      arrivals[arrivals.index(before: arrivals.endIndex)].end = end
    } else {
      arrivals.append((end, now))
    }
  }

  /// When the message at a place became readable, or a little before.
  func arrival(of place: UInt64) -> Int64? {
    arrivals.first { $0.end > place }?.at
  }

  /// The consumer will not ask for places below again, unless it is killed.
  func taken(below place: UInt64) {
    while let first = arrivals.first, first.end <= place { arrivals.removeFirst() }
  }

  /// The consumer is done with everything below: its files may go.
  func release(below place: UInt64) { retention.floor.withLock { $0 = place } }

  // MARK: Counters

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "published", published)
    counters.add(name, "fsyncs", commits.syncs)
    counters.add(name, "commits", commits.commits)
    counters.add(name, "bytes", commits.bytes)
    counters.add(name, "dropped", dropped)
    counters.add(name, "depth", waiting)
  }

  func resetCounters() {
    published = 0; dropped = 0
    commits.resetCounters()
  }
}
