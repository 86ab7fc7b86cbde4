// The processor as the kernel describes it: model, cores, shared cores, clock policy, counters. Pure functions of
// the texts below /proc and /sys.

/// What /proc/cpuinfo says.
struct ProcessorText: Hashable {
  /// nil where the kernel has no name for it, as on most ARM machines without DMI.
  var model: String?
  /// Logical CPUs.
  var threads: Int
  /// nil when the text does not tell threads of one core apart.
  var cores: Int?
  /// The hypervisor bit of x86; nil where the text has no x86 flags.
  var isVirtual: Bool?

  init(_ cpuinfo: String) {
    var cores: Set<String> = []
    var package = ""
    var threads = 0
    var flags: [Substring]?
    var model: String?
    for line in cpuinfo.split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let key = line[..<colon].trimmedASCII
      let value = line[line.index(after: colon)...].trimmedASCII
      switch key {
      case "processor": threads += 1
      case "physical id": package = value
      case "core id": cores.insert(package + "/" + value)
      case "flags": flags = flags ?? value.split(separator: " ")
      case "model name", "Model", "cpu model", "cpu": model = model ?? (value.isEmpty ? nil : value)
      case "CPU part":
        if model == nil, let implementer = cpuinfo.field("CPU implementer") { model = "ARM part \(value) of implementer \(implementer)" }
      default: break
      }
    }
    self.model = model
    self.threads = threads
    self.cores = cores.isEmpty ? nil : cores.count
    isVirtual = flags.map { $0.contains("hypervisor") }
  }
}

/// Model, cores, sharing of cores, the CPUs that this process may use.
func processorFindings(_ files: MachineFiles) -> [MachineFinding] {
  let text = ProcessorText(files.read("/proc/cpuinfo") ?? "")
  var findings = [MachineFinding("cpu", "CPU", text.model ?? "unknown", text.model == nil ? .unknown : .ok)]
  let online = files.value("/sys/devices/system/cpu/online").flatMap(cpuListCount) ?? (text.threads > 0 ? text.threads : nil)
  findings.append(coresFinding(online, text, allowed: files.read("/proc/self/status")?.field("Cpus_allowed_list").flatMap(cpuListCount)))
  findings.append(sharedCoresFinding(files, text))
  findings.append(governorFinding(files))
  findings.append(boostFinding(files))
  return findings
}

private func coresFinding(_ online: Int?, _ text: ProcessorText, allowed: Int?) -> MachineFinding {
  guard let online else { return MachineFinding("cores", "cores", "unknown", .unknown) }
  var value = "\(online) CPU\(online == 1 ? "" : "s")"
  if let cores = text.cores, cores < online { value += " on \(cores) core\(cores == 1 ? "" : "s")" }
  if let allowed, allowed < online {
    return MachineFinding(
      "cores", "cores", value + ", \(allowed) allowed here", .caution,
      effect: "nb and what it measures have \(allowed) of \(online) CPUs and wait for each other",
      remedy: "start nb without taskset and cpuset, or give it more CPUs")
  }
  if online < 2 {
    return MachineFinding(
      "cores", "cores", value, .caution, effect: "a load generator and the system it loads take the only CPU from each other",
      remedy: "use a machine with two CPUs or more for load blocks; bench blocks are fine")
  }
  return MachineFinding("cores", "cores", value)
}

private func sharedCoresFinding(_ files: MachineFiles, _ text: ProcessorText) -> MachineFinding {
  let active = files.value("/sys/devices/system/cpu/smt/active").map { $0 == "1" } ?? text.cores.map { $0 < text.threads }
  guard let active else { return MachineFinding("smt", "SMT", "unknown", .unknown) }
  guard active else { return MachineFinding("smt", "SMT", "off") }
  return MachineFinding(
    "smt", "SMT", "on", .caution, effect: "work on the other thread of a core slows a subject by a third or more, in steps",
    remedy: "leave the machine otherwise idle, or write off to /sys/devices/system/cpu/smt/control")
}

