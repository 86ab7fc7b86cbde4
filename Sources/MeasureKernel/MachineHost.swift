// What is around the processor: host, kernel, memory, power, clock source, limits of this process. Pure functions
// of the texts below /proc and /sys.

/// Virtualisation and container, kernel, memory, power, clock source, open files, ports.
func hostFindings(_ files: MachineFiles) -> [MachineFinding] {
  [
    virtualisationFinding(files), kernelFinding(files), memoryFinding(files), powerFinding(files), clockSourceFinding(files),
    openFilesFinding(files), portsFinding(files),
  ]
}

/// Whether the machine is a guest: true, false, or nil when nothing tells.
func isVirtual(_ files: MachineFiles) -> Bool? {
  hypervisor(files).map { !$0.isEmpty }
}

/// Who the host is; empty: none; nil: unknown.
private func hypervisor(_ files: MachineFiles) -> String? {
  let dmi = ["sys_vendor", "product_name"].compactMap { files.value("/sys/class/dmi/id/\($0)") }.joined(separator: " ")
  let names = [
    ("QEMU", "QEMU"), ("KVM", "KVM"), ("VMware", "VMware"), ("innotek", "VirtualBox"), ("VirtualBox", "VirtualBox"), ("Xen", "Xen"),
    ("Parallels", "Parallels"), ("Google Compute Engine", "Google Compute Engine"), ("Microsoft Corporation Virtual Machine", "Hyper-V"),
    ("DigitalOcean", "DigitalOcean"), ("OpenStack", "OpenStack"), ("Hetzner vServer", "Hetzner"), ("Alibaba Cloud ECS", "Alibaba Cloud"),
  ]
  // A bare-metal instance has the vendor's name and no hypervisor bit.
  let bit = ProcessorText(files.read("/proc/cpuinfo") ?? "").isVirtual
  if let found = names.first(where: { dmi.contains($0.0) }), bit != false { return found.1 }
  if dmi.contains("Amazon EC2"), bit != false, !dmi.contains(".metal") { return "Amazon EC2" }
  if let type = files.value("/sys/hypervisor/type") { return type }
  if files.read("/proc/device-tree/hypervisor/compatible") != nil { return "KVM" }
  guard let bit else { return nil }
  guard bit else { return "" }
  let clocks = files.value("/sys/devices/system/clocksource/clocksource0/available_clocksource") ?? ""
  return clocks.contains("kvm-clock") ? "KVM" : clocks.contains("hyperv") ? "Hyper-V" : clocks.contains("xen") ? "Xen" : "of unknown make"
}

private func container(_ files: MachineFiles) -> String? {
  if let kind = files.value("/run/systemd/container") { return kind }
  if files.read("/.dockerenv") != nil { return "Docker" }
  if files.read("/run/.containerenv") != nil { return "Podman" }
  let groups = files.read("/proc/self/cgroup") ?? ""
  return ["kubepods", "docker", "lxc"].first { groups.contains($0) }
}

private func virtualisationFinding(_ files: MachineFiles) -> MachineFinding {
  let inside = container(files).map { ", in a container (\($0))" } ?? ""
  guard let host = hypervisor(files) else {
    return MachineFinding("virtualisation", "virtualisation", "unknown" + inside, .unknown)
  }
  guard !host.isEmpty else { return MachineFinding("virtualisation", "virtualisation", "none" + inside) }
  return MachineFinding(
    "virtualisation", "virtualisation", "virtual machine (\(host))" + inside, .caution,
    effect: "neighbours on the host change its speed by several per cent from minute to minute, unseen from here",
    remedy: "trust paired ratios, not times; measure absolute times on a machine of your own")
}

private func kernelFinding(_ files: MachineFiles) -> MachineFinding {
  guard let release = files.value("/proc/sys/kernel/osrelease") else { return MachineFinding("kernel", "kernel", "unknown", .unknown) }
  // epoll_pwait2, with which the load kernel waits for less than a millisecond, is of Linux 5.11.
  let parts = release.split(separator: ".").prefix(2).compactMap { Int($0.prefix(while: \.isNumber)) }
  if parts.count == 2, (parts[0], parts[1]) < (5, 11) {
    return MachineFinding(
      "kernel", "kernel", "Linux \(release)", .caution, effect: "waits are of whole milliseconds and nb spins the rest, which takes CPU time",
      remedy: "use Linux 5.11 or newer for load blocks")
  }
  return MachineFinding("kernel", "kernel", "Linux \(release)")
}

