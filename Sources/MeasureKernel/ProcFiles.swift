// Small files that the kernel writes, read in one go.

import Glibc

enum ProcFiles {
  /// At most `limit` bytes; nil: cannot be read.
  static func text(_ path: String, limit: Int = 4_096) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: limit)
    let n = read(descriptor, &buffer, buffer.count)
    return n >= 0 ? String(decoding: buffer[..<n], as: UTF8.self) : nil
  }

  /// All of a file that the kernel hands out in pieces; nil: cannot be read.
  static func whole(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let n = read(descriptor, &buffer, buffer.count)
      if n <= 0 { return n == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
      bytes += buffer[..<n]
    }
  }

  /// Where a symbolic link points; nil: not a link, or not to be read.
  static func link(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: 256)
    let n = buffer.withUnsafeMutableBytes { readlink(path, $0.bindMemory(to: CChar.self).baseAddress!, $0.count) }
    return n >= 0 ? String(decoding: buffer[..<n], as: UTF8.self) : nil
  }

  /// Nanoseconds that the main thread of a process, also of one that has ended and is not yet reaped, waited for a CPU.
  static func runQueueWait(of pid: pid_t) -> Int64? {
    text("/proc/\(pid)/schedstat")?.split(separator: " ").dropFirst().first.flatMap { Int64($0) }
  }

  /// Direct children of this process, among them orphans that it has adopted.
  ///
  /// Where the kernel has no list (CONFIG_PROC_CHILDREN), all processes are looked through.
  static func children() -> [pid_t] {
    let own = getpid()
    // Orphans go to the first thread of the process.
    if let list = text("/proc/self/task/\(own)/children", limit: 65_536) {
      return list.split(separator: " ").compactMap { pid_t($0) }
    }
    var found: [pid_t] = []
    for name in names(in: "/proc") {
      guard let pid = pid_t(name), let stat = text("/proc/\(name)/stat") else { continue }
      // The second field is a name in brackets that may hold anything; the parent is the second word after it.
      let rest = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ")
      if rest.count > 2, pid_t(rest[2]) == own { found.append(pid) }
    }
    return found
  }

  /// Names of a folder's entries without `.` and `..`; empty when it cannot be read.
  static func names(in path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
