import CLabShims
import Foundation

/// Holds a process to so much CPU time in each period, like the kernel's CFS bandwidth control, without root: the process' CPU
/// clock is read, SIGSTOP sent when its quota is used up and SIGCONT when the next period begins. What it used beyond its quota
/// before it was seen is taken off the next period's, so that the mean is the limit however late this process is.
///
/// Where a control group can be made, the kernel does it instead.
struct Throttle {
  /// How often the clock is read at least, where the quota could be used up by then; nanoseconds.
  private static let poll: Int64 = 500_000

  private let pid: pid_t
  private let quota: Int64
  private let period: Int64
  private let cpus: Int64
  private var clock = clockid_t()
  private(set) var periods = 0
  private(set) var throttled = 0

  /// - Parameters:
  ///   - pid: a process that asked for it, or a child.
  ///   - period: nanoseconds.
  /// - Returns: nil when the process' clock cannot be read.
  init?(_ pid: pid_t, cpus: Double, period: Int64) {
    self.pid = pid
    self.period = period
    quota = max(1_000, Int64(cpus * Double(period)))
    self.cpus = Int64(max(1, ProcessInfo.processInfo.activeProcessorCount))
    guard clock_getcpuclockid(pid, &clock) == 0, used() != nil else { return nil }
  }

  /// - Parameters:
  ///   - pause: waits for so many nanoseconds; false ends the limit.
  ///   - periodEnded: after each period.
  mutating func run(pause: (Int64) -> Bool, periodEnded: (Throttle) -> Void) {
    var isStopped = false
    var left = quota
    guard var before = used() else { return }
    var end = now() + period
    // Whatever happens, it goes on.
    defer { kill(pid, SIGCONT) }
    while true {
      let time = now()
      guard let spent = used() else { return }
      left -= spent - before
      before = spent
      if time >= end {
        let passed = (time - end) / period + 1
        end += passed * period
        periods += Int(passed)
        // Unused quota is lost, an overdraft is not.
        left = min(quota, left + passed * quota)
        if isStopped, left > 0 {
          kill(pid, SIGCONT)
          isStopped = false
        } else if isStopped {
          throttled += 1
        }
        periodEnded(self)
      }
      if left <= 0, !isStopped {
        kill(pid, SIGSTOP)
        isStopped = true
        throttled += 1
      }
      // All CPUs together need so long for what is left.
      let rest = isStopped ? end - time : min(end - time, max(Self.poll, left / cpus))
      guard pause(max(1, rest)) else { return }
    }
  }

  private func used() -> Int64? {
    var time = timespec()
    return clock_gettime(clock, &time) == 0 ? Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) : nil
  }

  private func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

extension Lab {
  /// The child behind a CPU limit: limits its *parent*, the lab that started it, and nobody else, until stdin ends or the parent is
  /// gone. After each period it writes `METHOD PERIODS THROTTLED` on stdout, all since its start. METHOD is that of `CPULimit`.
  ///
  /// With `NB_CPU_LIMIT=signals` in the environment no control group is tried.
  public static func throttle(cpus: Double, period: Int64) {
    let parent = getppid()
    signal(SIGPIPE, SIG_IGN)
    // Nobody may ever read the counts; they must not hold the limit up.
    _ = fcntl(1, F_SETFL, fcntl(1, F_GETFL, 0) | O_NONBLOCK)
    func pause(_ nanoseconds: Int64) -> Bool {
      // Nothing is ever sent: what can be read is the end.
      nb_lab_await_input(0, nanoseconds) == 0 && getppid() == parent
    }
    func tell(_ method: Int, _ periods: Int, _ throttled: Int) {
      let line = Array("\(method) \(periods) \(throttled)\n".utf8)
      _ = write(1, line, line.count)
    }
    if ProcessInfo.processInfo.environment["NB_CPU_LIMIT"] != "signals", let group = ControlGroup(parent, cpus: cpus, period: period) {
      defer { group.end(parent) }
      repeat { tell(group.version, group.periods, group.throttled) } while pause(period)
      return
    }
    guard getppid() == parent, var throttle = Throttle(parent, cpus: cpus, period: period) else { return }
    tell(0, 0, 0)
    throttle.run(pause: pause) { tell(0, $0.periods, $0.throttled) }
  }
}