private func governorFinding(_ files: MachineFiles) -> MachineFinding {
  let root = "/sys/devices/system/cpu"
  let cpus = files.list(root).filter { $0.hasPrefix("cpu") && $0.dropFirst(3).allSatisfy(\.isNumber) && $0.count > 3 }
  let governors = Set(cpus.compactMap { files.value("\(root)/\($0)/cpufreq/scaling_governor") }).sorted()
  guard !governors.isEmpty else {
    return MachineFinding("cpu-governor", "CPU governor", "unknown (no cpufreq here)", .unknown)
  }
  let value = governors.joined(separator: ", ")
  if governors == ["performance"] { return MachineFinding("cpu-governor", "CPU governor", value) }
  return MachineFinding(
    "cpu-governor", "CPU governor", value, .caution,
    effect: "the clock follows the load, so the first milliseconds of a sample run slower than the rest",
    remedy: "cpupower frequency-set -g performance")
}

private func boostFinding(_ files: MachineFiles) -> MachineFinding {
  let root = "/sys/devices/system/cpu"
  let isOn = files.value("\(root)/intel_pstate/no_turbo").map { $0 == "0" } ?? files.value("\(root)/cpufreq/boost").map { $0 == "1" }
  guard let isOn else { return MachineFinding("cpu-boost", "CPU boost", "unknown (no cpufreq here)", .unknown) }
  guard isOn else { return MachineFinding("cpu-boost", "CPU boost", "off") }
  return MachineFinding(
    "cpu-boost", "CPU boost", "on", .caution,
    effect: "the clock depends on temperature and on how many cores are busy: seconds later the same work takes another time",
    remedy: "trust paired comparisons only, or write 1 to \(root)/intel_pstate/no_turbo (0 to cpufreq/boost)")
}

/// Hardware counters: a device that counts, and the right to ask it.
///
/// - Parameter opens: whether a counter could be opened; nil: not tried.
func countersFinding(_ files: MachineFiles, opens: Bool? = nil) -> MachineFinding {
  let devices = files.list("/sys/bus/event_source/devices")
  let units = devices.filter { $0 == "cpu" || $0 == "cpu_core" || $0 == "cpu_atom" || $0.hasPrefix("armv") }
  guard !devices.isEmpty else { return MachineFinding("pmu", "hardware counters", "unknown", .unknown) }
  guard !units.isEmpty else {
    return MachineFinding(
      "pmu", "hardware counters", "none", .caution, effect: "instructions, cache misses and branches of a subject cannot be counted",
      remedy: "nb counts instructions with valgrind where it is installed; a bare-metal machine has counters")
  }
  let value = units.joined(separator: ", ")
  guard let paranoid = files.number("/proc/sys/kernel/perf_event_paranoid") else {
    return MachineFinding(
      "pmu", "hardware counters", "\(value), but the kernel has no perf events", .caution,
      effect: "instructions, cache misses and branches of a subject cannot be counted", remedy: "use a kernel with CONFIG_PERF_EVENTS")
  }
  // CAP_SYS_ADMIN is bit 21, CAP_PERFMON bit 38.
  let rights = files.read("/proc/self/status")?.field("CapEff").flatMap { UInt64($0, radix: 16) } ?? 0
  if paranoid > 2, rights & (1 << 21 | 1 << 38) == 0 {
    return MachineFinding(
      "pmu", "hardware counters", "\(value), forbidden (perf_event_paranoid \(paranoid))", .caution,
      effect: "instructions, cache misses and branches of a subject are not counted", remedy: "sysctl kernel.perf_event_paranoid=2")
  }
  // A container's system-call filter refuses what the kernel would allow.
  if opens == false {
    return MachineFinding(
      "pmu", "hardware counters", "\(value), but none opens", .caution,
      effect: "instructions, cache misses and branches of a subject are not counted",
      remedy: "allow perf_event_open in the container's seccomp profile, or measure outside of it")
  }
  return MachineFinding("pmu", "hardware counters", "\(value), perf_event_paranoid \(paranoid)")
}