private func memoryFinding(_ files: MachineFiles) -> MachineFinding {
  let text = files.read("/proc/meminfo") ?? ""
  func bytes(_ key: String) -> Int64? { text.field(key)?.split(separator: " ").first.flatMap { Int64($0) }.map { $0 * 1024 } }
  guard let total = bytes("MemTotal"), let available = bytes("MemAvailable") else {
    return MachineFinding("memory", "memory", "unknown", .unknown)
  }
  let swapped = bytes("SwapTotal").flatMap { all in bytes("SwapFree").map { all - $0 } } ?? 0
  let value = "\(bytesText(total)), \(bytesText(available)) available" + (swapped > 1 << 20 ? ", \(bytesText(swapped)) swapped out" : "")
  if available < 512 << 20 || Double(available) < 0.05 * Double(total) {
    return MachineFinding(
      "memory", "memory", value, .caution, effect: "the kernel reclaims pages while a subject runs, which shows as rare slow samples",
      remedy: "close what holds memory; \(bytesText(512 << 20)) available are enough for the course")
  }
  return MachineFinding("memory", "memory", value)
}

private func powerFinding(_ files: MachineFiles) -> MachineFinding {
  let root = "/sys/class/power_supply"
  let supplies = files.list(root)
  func type(_ name: String) -> String? { files.value("\(root)/\(name)/type") }
  let isOnline = supplies.contains { type($0) != "Battery" && files.value("\(root)/\($0)/online") == "1" }
  if isOnline { return MachineFinding("power", "power source", "mains") }
  let batteries = supplies.filter { type($0) == "Battery" && files.value("\(root)/\($0)/scope") != "Device" }
  if batteries.contains(where: { files.value("\(root)/\($0)/status") == "Discharging" }) {
    return MachineFinding(
      "power", "power source", "battery", .caution, effect: "the machine saves energy: the clock is lower and changes with the charge",
      remedy: "plug it in")
  }
  return MachineFinding("power", "power source", supplies.isEmpty ? "unknown (none is reported)" : "unknown", .unknown)
}

private func clockSourceFinding(_ files: MachineFiles) -> MachineFinding {
  guard let name = files.value("/sys/devices/system/clocksource/clocksource0/current_clocksource") else {
    return MachineFinding("clock-source", "clock source", "unknown", .unknown)
  }
  // Read without a system call: these are mapped into every process.
  if ["tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "timebase", "riscv_clocksource"].contains(name) {
    return MachineFinding("clock-source", "clock source", name)
  }
  return MachineFinding(
    "clock-source", "clock source", name, .caution, effect: "each reading of the clock is a system call of about a microsecond",
    remedy: "see /sys/devices/system/clocksource/clocksource0/available_clocksource; tsc is the best of x86")
}

private func openFilesFinding(_ files: MachineFiles) -> MachineFinding {
  let line = (files.read("/proc/self/limits") ?? "").split(whereSeparator: \.isNewline).first { $0.hasPrefix("Max open files") }
  guard let words = line?.dropFirst(14).split(separator: " "), words.count >= 2 else {
    return MachineFinding("open-files", "open files", "unknown", .unknown)
  }
  let value = "\(words[0]), at most \(words[1])"
  if let soft = Int(words[0]), soft < 4096 {
    return MachineFinding(
      "open-files", "open files", value, .caution, effect: "a load block with more than about \(soft / 2) connections cannot open them",
      remedy: "ulimit -n \(Int(words[1]).map { String(min($0, 65_536)) } ?? "65536")")
  }
  return MachineFinding("open-files", "open files", value)
}

private func portsFinding(_ files: MachineFiles) -> MachineFinding {
  let ends = (files.value("/proc/sys/net/ipv4/ip_local_port_range") ?? "").split { $0 == "\t" || $0 == " " }.compactMap { Int($0) }
  guard ends.count == 2, ends[1] >= ends[0] else { return MachineFinding("ports", "ephemeral ports", "unknown", .unknown) }
  let count = ends[1] - ends[0] + 1
  let value = "\(count) (\(ends[0])–\(ends[1]))"
  // A closed connection keeps its port for 60 s (TIME_WAIT).
  if count < 10_000 {
    return MachineFinding(
      "ports", "ephemeral ports", value, .caution,
      effect: "with a new connection for each request ports run out above \(count / 60) requests per second",
      remedy: "sysctl net.ipv4.ip_local_port_range='32768 60999'")
  }
  return MachineFinding("ports", "ephemeral ports", value)
}
