import Testing

@testable import MeasureKernel

/// An eight-thread laptop of 2020 on mains, with systemd's version 2 groups.
private let laptop: [String: String] = [
  "/proc/cpuinfo": (0..<8).map { thread in
    "processor\t: \(thread)\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz\n"
      + "physical id\t: 0\ncore id\t\t: \(thread % 4)\nflags\t\t: fpu vme de pse tsc\n"
  }.joined(separator: "\n"),
  "/sys/devices/system/cpu/online": "0-7\n", "/sys/devices/system/cpu/smt/active": "1\n",
  "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
  "/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance\n", "/sys/devices/system/cpu/intel_pstate/no_turbo": "0\n",
  "/sys/class/dmi/id/sys_vendor": "LENOVO\n", "/sys/class/dmi/id/product_name": "20L5\n",
  "/proc/sys/kernel/osrelease": "6.1.0-18-amd64\n", "/proc/sys/kernel/perf_event_paranoid": "3\n",
  "/proc/self/status": "Name:\tnb\nCapEff:\t0000000000000000\nCpus_allowed_list:\t0-7\n",
  "/sys/bus/event_source/devices/cpu/type": "4", "/sys/bus/event_source/devices/software/type": "1",
  "/proc/meminfo": "MemTotal:       16000000 kB\nMemFree:  1 kB\nMemAvailable:    9000000 kB\nSwapTotal: 4194304 kB\nSwapFree: 2097152 kB\n",
  "/sys/class/power_supply/AC/type": "Mains\n", "/sys/class/power_supply/AC/online": "1\n",
  "/sys/class/power_supply/BAT0/type": "Battery\n", "/sys/class/power_supply/BAT0/status": "Charging\n",
  "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
  "/proc/self/limits":
    "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 1048576              files\n",
  "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
  "/proc/self/cgroup": "0::/user.slice/user-1000.slice/session.scope\n",
  "/proc/self/mountinfo": "24 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n30 24 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n",
  "/sys/fs/cgroup/user.slice/cpu.max": "max 100000\n", "/sys/fs/cgroup/user.slice/memory.max": "max\n",
]

private func finding(_ id: String, _ texts: [String: String]) -> MachineFinding? { machineFacts(MachineFiles(texts)).first { $0.id == id } }

@Suite struct MachineDoctorTests {
  @Test("a laptop's texts", arguments: [
    ("cpu", "Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz", MachineFinding.Verdict.ok), ("cores", "8 CPUs on 4 cores", .ok), ("smt", "on", .caution),
    ("cpu-governor", "performance, powersave", .caution), ("cpu-boost", "on", .caution), ("virtualisation", "none", .ok),
    ("kernel", "Linux 6.1.0-18-amd64", .ok), ("memory", "15.3 GiB, 8.6 GiB available, 2 GiB swapped out", .ok), ("power", "mains", .ok),
    ("clock-source", "tsc", .ok), ("open-files", "1024, at most 1048576", .caution), ("ports", "28232 (32768–60999)", .ok),
    ("cpu-quota", "none", .ok), ("memory-limit", "none", .ok), ("pmu", "cpu, forbidden (perf_event_paranoid 3)", .caution),
  ])
  func laptopFindings(_ id: String, _ value: String, _ verdict: MachineFinding.Verdict) throws {
    let found = try #require(finding(id, laptop))
    #expect(found.value == value && found.verdict == verdict)
    #expect((found.effect != nil && found.remedy != nil) == (verdict == .caution))
  }

