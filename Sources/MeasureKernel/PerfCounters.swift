// The processor's counters through perf_event_open. Many virtual machines have none: what cannot be
// opened is nil, and a counter that had to share the hardware is nil too, because scaling is a guess.

import CKernelShims
import Glibc

/// Counters of one child, in user mode.
public final class PerfCounters {
  public struct Values: Hashable, Sendable {
    public var instructions: Int64?
    public var cycles: Int64?
    public var cacheMisses: Int64?
    public var branchMisses: Int64?
  }

  /// Types and numbers of linux/perf_event.h.
  static let hardware: UInt32 = 0
  private static let events: [(config: UInt64, value: WritableKeyPath<Values, Int64?> & Sendable)] = [
    (1, \.instructions), (0, \.cycles), (3, \.cacheMisses), (5, \.branchMisses),
  ]
  private let descriptors: [Int32]

  /// Counts children that this thread starts, each from its exec on.
  static func ofNextChildren() -> PerfCounters? { PerfCounters(pid: 0, onExec: true) }

  /// Counts a running child and the threads that it starts from now on.
  static func of(_ pid: pid_t) -> PerfCounters? { PerfCounters(pid: pid, onExec: false) }

  /// nil: not one of the events can be counted here.
  init?(pid: pid_t, onExec: Bool, type: UInt32 = hardware, configs: [UInt64] = events.map(\.config)) {
    descriptors = configs.map { nb_open_counter(type, $0, pid, onExec ? 1 : 0) }
    if descriptors.allSatisfy({ $0 < 0 }) { return nil }
  }

  deinit {
    for descriptor in descriptors where descriptor >= 0 { close(descriptor) }
  }

  /// Totals since the counters were opened; those of an ended child are in them once it is reaped.
  func read() -> Values {
    var values = Values()
    for (total, event) in zip(totals(), Self.events) { values[keyPath: event.value] = total }
    return values
  }

  func totals() -> [Int64?] { descriptors.map(Self.total) }

  /// nil: not open, never on the hardware, or not all the time.
  private static func total(_ descriptor: Int32) -> Int64? {
    guard descriptor >= 0 else { return nil }
    // The count, the time it was wanted and the time it really counted.
    var words: [UInt64] = [0, 0, 0]
    guard Glibc.read(descriptor, &words, 24) == 24, words[2] > 0, words[1] == words[2] else { return nil }
    return Int64(clamping: words[0])
  }
}

extension PerfCounters.Values {
  /// What was counted between two readings.
  func since(_ earlier: Self) -> Self {
    func difference(_ a: Int64?, _ b: Int64?) -> Int64? { if let a, let b { b - a } else { nil } }
    return Self(
      instructions: difference(earlier.instructions, instructions), cycles: difference(earlier.cycles, cycles),
      cacheMisses: difference(earlier.cacheMisses, cacheMisses), branchMisses: difference(earlier.branchMisses, branchMisses))
  }
}
