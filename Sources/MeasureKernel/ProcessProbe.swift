// What running processes have used so far, read from /proc from outside: two readings and their difference say what a load
// cost its target and its generator. What cannot be read is unknown, never zero. Reading takes some 100 µs, so it happens
// before and after a load and never beside it.

import Glibc

/// Totals of some processes up to a moment; nil: unknown.
public struct ProcessReading: Sendable {
  /// Processes that were read.
  fileprivate var count = 0
  /// Each had threads to be read.
  var isComplete = true
  /// Nanoseconds on a CPU, and ready without one, by thread (schedstat).
  var threads: [pid_t: (cpu: Int64, wait: Int64)] = [:]
  /// Nanoseconds on a CPU in clock ticks, with threads that have ended.
  var ticks: Int64?
  public var residentBytes: Int64?
  public var descriptors: Int?
  /// Read from and written to storage.
  var diskBytes: Int64?
  /// Calls of the read and the write family on files and sockets: a part of all system calls.
  var readsAndWrites: Int64?
}

/// What processes used between two readings; nil: unknown.
public struct ProcessSpan: Hashable, Sendable {
  public var processes = 0
  public var cpu: Int64?
  public var runQueueWait: Int64?
  /// At the end.
  public var residentBytes: Int64?
  public var descriptors: Int?
  public var diskBytes: Int64?
  public var readsAndWrites: Int64?
  public init() {}

  /// From `a` to `b`, readings of the same processes.
  public init(from a: ProcessReading, to b: ProcessReading, processes: Int) {
    func difference(_ x: Int64?, _ y: Int64?) -> Int64? { if let x, let y, y >= x { y - x } else { nil } }
    self.processes = processes
    residentBytes = b.residentBytes
    descriptors = b.descriptors
    diskBytes = difference(a.diskBytes, b.diskBytes)
    readsAndWrites = difference(a.readsAndWrites, b.readsAndWrites)
    cpu = difference(a.ticks, b.ticks)
    // A thread that has ended took its nanoseconds with it; the ticks have them.
    guard a.isComplete, b.isComplete, a.threads.keys.allSatisfy({ b.threads[$0] != nil }) else { return }
    cpu = b.threads.reduce(0) { $0 + $1.value.cpu - (a.threads[$1.key]?.cpu ?? 0) }
    runQueueWait = b.threads.reduce(0) { $0 + $1.value.wait - (a.threads[$1.key]?.wait ?? 0) }
  }

  /// This span and a later one of the same processes.
  public func followed(by other: ProcessSpan) -> ProcessSpan {
    func sum(_ x: Int64?, _ y: Int64?) -> Int64? { if let x, let y { x + y } else { nil } }
    var both = other
    both.cpu = sum(cpu, other.cpu)
    both.runQueueWait = sum(runQueueWait, other.runQueueWait)
    both.diskBytes = sum(diskBytes, other.diskBytes)
    both.readsAndWrites = sum(readsAndWrites, other.readsAndWrites)
    if let mine = descriptors, let theirs = other.descriptors { both.descriptors = max(mine, theirs) }
    return both
  }
}

public enum ProcessProbe {
  public static func read(_ processes: [pid_t]) -> ProcessReading {
    var reading = ProcessReading()
    for pid in processes { reading.add(pid) }
    return reading
  }

  /// Processes that listen on a TCP port of this machine, as far as this user may look; empty: nobody, or not to be seen.
  public static func listeners(port: Int) -> [pid_t] {
    var inodes: Set<Substring> = []
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
      for line in (ProcFiles.whole(file) ?? "").split(separator: "\n").dropFirst() {
        // `sl local remote state … uid timeout inode`; state 0A is LISTEN, the address is hexadecimal.
        let fields = line.split(separator: " ")
        guard fields.count > 9, fields[3] == "0A", let text = fields[1].split(separator: ":").last, Int(text, radix: 16) == port else { continue }
        inodes.insert(fields[9])
      }
    }
    return holders(of: inodes)
  }

  /// Processes that listen on a Unix socket.
  public static func listeners(unixSocket path: String) -> [pid_t] {
    // `number: references protocol flags type state inode path`; the flag 10000 is a listening socket.
    let lines = (ProcFiles.whole("/proc/net/unix") ?? "").split(separator: "\n").map { $0.split(separator: " ", maxSplits: 7) }
    return holders(of: Set(lines.filter { $0.count == 8 && $0[7] == path && $0[3] == "00010000" }.map { $0[6] }))
  }

  private static func holders(of inodes: Set<Substring>) -> [pid_t] {
    guard !inodes.isEmpty else { return [] }
    let wanted = Set(inodes.map { "socket:[\($0)]" })
    return ProcFiles.names(in: "/proc").compactMap { pid_t($0) }.filter { pid in
      ProcFiles.names(in: "/proc/\(pid)/fd").contains { wanted.contains(ProcFiles.link("/proc/\(pid)/fd/\($0)") ?? "") }
    }.sorted()
  }
}

extension ProcessReading {
  fileprivate mutating func add(_ pid: pid_t) {
    // Threads that end meanwhile are no error; a process without any is.
    let tasks = ProcFiles.names(in: "/proc/\(pid)/task").compactMap { pid_t($0) }
    var found = false
    for task in tasks {
      let fields = (ProcFiles.text("/proc/\(pid)/task/\(task)/schedstat") ?? "").split { $0 == " " || $0 == "\n" }.compactMap { Int64($0) }
      guard fields.count >= 2 else { continue }
      threads[task] = (fields[0], fields[1])
      found = true
    }
    isComplete = isComplete && found
    let stat = ProcFiles.text("/proc/\(pid)/stat") ?? ""
    let rest = stat[(stat.lastIndex(of: ")") ?? stat.endIndex)...].split(separator: " ")
    // Fields 14 and 15 of proc(5), after the name: user and system time in ticks.
    let perTick = Int64(1_000_000_000 / max(1, sysconf(Int32(_SC_CLK_TCK))))
    sum(&ticks, rest.count > 13 ? Int64(rest[12]).flatMap { user in Int64(rest[13]).map { (user + $0) * perTick } } : nil)
    let pages = (ProcFiles.text("/proc/\(pid)/statm") ?? "").split(separator: " ").dropFirst().first.flatMap { Int64($0) }
    sum(&residentBytes, pages.map { $0 * Int64(sysconf(Int32(_SC_PAGESIZE))) })
    let names = ProcFiles.names(in: "/proc/\(pid)/fd").count
    // Looking into one's own folder opens it.
    var open = descriptors.map(Int64.init)
    sum(&open, names > 0 ? Int64(names - (pid == getpid() ? 1 : 0)) : nil)
    descriptors = open.map(Int.init)
    var io: [Substring: Int64] = [:]
    for line in (ProcFiles.text("/proc/\(pid)/io") ?? "").split(separator: "\n") {
      let sides = line.split(separator: ":")
      if sides.count == 2 { io[sides[0]] = Int64(sides[1].drop { $0 == " " }) }
    }
    func both(_ a: Substring, _ b: Substring) -> Int64? { if let x = io[a], let y = io[b] { x + y } else { nil } }
    sum(&diskBytes, both("read_bytes", "write_bytes"))
    sum(&readsAndWrites, both("syscr", "syscw"))
    count += 1
  }

  private func sum(_ total: inout Int64?, _ value: Int64?) {
    if count == 0 { total = value } else if let sum = total, let value { total = sum + value } else { total = nil }
  }
}
