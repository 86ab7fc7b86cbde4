// A loop on a thread of its own, the CPU a thread is bound to, its turn, and processors that do not fall asleep. Plain pthreads: a
// task of the cooperative pool must not block for the length of a run.

import CKernelShims
import Glibc

final class LoopThread {
  private final class Work {
    let loop: LoadLoop
    let begin: Int64
    var record = LoadRecord()
    init(_ loop: LoadLoop, _ begin: Int64) {
      self.loop = loop
      self.begin = begin
    }
  }
  private let work: Work
  private var thread = pthread_t()
  private var started = false

  init(_ loop: LoadLoop, begin: Int64) {
    work = Work(loop, begin)
    let pointer = Unmanaged.passRetained(work)
    started = pthread_create(&thread, nil, { argument in
      guard let argument else { return nil }
      let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
      if let cpu = work.loop.options.cpu { _ = nb_pin_thread(Int32(cpu + work.loop.loop)) }
      work.record = work.loop.run(from: work.begin, nil, { false })
      return nil
    }, pointer.toOpaque()) == 0
    if !started { pointer.release() }
  }

  /// Waits for the end. A loop whose thread could not start counts all of its plan as not begun.
  func join() -> LoadRecord {
    guard started else {
      var record = LoadRecord()
      record.planned = Int(work.loop.rules.plan?.expected ?? 0) / max(1, work.loop.loops)
      return record
    }
    pthread_join(thread, nil)
    return work.record
  }
}

/// Binds the calling thread while a run lasts.
struct Affinity {
  /// On how many processors the calling thread may run.
  static var allowed: Int {
    var mask = [UInt64](repeating: 0, count: 16)
    return nb_thread_cpus(&mask) == 0 ? mask.reduce(0) { $0 + $1.nonzeroBitCount } : 1
  }

  private var before = [UInt64](repeating: 0, count: 16)
  private var changed = false

  init(_ cpu: Int?) {
    guard let cpu, nb_thread_cpus(&before) == 0 else { return }
    changed = nb_pin_thread(Int32(cpu)) == 0
  }

  func restore() {
    if changed { _ = nb_set_thread_cpus(before) }
  }
}

/// Idle processors stay awake until `release()`. A virtual machine's need up to half a millisecond to wake for a timer or an
/// answer, which is then in every figure; awake they need a few microseconds. Needs the right to write /dev/cpu_dma_latency
/// (root); without it this does nothing.
public struct AwakeProcessors {
  private let descriptor: Int32

  init(_ isWanted: Bool) { descriptor = isWanted ? nb_keep_awake() : -1 }

  func release() { if descriptor >= 0 { close(descriptor) } }

  /// Whether open plans of this process can keep them awake: part of what a result was measured on.
  public static var arePermitted: Bool { nb_may_keep_awake() != 0 }
}

/// The calling thread goes before the others of its processor until `release()`: a target on the same processors may not keep a send
/// waiting. Beside three busy programs on two processors the p99 of the send lag is 2–4 ms with a short time slice, with or without a
/// nice value, and 0.04–0.2 ms where it goes at once (internals/load.md).
///
/// At once only where that takes nothing of note from the target: a processor is left over, and the thread has work, or spins, for an
/// eighth of its time at most. A target that was woken on the processor of a thread that spins on and on would wait for its end,
/// and the wait would stand in its response times. On a processor of its own it is three quarters: one that never rests is put
/// aside by the kernel, for 50 ms in each second, once a thread of the kernel has waited there. Denser plans have the short slice.
public struct FirstTurn {
  /// CPU of a request, in nanoseconds, on the slow side.
  private static let work: Int64 = 8_000
  /// A margin below this misses too many wake-ups to be worth its while.
  private static let leastSpin: Int64 = 40_000
  private var before = nb_schedule()
  /// Nanoseconds before a send; nil: there is no such limit.
  private(set) var spinsAtMost: Int64?

  /// - Parameters:
  ///   - isOwn: the user gave the thread a processor of its own.
  ///   - loops: threads that send.
  ///   - rate: requests per second of this thread, at most.
  ///   - spins: before each send.
  init(isOwn: Bool, loops: Int, rate: Double, spins: Bool) {
    let room = Self.room(rate: rate, isOwn: isOwn)
    let isHarmless = (isOwn || Affinity.allowed > loops) && room >= (spins ? Self.leastSpin : 0)
    guard nb_come_first(isHarmless ? 1 : 0, &before) == Int32(NB_AT_ONCE) else { return }
    spinsAtMost = min(room, isOwn ? 1_000_000 : 500_000)
  }

  /// What is left for spinning of its part of the gap between two requests, in nanoseconds; below 0 when they are too close.
  static func room(rate: Double, isOwn: Bool) -> Int64 { Int64((isOwn ? 0.75e9 : 0.125e9) / max(rate, 1)) - work }

  func release() {
    var before = before
    nb_come_as_before(&before)
  }

  /// Whether the threads of open plans of this process can go first: part of what a result was measured on.
  public static var isPermitted: Bool { nb_may_come_first() != 0 }
}
