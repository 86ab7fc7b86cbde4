// By what means a limit of the process was kept, and what it came to: part of the conditions under which the numbers were measured.

import ExperimentModel

extension ArmMeasurement {
  /// nil: no limit was set.
  var limitText: String? {
    let total = counterTotals()
    var parts: [String] = []
    if let fault = arm.faults.first(where: { $0.toxic == .cpuLimit }), let cpus = fault.parameters.cpus {
      let period = fault.parameters.period ?? Nanoseconds(100_000_000)
      // Of the last slice: a sum of methods is none.
      let by =
        switch slices.last?.counters["faults.cpu_method"] {
        case 1: "a control group (version 1)"
        case 2: "a control group (version 2)"
        case 0: "a SIGSTOP/SIGCONT controller"
        default: "a limit that was over at the end"
        }
      let (periods, throttled) = (Int(total["faults.cpu_periods"] ?? 0), Int(total["faults.cpu_throttled"] ?? 0))
      parts.append("CPU limited to \(cpus) by \(by), period \(period.rawValue / 1_000_000) ms: \(throttled) of \(periods) periods throttled")
    }
    if let fault = arm.faults.first(where: { $0.toxic == .memLimit }), let bytes = fault.parameters.bytes {
      let kills = Int(total["faults.oom_kills"] ?? 0)
      parts.append("all roles restarted \(kills) times because more than \(bytes / 1_048_576) MiB were resident (looked at every 10 ms)")
    }
    return parts.isEmpty ? nil : "\(arm.name): " + parts.joined(separator: "; ")
  }
}
