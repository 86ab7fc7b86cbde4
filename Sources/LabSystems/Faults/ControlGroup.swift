import Foundation

/// A control group of one process with a limit on its CPU time, made beside the group that the process was in.
struct ControlGroup {
  let version: Int
  private let folder: String
  private let home: String

  /// - Returns: nil where none may be made, or where its limit cannot be set.
  init?(_ pid: pid_t, cpus: Double, period: Int64) {
    let (quota, length) = (max(1_000, Int64(cpus * Double(period) / 1_000)), period / 1_000)
    for (version, home) in Self.homes(of: pid) {
      let folder = "\(home)/nb-\(getpid())"
      // Without the CPU in it a group of version 2 has no limit to set.
      if version == 2 { _ = Self.write("+cpu", to: home + "/cgroup.subtree_control") }
      guard mkdir(folder, 0o755) == 0 else { continue }
      let isSet =
        version == 2
        ? Self.write("\(quota) \(length)", to: folder + "/cpu.max")
        : Self.write("\(length)", to: folder + "/cpu.cfs_period_us") && Self.write("\(quota)", to: folder + "/cpu.cfs_quota_us")
      if isSet, Self.write("\(pid)", to: folder + "/cgroup.procs") {
        (self.version, self.folder, self.home) = (version, folder, home)
        return
      }
      rmdir(folder)
    }
    return nil
  }

  var periods: Int { count("nr_periods") }
  var throttled: Int { count("nr_throttled") }

  /// The process goes back, and the group is no more.
  func end(_ pid: pid_t) {
    _ = Self.write("\(pid)", to: home + "/cgroup.procs")
    // One that has ended is still in its group until its parent asks for it.
    for _ in 0..<200 where rmdir(folder) != 0 && errno == EBUSY { usleep(5_000) }
  }

  private func count(_ name: String) -> Int {
    for line in (Self.read(folder + "/cpu.stat") ?? "").split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 2, words[0] == name { return Int(words[1]) ?? 0 }
    }
    return 0
  }

  /// Folders of the groups with CPU limits in which the process is; version 2 first.
  private static func homes(of pid: pid_t) -> [(version: Int, folder: String)] {
    var mounts: [(version: Int, folder: String)] = []
    for line in (read("/proc/self/mounts") ?? "").split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count > 3 else { continue }
      if words[2] == "cgroup2" { mounts.append((2, words[1])) }
      if words[2] == "cgroup", words[3].split(separator: ",").contains("cpu") { mounts.append((1, words[1])) }
    }
    var homes: [(Int, String)] = []
    for line in (read("/proc/\(pid)/cgroup") ?? "").split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let version = parts[1].isEmpty ? 2 : parts[1].split(separator: ",").contains("cpu") ? 1 : 0
      guard let mount = mounts.first(where: { $0.version == version }) else { continue }
      homes.append((version, mount.folder + (parts[2] == "/" ? "" : String(parts[2]))))
    }
    return homes.sorted { $0.0 > $1.0 }
  }

  private static func read(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 8_192)
    while true {
      let count = Foundation.read(file, &chunk, chunk.count)
      guard count > 0 else { break }
      text += chunk[..<count]
    }
    return String(decoding: text, as: UTF8.self)
  }

  private static func write(_ text: String, to path: String) -> Bool {
    let file = open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    let bytes = Array(text.utf8)
    return Foundation.write(file, bytes, bytes.count) == bytes.count
  }
}
