import ExperimentModel

// Subjects that work in items which share a cost: the messages of one commit share its sync, the objects between two
// collections share the second one. They answer with counts besides their time, and counts are exact on any machine.

/// `commit`: a worker's batch of messages appended to a log in one write and one sync, an iteration each.
final class CommitSubject: BenchSubject {
  /// A log is begun anew when it is as large as this: a segment of its own would sync as well, and a disk is finite.
  private static let bytesMax = 256 << 20

  private let folder: LabFolder
  private let batch: Int
  private let size: Int
  private var log: SegmentedLog
  private var logs = 1
  private var bytes = 0

  init(_ system: SystemSpec?, place: String) throws {
    guard let system, let worker = system.roles.compactMap(\.worker).first else {
      throw LabError(place: place, cause: "the subject needs a worker", remedy: "add `uses:` with a system that has one")
    }
    var size = 0
    for stage in system.roles.flatMap(\.routes).flatMap(\.stages) {
      if case .publish(let spec) = stage.work, spec.topic == worker.consumes { size = spec.size }
    }
    (batch, self.size) = (worker.batch, size)
    folder = try LabFolder()
    log = try SegmentedLog(folder: "\(folder.path)/1", segmentBytes: .max)
  }

  func run(_ count: Int) throws -> BenchTotals {
    if bytes > Self.bytesMax {
      logs += 1
      log = try SegmentedLog(folder: "\(folder.path)/\(logs)", segmentBytes: .max)
      bytes = 0
      DurableFile.remove(SegmentedLog.path("\(folder.path)/\(logs - 1)", 0))
    }
    var syncs = 0
    for commit in 0..<count {
      let messages = (0..<batch).map { i in
        Message(publishedAt: 0, names: ["id"], values: [String(commit * batch + i)], padding: size).encoded
      }
      let written = try log.append(messages, sync: true).get()
      syncs += written.syncs
      bytes += written.bytes
    }
    return BenchTotals(
      checksum: UInt64(count * batch), counts: [.init(name: "messages", value: count * batch), .init(name: "fsyncs", value: syncs)])
  }
}

/// `alloc`: the objects of one request on the heap of the system's first `alloc` stage with a kind, an iteration each.
final class AllocSubject: BenchSubject {
  private let heap: HeapStage.Heap
  private let temporary: Int
  private let kept: Int
  private let place: String

  init(_ system: SystemSpec?, seed: UInt64, place: String) throws {
    guard let system, let (name, spec, objects) = system.heapStage else {
      throw LabError(place: place, cause: "the subject needs a heap of objects", remedy: "add `uses:` with a system whose `alloc` has a `kind`")
    }
    heap = try HeapStage.makeHeap(objects, seed: seed, place: "\(place), \(name)")
    (temporary, kept) = (ObjectHeap.count(spec.perRequest), ObjectHeap.count(spec.leak))
    self.place = place
  }

  func run(_ count: Int) throws -> BenchTotals {
    var total = MarkSweepHeap.Work()
    for _ in 0..<count {
      total.add(HeapStage.work(heap, temporary, kept))
      guard !total.isExhausted else {
        throw LabError(place: place, cause: "the heap is full of live objects", remedy: "write a larger `heap`, or a smaller `leak`")
      }
    }
    var counts = [BenchTotals.Count(name: "objects", value: total.allocated)]
    if case .marked = heap {
      counts += [
        .init(name: "collections", value: total.collections), .init(name: "gc_ns", value: Int(total.collecting)),
        .init(name: "heap_ns", value: Int(total.processor)), .init(name: "pause_ns", value: Int(total.pause)),
        .init(name: "pause_max_ns", value: Int(total.pauseMax)),
      ]
    }
    return BenchTotals(checksum: UInt64(total.allocated), counts: counts)
  }
}
