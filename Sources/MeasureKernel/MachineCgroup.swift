// The CPU quota and the memory limit of the control group that nb runs in, version 1, version 2 or both. Pure
// functions of /proc/self/cgroup, /proc/self/mountinfo and the groups' files.

/// Limits that the group and all its ancestors set together: the tightest of each.
struct CgroupLimits: Hashable {
  /// CPUs' worth of time; nil: no quota.
  var cpus: Double?
  /// Bytes; nil: no limit.
  var memory: Int64?
  /// Periods in which the group was stopped since it exists; nil: not told.
  var throttled: Int64?
  /// A file that sets a quota was there to be read; false: unknown.
  var knowsCPU = false
  var knowsMemory = false

  init(_ files: MachineFiles) {
    let mounts = cgroupMounts(files.read("/proc/self/mountinfo") ?? "")
    let groups = cgroupMembership(files.read("/proc/self/cgroup") ?? "")
    for mount in mounts {
      for group in groups where group.fits(mount) {
        for folder in folders(of: group.path, in: mount) { read(folder, mount, files) }
      }
    }
  }

  private mutating func read(_ folder: String, _ mount: CgroupMount, _ files: MachineFiles) {
    if mount.isV2 {
      if let text = files.value(folder + "/cpu.max") {
        knowsCPU = true
        let parts = text.split(separator: " ")
        if parts.count == 2, let quota = Double(parts[0]), let period = Double(parts[1]), period > 0 { limit(cpus: quota / period) }
      }
      if let text = files.value(folder + "/memory.max") {
        knowsMemory = true
        if let bytes = Int64(text) { limit(memory: bytes) }
      }
    } else {
      if let quota = files.number(folder + "/cpu.cfs_quota_us") {
        knowsCPU = true
        if quota > 0, let period = files.number(folder + "/cpu.cfs_period_us"), period > 0 { limit(cpus: Double(quota) / Double(period)) }
      }
      if let bytes = files.number(folder + "/memory.limit_in_bytes") {
        knowsMemory = true
        // Version 1 writes "no limit" as the largest number of whole pages.
        if bytes < 1 << 60 { limit(memory: bytes) }
      }
    }
    for line in (files.read(folder + "/cpu.stat") ?? "").split(whereSeparator: \.isNewline) where line.hasPrefix("nr_throttled ") {
      if let count = Int64(line.dropFirst(13).trimmedASCII) { throttled = max(throttled ?? 0, count) }
    }
  }

  private mutating func limit(cpus value: Double) { cpus = min(cpus ?? .infinity, value) }
  private mutating func limit(memory value: Int64) { memory = min(memory ?? .max, value) }
}

/// CPUs' worth of time that this process can have: those that it may run on, and no more than its group's quota. nil: unknown.
public func processorsAvailable(_ files: MachineFiles = .here) -> Double? {
  let allowed = files.read("/proc/self/status")?.field("Cpus_allowed_list").flatMap(cpuListCount).map(Double.init)
  return [allowed, CgroupLimits(files).cpus].compactMap { $0 }.min()
}

struct CgroupMount: Hashable {
  var path: String
  /// The group that is shown at `path`.
  var root: String
  var isV2: Bool
  /// Of version 1.
  var controllers: Set<String>
}

struct CgroupMembership: Hashable {
  /// Empty for version 2.
  var controllers: Set<String>
  var path: String
  func fits(_ mount: CgroupMount) -> Bool {
    mount.isV2 ? controllers.isEmpty : !controllers.isDisjoint(with: mount.controllers)
  }
}

/// Lines of /proc/self/mountinfo: `36 25 0:31 ROOT PATH OPTIONS … - TYPE SOURCE SUPER-OPTIONS`.
func cgroupMounts(_ mountinfo: String) -> [CgroupMount] {
  mountinfo.split(whereSeparator: \.isNewline).compactMap { line in
    let words = line.split(separator: " ")
    guard let dash = words.firstIndex(of: "-"), words.count > dash + 3, words.count > 5 else { return nil }
    let kind = words[dash + 1]
    guard kind == "cgroup" || kind == "cgroup2" else { return nil }
    return CgroupMount(
      path: String(words[4]), root: String(words[3]), isV2: kind == "cgroup2",
      controllers: kind == "cgroup" ? Set(words[dash + 3].split(separator: ",").map(String.init)) : [])
  }
}

/// Lines of /proc/self/cgroup: `4:memory:/path`, for version 2 `0::/path`.
func cgroupMembership(_ text: String) -> [CgroupMembership] {
  text.split(whereSeparator: \.isNewline).compactMap { line in
    let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    return CgroupMembership(controllers: Set(parts[1].split(separator: ",").map(String.init)), path: String(parts[2]))
  }
}

/// The group's folder and its ancestors' within the mount.
private func folders(of path: String, in mount: CgroupMount) -> [String] {
  var rest = path[...]
  // In a container the mount shows the group itself, and its path is told as seen from outside.
  if mount.root != "/", rest.hasPrefix(mount.root) { rest = rest.dropFirst(mount.root.count) }
  var folder = mount.path
  var all = [folder]
  for part in rest.split(separator: "/") where part != ".." {
    folder += "/" + part
    all.append(folder)
  }
  return all
}

/// CPU quota and memory limit.
///
/// - Parameter cpus: CPUs of the machine, when known.
func cgroupFindings(_ files: MachineFiles, cpus: Int?) -> [MachineFinding] {
  let limits = CgroupLimits(files)
  let quota: MachineFinding
  if let share = limits.cpus {
    let text = "\(decimal(share, 2)) CPU\(share == 1 ? "" : "s")" + (limits.throttled.map { $0 > 0 ? ", stopped \($0) times so far" : "" } ?? "")
    if let cpus, share >= Double(cpus) {
      quota = MachineFinding("cpu-quota", "CPU quota", text)
    } else {
      quota = MachineFinding(
        "cpu-quota", "CPU quota", text, .caution,
        effect: "when the quota is used up the kernel stops everything for the rest of a period, usually up to 100 ms",
        remedy: "raise the container's CPU limit, or leave it out while measuring")
    }
  } else {
    quota = limits.knowsCPU ? MachineFinding("cpu-quota", "CPU quota", "none") : MachineFinding("cpu-quota", "CPU quota", "unknown", .unknown)
  }
  let memory: MachineFinding
  if let bytes = limits.memory {
    memory = MachineFinding("memory-limit", "memory limit", bytesText(bytes))
  } else {
    memory =
      limits.knowsMemory
      ? MachineFinding("memory-limit", "memory limit", "none") : MachineFinding("memory-limit", "memory limit", "unknown", .unknown)
  }
  return [quota, memory]
}

/// A number with at most `digits` decimals, no trailing zeros.
func decimal(_ value: Double, _ digits: Int) -> String {
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let rounded = (value * scale).rounded() / scale
  return rounded == rounded.rounded() && abs(rounded) < 1e15 ? String(Int64(rounded)) : "\(rounded)"
}

/// `3.9 GiB`
func bytesText(_ bytes: Int64) -> String {
  let value = Double(bytes)
  if value >= 0x1p30 { return decimal(value / 0x1p30, 1) + " GiB" }
  if value >= 0x1p20 { return decimal(value / 0x1p20, 1) + " MiB" }
  return decimal(value / 1024, 1) + " KiB"
}
