// What a child and everything that it has started may use together. The kernel limits single processes, and root not even in
// their number; so one thread of nb looks ten times a second, and ends who is over. It begins with the first child and reads three
// small files of /proc for each process. Labs have a dozen threads and are nb's own code: those are looked at once a second, so
// that a load generator beside them is not disturbed.

import CKernelShims
import Glibc
import Synchronization

/// Limits of a child with all its descendants.
public struct TreeLimits: Hashable, Sendable {
  /// Bytes of memory that are nobody else's.
  public var memory: Int
  /// Processes and threads.
  public var tasks: Int

  public init(memory: Int, tasks: Int) { (self.memory, self.tasks) = (memory, tasks) }

  /// Half of the memory that there is for nb and its children, and 4,096 processes and threads; or what `NB_LIMIT_MEMORY`, in
  /// bytes, and `NB_LIMIT_TASKS` say.
  public static let standard = TreeLimits(memory: said("NB_LIMIT_MEMORY") ?? usableMemory() / 2, tasks: said("NB_LIMIT_TASKS") ?? 4_096)

  private static func said(_ name: String) -> Int? { getenv(name).flatMap { Int(String(cString: $0)) }.flatMap { $0 > 0 ? $0 : nil } }

  /// Of the machine, or what the control group allows.
  private static func usableMemory() -> Int {
    let machine = sysconf(Int32(_SC_PHYS_PAGES)) * nb_page_bytes()
    guard let text = ProcFiles.text("/sys/fs/cgroup/memory.max"), let allowed = Int(text.filter(\.isNumber)) else { return machine }
    return min(machine, allowed)
  }
}

/// Why children were ended that used too much, where nobody has said it yet: `the lab used 12 GiB of memory, …`. Said once.
public func reasonsOfEndedChildren() -> [String] { ChildWatch.shared.allReasons() }

final class ChildWatch: Sendable {
  static let shared = ChildWatch()

  private struct Watched {
    var name: String
    var mark: UInt64
    var limits: TreeLimits
    var isOwn: Bool
  }
  private struct State {
    var children: [pid_t: Watched] = [:]
    /// Why a child was ended, until somebody asks.
    var reasons: [pid_t: String] = [:]
    var isRunning = false
  }
  private let state = Mutex(State())

  func add(_ pid: pid_t, name: String, mark: UInt64, limits: TreeLimits, isOwn: Bool) {
    let isFirst = state.withLock { state in
      state.children[pid] = Watched(name: name, mark: mark, limits: limits, isOwn: isOwn)
      state.reasons[pid] = nil
      defer { state.isRunning = true }
      return !state.isRunning
    }
    if isFirst { start() }
  }

  func remove(_ pid: pid_t) { state.withLock { _ = $0.children.removeValue(forKey: pid) } }

  /// `used 12 GB of memory, and 8 GB is its limit`; nil: it was not ended for that. Said once.
  func reason(of pid: pid_t) -> String? { state.withLock { $0.reasons.removeValue(forKey: pid) } }

  /// The same of all that nobody has asked for, with their names.
  func allReasons() -> [String] {
    state.withLock { state in
      defer { state.reasons = [:] }
      return state.reasons.sorted { $0.key < $1.key }.map(\.value)
    }
  }

  private func start() {
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // A thread of nb's own would be asked to handle its signals.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    pthread_create(&thread, &attributes, { _ in ChildWatch.shared.look() }, nil)
    pthread_sigmask(SIG_SETMASK, &before, nil)
    pthread_attr_destroy(&attributes)
  }

  private func look() -> UnsafeMutableRawPointer? {
    var tick = 0
    while true {
      usleep(100_000)
      tick += 1
      for (pid, one) in state.withLock({ $0.children }) where !one.isOwn || tick % 10 == 0 {
        guard let reason = excess(of: pid, one) else { continue }
        let isStill = state.withLock { state in
          guard state.children[pid]?.mark == one.mark else { return false }
          state.reasons[pid] = "\(one.name) \(reason)"
          return true
        }
        guard isStill else { continue }
        Launcher.endGroup(pid)
        // Who left the group as well; a bomb goes on while it is counted.
        for _ in 0..<100 where nb_end_marked(one.mark, one.mark) > 0 { usleep(1_000) }
      }
    }
  }

  // MARK: Counting

  private func excess(of pid: pid_t, _ one: Watched) -> String? {
    var (tasks, memory) = (0, 0)
    let tree = tree(of: pid, one, &tasks)
    guard tasks <= one.limits.tasks else { return "started more than \(one.limits.tasks) processes and threads, which is its limit, and was ended" }
    for member in tree { memory += ownMemory(of: member) }
    guard memory > one.limits.memory else { return nil }
    // Pages that a fork shares were counted twice; the exact number costs milliseconds.
    memory = tree.reduce(0) { $0 + proportionalMemory(of: $1) }
    return memory > one.limits.memory ? "used \(gigabytes(memory)) of memory, more than its limit of \(gigabytes(one.limits.memory)), and was ended" : nil
  }

  /// The child, all below it, and orphans of it that nb has adopted; stops counting above the limit.
  private func tree(of pid: pid_t, _ one: Watched, _ tasks: inout Int) -> [pid_t] {
    var open = [pid] + ProcFiles.children().filter { $0 != pid && Launcher.mark(of: $0) == one.mark }
    var found: [pid_t] = []
    while let next = open.popLast(), tasks <= one.limits.tasks {
      found.append(next)
      let threads = ProcFiles.names(in: "/proc/\(next)/task")
      tasks += max(1, threads.count)
      for thread in threads {
        let list = ProcFiles.text("/proc/\(next)/task/\(thread)/children", limit: 65_536) ?? ""
        open += list.split(separator: " ").compactMap { pid_t($0) }
      }
    }
    return found
  }

  /// Resident pages that are not a file's.
  private func ownMemory(of pid: pid_t) -> Int {
    let fields = (ProcFiles.text("/proc/\(pid)/statm") ?? "").split(separator: " ").compactMap { Int($0) }
    return fields.count > 2 ? (fields[1] - fields[2]) * nb_page_bytes() : 0
  }

  /// Private pages, and its part of those that are shared.
  private func proportionalMemory(of pid: pid_t) -> Int {
    let lines = (ProcFiles.text("/proc/\(pid)/smaps_rollup") ?? "").split(separator: "\n")
    let parts = lines.filter { $0.hasPrefix("Pss_Anon:") || $0.hasPrefix("Pss_Shmem:") }
    return parts.isEmpty ? ownMemory(of: pid) : parts.reduce(0) { $0 + kilobytes($1) }
  }

  private func kilobytes(_ line: Substring) -> Int { (Int(line.filter(\.isNumber)) ?? 0) * 1_024 }

  private func gigabytes(_ bytes: Int) -> String {
    let tenths = (bytes * 10 + (1 << 29)) >> 30
    return tenths < 10 ? "\(bytes >> 20) MiB" : "\(tenths / 10).\(tenths % 10) GiB"
  }
}