  @Test("one text changed, one finding changed", arguments: [
    ("/proc/self/status", "Cpus_allowed_list:\t0,2-3\n", "cores", "8 CPUs on 4 cores, 3 allowed here", MachineFinding.Verdict.caution),
    ("/sys/devices/system/cpu/online", "0\n", "cores", "1 CPU", .caution), ("/sys/devices/system/cpu/smt/active", "0\n", "smt", "off", .ok),
    ("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n", "cpu-governor", "performance", .ok),
    ("/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n", "cpu-boost", "off", .ok),
    ("/proc/sys/kernel/osrelease", "5.10.0-28-amd64\n", "kernel", "Linux 5.10.0-28-amd64", .caution),
    ("/sys/class/power_supply/AC/online", "0\n", "power", "unknown", .unknown),
    ("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n", "clock-source", "hpet", .caution),
    ("/proc/sys/net/ipv4/ip_local_port_range", "60000\t60999\n", "ports", "1000 (60000–60999)", .caution),
    ("/proc/sys/kernel/perf_event_paranoid", "2\n", "pmu", "cpu, perf_event_paranoid 2", .ok),
    ("/proc/self/status", "CapEff:\t0000004000000000\n", "pmu", "cpu, perf_event_paranoid 3", .ok),
    ("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n", "cpu-quota", "1.5 CPUs", .caution),
    ("/sys/fs/cgroup/cpu.max", "800000 100000\n", "cpu-quota", "8 CPUs", .ok),
    ("/sys/fs/cgroup/user.slice/memory.max", "1073741824\n", "memory-limit", "1 GiB", .ok),
    ("/proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 200000 kB\n", "memory", "7.6 GiB, 195.3 MiB available", .caution),
    ("/.dockerenv", "", "virtualisation", "none, in a container (Docker)", .ok),
  ])
  func changed(_ path: String, _ text: String, _ id: String, _ value: String, _ verdict: MachineFinding.Verdict) throws {
    var texts = laptop
    texts[path] = text
    let found = try #require(finding(id, texts))
    #expect(found.value == value && found.verdict == verdict)
  }

  @Test("a machine that tells nothing is unknown in everything, and never ok")
  func blind() {
    #expect(machineFacts(MachineFiles([:])).map(\.verdict).allSatisfy { $0 == .unknown })
    #expect(!machineFacts(MachineFiles([:])).isEmpty)
  }

  @Test("an unplugged battery", arguments: ["Discharging"])
  func battery(_ status: String) {
    var texts = laptop
    texts["/sys/class/power_supply/AC/online"] = "0"
    texts["/sys/class/power_supply/BAT0/status"] = status
    #expect(finding("power", texts)?.value == "battery")
    texts["/sys/class/power_supply/BAT0/scope"] = "Device"
    #expect(finding("power", texts)?.value == "unknown")
  }

  @Test("who the host is", arguments: [
    ("QEMU", "Standard PC", true, "virtual machine (QEMU)"), ("Amazon EC2", "m7g.large", true, "virtual machine (Amazon EC2)"),
    ("Amazon EC2", "c5.metal", false, "none"), ("Microsoft Corporation", "Virtual Machine", true, "virtual machine (Hyper-V)"),
    ("Microsoft Corporation", "Surface Laptop", false, "none"), ("ACME", "Box", true, "virtual machine (KVM)"),
  ])
  func hosts(_ vendor: String, _ product: String, _ bit: Bool, _ value: String) {
    var texts = laptop
    texts["/sys/class/dmi/id/sys_vendor"] = vendor
    texts["/sys/class/dmi/id/product_name"] = product
    texts["/proc/cpuinfo"] = "processor: 0\nflags: fpu\(bit ? " hypervisor" : "")\n"
    texts["/sys/devices/system/clocksource/clocksource0/available_clocksource"] = "tsc kvm-clock\n"
    #expect(finding("virtualisation", texts)?.value == value)
  }

  @Test("ARM without DMI: its parts, and a host that is not known")
  func arm() {
    let text = ProcessorText("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\nprocessor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n")
    #expect(text.model == "ARM part 0xd0c of implementer 0x41" && text.threads == 2 && text.cores == nil && text.isVirtual == nil)
    #expect(finding("virtualisation", ["/proc/cpuinfo": "processor: 0\nCPU implementer: 0x41\nCPU part: 0xd0c\n"])?.verdict == .unknown)
  }

