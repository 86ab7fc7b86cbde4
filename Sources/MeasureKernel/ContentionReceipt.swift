// The contention receipt of one sample: what kept it from running. The block's own receipt, with pressure
// and others' CPU, is MachineProbe's; here is only what is fine enough for milliseconds.

import CKernelShims
import ExperimentModel
import Glibc

/// What the machine did during one sample; nil is unknown, never quiet.
public struct SampleReceipt: Hashable, Sendable {
  /// Nanoseconds that the host took away, over all CPUs. The kernel counts in ticks, mostly of 10 ms, so one
  /// short sample tells little and a sum over samples much.
  public var steal: Int64?
  /// Nanoseconds in which some task wanted a CPU and had none. The kernel renews it every two seconds:
  /// unknown for samples that are shorter.
  public var pressure: Int64?
  /// Nanoseconds between the two readings.
  public var elapsed: Int64

  public init(steal: Int64?, pressure: Int64?, elapsed: Int64) {
    self.steal = steal; self.pressure = pressure; self.elapsed = elapsed
  }
}

extension SubjectSample {
  /// quiet, busy or noisy by the subject's own run-queue wait and by steal, with the limits of MachineProbe;
  /// nil: neither is known.
  public var contention: MachineState? {
    var level: Int?
    func judge(_ value: Int64?, of total: Int64, busy: Double, noisy: Double) {
      guard let value, total > 0 else { return }
      let share = Double(value) / Double(total)
      level = max(level ?? 0, share > noisy ? 2 : share > busy ? 1 : 0)
    }
    judge(use.runQueueWait, of: ns, busy: 0.02, noisy: 0.15)
    judge(receipt?.steal, of: receipt?.elapsed ?? 0, busy: 0.01, noisy: 0.05)
    return level.map { [.quiet, .busy, .noisy][$0] }
  }
}

/// Reads the receipts; its files stay open.
final class ContentionProbe {
  private let stat = open("/proc/stat", O_RDONLY | O_CLOEXEC)
  private let pressure = open("/proc/pressure/cpu", O_RDONLY | O_CLOEXEC)
  private let tick = Int64(1_000_000_000 / max(1, sysconf(Int32(_SC_CLK_TCK))))
  private static let leastForPressure: Int64 = 2_000_000_000

  struct Reading {
    var steal: Int64?
    var pressure: Int64?
    var at: Int64
  }

  deinit { for file in [stat, pressure] where file >= 0 { close(file) } }

  func read() -> Reading {
    // `cpu user nice system idle iowait irq softirq steal …`
    let cpu = words(stat).dropFirst().prefix(8)
    let total = words(pressure).prefix(5).last.flatMap { $0.hasPrefix("total=") ? Int64($0.dropFirst(6)) : nil }
    let steal = cpu.count == 8 ? cpu.last.flatMap { Int64($0) } : nil
    return Reading(steal: steal.map { $0 * tick }, pressure: total.map { $0 * 1_000 }, at: nb_now())
  }

  static func receipt(from a: Reading, to b: Reading) -> SampleReceipt {
    func difference(_ x: Int64?, _ y: Int64?) -> Int64? { if let x, let y { y - x } else { nil } }
    let elapsed = b.at - a.at
    return SampleReceipt(
      steal: difference(a.steal, b.steal), pressure: elapsed < leastForPressure ? nil : difference(a.pressure, b.pressure),
      elapsed: elapsed)
  }

  private func words(_ file: Int32) -> [Substring] {
    guard file >= 0 else { return [] }
    var buffer = [UInt8](repeating: 0, count: 512)
    let n = pread(file, &buffer, buffer.count, 0)
    guard n > 0 else { return [] }
    return String(decoding: buffer[..<n], as: UTF8.self).split { $0 == " " || $0 == "\n" }
  }
}
