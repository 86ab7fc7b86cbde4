import Foundation

/// CPU time, memory and run-queue wait of this process.
struct ProcessUsage {
  var cpu: Int64 = 0
  /// Nanoseconds that threads of this process were runnable and not running; nil when the system does not say.
  var runQueueWait: Int64?

  static func current() -> ProcessUsage {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return ProcessUsage(
      cpu: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec), runQueueWait: runQueueWaitNow())
  }

  /// Second field of /proc/self/task/*/schedstat, summed over the threads.
  private static func runQueueWaitNow() -> Int64? {
    guard let threads = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") else { return nil }
    var sum: Int64?
    for thread in threads {
      guard let text = readFile("/proc/self/task/\(thread)/schedstat") else { continue }
      let fields = text.split { $0 == " " || $0 == "\n" }
      if fields.count >= 2, let wait = Int64(fields[1]) { sum = (sum ?? 0) + wait }
    }
    return sum
  }

  /// Resident bytes; nil when the system does not say.
  static func residentBytes() -> Int? {
    guard let text = readFile("/proc/self/statm") else { return nil }
    let fields = text.split(separator: " ")
    guard fields.count >= 2, let pages = Int(fields[1]) else { return nil }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }

  /// Small files of /proc, whose size is reported as zero.
  private static func readFile(_ path: String) -> String? {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { close(fd) }
    var bytes = [UInt8](repeating: 0, count: 512)
    let count = read(fd, &bytes, bytes.count)
    return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
  }
}