  @Test("version 1 groups beside version 2, with the tightest ancestor; no limit is written as 2^63")
  func groups() {
    let limits = CgroupLimits(
      MachineFiles([
        "/proc/self/cgroup": "4:memory:/a/b\n1:cpu,cpuacct:/a/b\n0::/a\n",
        "/proc/self/mountinfo": """
          32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
          35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
          41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
          """,
        "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "50000", "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000",
        "/sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us": "-1", "/sys/fs/cgroup/cpu/a/b/cpu.stat": "nr_periods 9\nnr_throttled 7\n",
        "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712",
      ]))
    #expect(limits.cpus == 0.5 && limits.throttled == 7)
    #expect(limits.memory == nil && limits.knowsMemory && limits.knowsCPU)
  }

  @Test("in a container the group is the mount's root")
  func containerGroups() {
    let limits = CgroupLimits(
      MachineFiles([
        "/proc/self/cgroup": "0::/docker/0123\n",
        "/proc/self/mountinfo": "9 8 0:2 /docker/0123 /sys/fs/cgroup ro - cgroup2 cgroup rw\n",
        "/sys/fs/cgroup/cpu.max": "200000 100000", "/sys/fs/cgroup/memory.max": "536870912",
      ]))
    #expect(limits.cpus == 2 && limits.memory == 536_870_912)
  }

