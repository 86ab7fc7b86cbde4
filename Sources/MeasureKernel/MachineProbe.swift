// The contention receipt of a block: what else the machine did meanwhile, from /proc. What cannot be
// read is unknown and stays nil; it is never taken for quiet. Nothing here changes the machine.

import CKernelShims
import ExperimentModel
import Glibc

/// The state of the machine during a block with the figures it rests on.
public struct MachineReceipt: Hashable, Sendable {
  /// nil: nothing could be read.
  public var state: MachineState?
  /// One line, such as `others' CPU 1.2 %, steal 0.0 %, own wait 0.3 %, CPU pressure unknown, 12 involuntary switches`.
  public var text: String
}

public enum MachineProbe {
  public struct Sample: Hashable, Sendable {
    /// Nanoseconds that this process's main thread waited for a CPU (/proc/self/schedstat, field 2).
    public var runQueueWait: Int64?
    /// Clock ticks, all CPUs: stolen by the host; busy; in all (/proc/stat).
    public var steal: Int64?
    public var busy: Int64?
    public var total: Int64?
    /// This process and its ended children, in ticks.
    public var own: Int64
    /// Microseconds in which some task wanted a CPU and had none (/proc/pressure/cpu, total).
    public var pressure: Int64?
    /// Times that this process or an ended child was made to leave a CPU (getrusage).
    public var involuntarySwitches: Int64?
    /// Monotonic nanoseconds.
    public var at: Int64

    public init(
      runQueueWait: Int64? = nil, steal: Int64? = nil, busy: Int64? = nil, total: Int64? = nil, own: Int64 = 0,
      pressure: Int64? = nil, involuntarySwitches: Int64? = nil, at: Int64
    ) {
      self.runQueueWait = runQueueWait; self.steal = steal; self.busy = busy; self.total = total
      self.own = own; self.pressure = pressure; self.involuntarySwitches = involuntarySwitches; self.at = at
    }
  }

  public static func sample() -> Sample {
    var own = tms()
    times(&own)
    var sample = Sample(
      runQueueWait: words("/proc/self/schedstat").dropFirst().first.flatMap { Int64($0) },
      own: Int64(own.tms_utime + own.tms_stime + own.tms_cutime + own.tms_cstime), at: nb_now())
    let cpu = words("/proc/stat").dropFirst().prefix(8).compactMap { Int64($0) }
    if cpu.count == 8 {
      sample.total = cpu.reduce(0, +)
      sample.busy = cpu[0] + cpu[1] + cpu[2] + cpu[5] + cpu[6]
      sample.steal = cpu[7]
    }
    sample.pressure = words("/proc/pressure/cpu").prefix(5).last
      .flatMap { $0.hasPrefix("total=") ? Int64($0.dropFirst(6)) : nil }
    var usage = rusage()
    var children = rusage()
    if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0, getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &children) == 0 {
      sample.involuntarySwitches = Int64(usage.ru_nivcsw + children.ru_nivcsw)
    }
    return sample
  }

  /// The state between two samples; `busy` when nothing could be read, as that is no reason to trust it.
  public static func state(from a: Sample, to b: Sample) -> MachineState { receipt(from: a, to: b).state ?? .busy }

  /// quiet: others used below 5 % of the machine, steal below 1 %, own waiting below 2 % of the time;
  /// noisy: above 25 %, 5 % or 15 %; busy between. Pressure and switches are told and not judged: the
  /// generator and the lab press on each other too.
  public static func receipt(from a: Sample, to b: Sample) -> MachineReceipt {
    let elapsed = Double(max(1, b.at - a.at))
    let ticks = difference(a.total, b.total).flatMap { $0 > 0 ? $0 : nil }
    let wait = difference(a.runQueueWait, b.runQueueWait).map { $0 / elapsed }
    let steal = ticks.flatMap { ticks in difference(a.steal, b.steal).map { $0 / ticks } }
    // Others: all busy ticks without our own and our children's that have ended. A child that still runs
    // counts as other, so the labs are ended before the second sample.
    let others = ticks.flatMap { ticks in difference(a.busy, b.busy).map { max(0, $0 - Double(b.own - a.own)) / ticks } }
    let pressure = difference(a.pressure, b.pressure).map { $0 * 1e3 / elapsed }

    var level: Int?
    func judge(_ value: Double?, busy: Double, noisy: Double) {
      guard let value else { return }
      level = max(level ?? 0, value > noisy ? 2 : value > busy ? 1 : 0)
    }
    judge(others, busy: 0.05, noisy: 0.25)
    judge(steal, busy: 0.01, noisy: 0.05)
    judge(wait, busy: 0.02, noisy: 0.15)
    let switches = difference(a.involuntarySwitches, b.involuntarySwitches).map { String(Int($0)) } ?? "unknown"
    let text = [
      "others' CPU \(percent(others))", "steal \(percent(steal))", "own wait \(percent(wait))",
      "CPU pressure \(percent(pressure))", "involuntary switches \(switches)",
    ].joined(separator: ", ")
    return MachineReceipt(state: level.map { [.quiet, .busy, .noisy][$0] }, text: text)
  }

  private static func difference(_ a: Int64?, _ b: Int64?) -> Double? {
    guard let a, let b else { return nil }
    return Double(b - a)
  }

  private static func percent(_ share: Double?) -> String {
    guard let share else { return "unknown" }
    let tenths = Int((share * 1_000).rounded())
    return "\(tenths / 10).\(abs(tenths % 10)) %"
  }

  private static func words(_ path: String) -> [Substring] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let n = read(descriptor, &buffer, buffer.count)
    guard n > 0 else { return [] }
    return String(decoding: buffer[..<n], as: UTF8.self).split { $0 == " " || $0 == "\n" }
  }
}
