// What a subject may use at most. The kernel enforces these; time and output are watched by nb itself.

import CKernelShims
import Glibc

/// Limits of one child and of everything it starts; nil: as nb's own.
public struct ResourceLimits: Hashable, Sendable {
  /// Seconds of CPU time for each process; the kernel then sends SIGXCPU, a second later SIGKILL.
  public var cpuSeconds: Int?
  /// Bytes of address space for each process. node reserves tens of gigabytes and cannot live with one.
  public var addressSpace: Int?
  /// Processes and threads of this user, counted with those that already run. Not enforced for root.
  public var processes: Int?
  /// Bytes of any file that is written.
  public var fileSize: Int?

  public init(cpuSeconds: Int? = nil, addressSpace: Int? = nil, processes: Int? = nil, fileSize: Int? = nil) {
    self.cpuSeconds = cpuSeconds; self.addressSpace = addressSpace; self.processes = processes; self.fileSize = fileSize
  }

  /// For what a notebook brings: no file may fill more than half of what is free in nb's working folder now, and at least
  /// 256 MiB of what there is.
  public static let standard: ResourceLimits = {
    var space = statvfs()
    guard statvfs(".", &space) == 0 else { return ResourceLimits() }
    return ResourceLimits(fileSize: max(256 << 20, Int(space.f_bavail) * Int(space.f_frsize) / 2))
  }()

  /// For setrlimit in the child. A crash leaves no core file: writing it would be timed.
  var kernelLimits: [nb_limit] {
    var limits = [nb_limit(resource: Int32(NB_LIMIT_CORE), soft: 0, hard: 0)]
    func add(_ number: Int, _ value: Int?, slack: UInt64 = 0) {
      guard let value, value >= 0 else { return }
      limits.append(nb_limit(resource: Int32(number), soft: UInt64(value), hard: UInt64(value) + slack))
    }
    add(NB_LIMIT_CPU, cpuSeconds, slack: 1)
    add(NB_LIMIT_ADDRESS_SPACE, addressSpace)
    add(NB_LIMIT_PROCESSES, processes)
    add(NB_LIMIT_FILE_SIZE, fileSize)
    return limits
  }
}