  @Test("sets of CPUs", arguments: [("0", 1), ("0-3", 4), ("0-1,4,6-7", 5)])
  func cpuSets(_ text: String, _ count: Int) { #expect(cpuListCount(text) == count) }

  @Test("no sets of CPUs", arguments: ["", "a", "3-1", "0-1-2", "1,"])
  func noSets(_ text: String) { #expect(cpuListCount(text) == nil) }
}

@Suite struct MachineTrialTests {
  @Test("fsync: memory, no barriers, implausible, unknown, honest", arguments: [
    (5e3, "ext4", false, false, false, "implausibly fast", MachineFinding.Verdict.caution),
    (50e3, "ext4", false, false, false, "durability unknown", .unknown), (300e3, "ext4", false, false, false, "honest", .ok),
    (300e3, "ext4", true, false, true, "durability unknown", .unknown), (900e3, "ext4", true, false, true, "honest", .ok),
    (300e3, "xfs", false, false, true, "implausibly fast", .caution), (9e6, "xfs", false, false, true, "honest", .ok),
    (900e3, "tmpfs", false, false, false, "memory", .caution), (900e3, "ext4", false, true, false, "without barriers", .caution),
  ])
  func fsync(
    _ time: Double, _ system: String, _ isVirtual: Bool, _ hasNoBarriers: Bool, _ isRotating: Bool, _ words: String,
    _ verdict: MachineFinding.Verdict
  ) {
    let disk = DiskText(fileSystem: system, hasNoBarriers: hasNoBarriers, isRotating: isRotating)
    let found = fsyncFinding(Array(repeating: time, count: 9), disk, isVirtual: isVirtual)
    #expect(found.value.contains(words) && found.verdict == verdict)
  }

  @Test("fsync that was not measured is unknown, and a bare machine is not assumed")
  func fsyncUnknown() {
    #expect(fsyncFinding(nil, DiskText(fileSystem: "ext4"), isVirtual: false).verdict == .unknown)
    #expect(fsyncFinding([1, 2], DiskText(fileSystem: nil), isVirtual: false).verdict == .unknown)
    #expect(fsyncFinding(Array(repeating: 200e3, count: 9), DiskText(fileSystem: nil), isVirtual: nil).verdict == .unknown)
    #expect(fsyncTimes(folder: "/nowhere/at/all") == nil)
  }

  @Test("a disk by its device number, a partition's queue in its disk")
  func disks() {
    let files = MachineFiles([
      "/proc/self/mountinfo": "24 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw,barrier=0\n25 24 0:5 / /dev rw - devtmpfs udev rw\n",
      "/sys/dev/block/8:2/../queue/rotational": "1\n",
    ])
    #expect(DiskText(device: "8:2", files) == DiskText(fileSystem: "ext4", hasNoBarriers: true, isRotating: true))
    #expect(DiskText(device: "9:9", files) == DiskText(fileSystem: nil))
  }

  @Test("timers: judged by their middle and their tail")
  func timers() {
    #expect(timerFinding(Array(repeating: 60e3, count: 200)).verdict == .ok)
    #expect(timerFinding(Array(repeating: 300e3, count: 200)).verdict == .caution)
    #expect(timerFinding(Array(repeating: 60e3, count: 190) + Array(repeating: 5e6, count: 10)).verdict == .caution)
    #expect(timerFinding(Array(repeating: 60e3, count: 50)).verdict == .unknown)
    #expect(timerOvershoots(count: 3).count <= 3)
  }

  @Test("clocks")
  func clocks() {
    #expect(clockFinding(ClockProbe(cost: 25, resolution: 10)).verdict == .ok)
    #expect(clockFinding(ClockProbe(cost: 900, resolution: 10)).verdict == .caution)
    #expect(clockFinding(ClockProbe(cost: 25, resolution: 4_000_000)).verdict == .caution)
  }

  @Test("versions in what programs say", arguments: [
    ("Swift version 6.3.1 (swift-6.3.1-RELEASE)\nTarget: x86_64", "6.3.1"), ("cc (Debian 12.2.0-14) 12.2.0\n", "12.2.0"),
    ("v20.20.2\n", "20.20.2"), ("nginx version: nginx/1.22.1\n", "1.22.1"), ("wrk debian/4.1.0-3build1 [epoll]", "4.1.0"),
    ("k6 v0.54.0 (go1.23.1, linux/amd64)", "0.54.0"), ("Redis server v=7.0.15 sha=00000000:0", "7.0.15"), ("postgres (PostgreSQL) 17", "17"),
    ("valgrind-3.19.0\n", "3.19.0"), ("usage: x.", nil), ("", nil), (".5 and 3", "3"),
  ])
  func versions(_ text: String, _ version: String?) { #expect(toolVersion(text) == version) }

  @Test("programs are asked side by side; a silent one is ended, a loud one is cut, a missing one is nil")
  func asking() {
    let answers = askAll(
      [["/bin/sh", "-c", "echo one 1.5"], nil, ["/bin/sh", "-c", "yes"], ["/nowhere/program"], ["/bin/sh", "-c", "echo two >&2; exit 3"]],
      timeout: 60)
    #expect(answers[0] == "one 1.5\n" && answers[1] == nil && answers[3] == nil && answers[4] == "two\n")
    #expect((answers[2]?.utf8.count ?? 0) > 16_000)
    #expect(askAll([["/bin/sh", "-c", "echo begun; sleep 60"]], timeout: 0.2) == [nil])
    let tool = MachineTool("x", without: "nothing")
    #expect(toolFinding(tool, path: nil, output: nil).verdict == .absent)
    #expect(toolFinding(tool, path: "/bin/x", output: nil).verdict == .unknown)
    #expect(toolFinding(tool, path: "/bin/x", output: "x 1.2\n").value == "1.2 (/bin/x)")
  }

  @Test("times for people", arguments: [(58.4, "58 ns"), (58_400, "58 µs"), (1.24e6, "1.2 ms"), (12.4e6, "12 ms"), (999_800, "1 ms"), (2e9, "2 s")])
  func times(_ value: Double, _ text: String) { #expect(timeText(value) == text) }

  @Test("this machine: every item once, nothing thrown, cautions explained")
  func here() {
    let found = machineFacts()
    #expect(Set(found.map(\.id)).count == found.count && found.count >= 15)
    #expect(found.allSatisfy { $0.verdict != .caution || $0.effect != nil && $0.remedy != nil })
  }
}
