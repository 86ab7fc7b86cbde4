// What a sample used besides time. Everything is optional: what could not be read is nil, which readers
// show as "unknown" and never as zero.

import Glibc

/// Resources of one sample, totals over its iterations.
public struct ResourceUse: Hashable, Sendable {
  /// CPU time in user mode and in the kernel, in nanoseconds. The sum is exact; many kernels split it by
  /// what they met at their ticks (every 1–10 ms), so the parts of a short process are all or nothing.
  public var user: Int64?
  public var system: Int64?
  /// Largest resident memory in bytes, since the process was started.
  public var maxRSS: Int64?
  /// Page faults that were served from memory, and those that waited for a disk.
  public var minorFaults: Int64?
  public var majorFaults: Int64?
  /// Times it left a CPU to wait, and times it was made to leave.
  public var voluntarySwitches: Int64?
  public var involuntarySwitches: Int64?
  /// Nanoseconds that its main thread was ready and waited for a CPU (schedstat).
  public var runQueueWait: Int64?
  /// Calls of malloc and its relatives, and the bytes they asked for.
  public var allocations: Int64?
  public var allocatedBytes: Int64?
  /// Counters of the processor in user mode.
  public var instructions: Int64?
  public var cycles: Int64?
  public var cacheMisses: Int64?
  public var branchMisses: Int64?

  public init() {}

  /// From wait4: the child and those of its descendants that it has waited for.
  init(_ usage: rusage) {
    user = Int64(usage.ru_utime.tv_sec) * 1_000_000_000 + Int64(usage.ru_utime.tv_usec) * 1_000
    system = Int64(usage.ru_stime.tv_sec) * 1_000_000_000 + Int64(usage.ru_stime.tv_usec) * 1_000
    maxRSS = Int64(usage.ru_maxrss) * 1_024
    minorFaults = Int64(usage.ru_minflt)
    majorFaults = Int64(usage.ru_majflt)
    voluntarySwitches = Int64(usage.ru_nvcsw)
    involuntarySwitches = Int64(usage.ru_nivcsw)
  }

  private typealias Count = WritableKeyPath<ResourceUse, Int64?> & Sendable

  /// The words of the subjects' protocol.
  private static let counts: [(word: Substring, count: Count)] = [
    ("user", \.user), ("system", \.system), ("rss", \.maxRSS), ("minor", \.minorFaults), ("major", \.majorFaults),
    ("voluntary", \.voluntarySwitches), ("involuntary", \.involuntarySwitches), ("wait", \.runQueueWait),
    ("allocations", \.allocations), ("allocated", \.allocatedBytes),
  ]

  /// Takes a field of an answer; false: it is none of ours.
  mutating func take(_ word: Substring, _ value: String) -> Bool {
    guard let found = Self.counts.first(where: { $0.word == word }) else { return false }
    self[keyPath: found.count] = Int64(value)
    return true
  }

  /// Adds a later part of the same sample. A sum with an unknown part is unknown; memory is a maximum.
  mutating func add(_ other: ResourceUse) {
    let sums: [Count] = [
      \.user, \.system, \.minorFaults, \.majorFaults, \.voluntarySwitches, \.involuntarySwitches, \.runQueueWait, \.allocations,
      \.allocatedBytes, \.instructions, \.cycles, \.cacheMisses, \.branchMisses,
    ]
    for count in sums {
      guard let a = self[keyPath: count], let b = other[keyPath: count] else {
        self[keyPath: count] = nil
        continue
      }
      self[keyPath: count] = a + b
    }
    if let a = maxRSS, let b = other.maxRSS { maxRSS = max(a, b) } else { maxRSS = nil }
  }

  mutating func take(_ counters: PerfCounters.Values) {
    instructions = counters.instructions
    cycles = counters.cycles
    cacheMisses = counters.cacheMisses
    branchMisses = counters.branchMisses
  }
}
