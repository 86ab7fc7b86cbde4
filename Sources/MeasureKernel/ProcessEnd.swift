// How a process ended, in words a reader knows.

import CKernelShims
import Glibc

public enum ProcessEnd: Hashable, Sendable, CustomStringConvertible {
  case exit(Int32)
  case signal(Int32)

  /// From waitid.
  init(_ information: siginfo_t) {
    // CLD_EXITED is 1; si_status is the status or the signal.
    let status = information._sifields._sigchld.si_status
    self = information.si_code == 1 ? .exit(status) : .signal(status)
  }

  /// From wait4.
  init(status: Int32) {
    self = status & 0x7F == 0 ? .exit((status >> 8) & 0xFF) : .signal(status & 0x7F)
  }

  public var isSuccess: Bool { self == .exit(0) }

  /// `exit status 3`, `killed by SIGSEGV (invalid memory)`.
  public var description: String {
    switch self {
    case .exit(let status): return "exit status \(status)"
    case .signal(let number):
      guard let known = Self.names[number] else { return "killed by signal \(number)" }
      return "killed by \(known)"
    }
  }

  private static let names: [Int32: String] = [
    SIGSEGV: "SIGSEGV (invalid memory)", SIGBUS: "SIGBUS (invalid memory)",
    SIGILL: "SIGILL (invalid instruction; a trap in Swift)",
    SIGTRAP: "SIGTRAP (a trap)", SIGABRT: "SIGABRT (it gave up by itself)", SIGFPE: "SIGFPE (such as a division by zero)",
    SIGKILL: "SIGKILL (from outside, or out of memory)", SIGTERM: "SIGTERM", SIGINT: "SIGINT", SIGHUP: "SIGHUP",
    SIGPIPE: "SIGPIPE (nobody read what it wrote)", SIGXCPU: "SIGXCPU (its limit of CPU time)",
    SIGXFSZ: "SIGXFSZ (its limit of file size)",
  ]
}
