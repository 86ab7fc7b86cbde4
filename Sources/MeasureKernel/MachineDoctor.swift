// `nb doctor`'s examination: reads what the kernel tells, tries clock, timer and disk, and asks the tools. Takes
// about three seconds; the first of them is quiet, so that the machine's own noise is seen. It changes nothing: the one file
// that it writes is small, in the folder that it is given, and removed.

import CKernelShims
import Glibc

extension MachineFiles {
  /// This machine.
  public static let here = MachineFiles(
    read: { path in
      let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard descriptor >= 0 else { return nil }
      defer { close(descriptor) }
      var bytes: [UInt8] = []
      var chunk = [UInt8](repeating: 0, count: 16_384)
      // /proc/cpuinfo of a large machine has some 400 KB.
      while bytes.count < 4 << 20 {
        let n = Glibc.read(descriptor, &chunk, chunk.count)
        if n > 0 { bytes += chunk[..<n] } else if n == 0 || errno != EINTR { break }
      }
      return String(decoding: bytes, as: UTF8.self)
    },
    list: { folder in
      guard let stream = opendir(folder) else { return [] }
      defer { closedir(stream) }
      var names: [String] = []
      while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
          pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
      }
      return names.sorted()
    })
}

/// Everything that is only read: processor, host, limits, counters. Takes milliseconds.
///
/// - Parameter opensCounter: whether a hardware counter could be opened; nil: not tried.
public func machineFacts(_ files: MachineFiles = .here, opensCounter: Bool? = nil) -> [MachineFinding] {
  let cpus = files.value("/sys/devices/system/cpu/online").flatMap(cpuListCount)
  return processorFindings(files) + hostFindings(files) + cgroupFindings(files, cpus: cpus) + [countersFinding(files, opens: opensCounter)]
}

/// All findings about this machine.
///
/// - Parameters:
///   - folder: where the state is kept; a small file is synced there and removed.
///   - tools: look for outside programs on the PATH and ask their versions.
public func examineMachine(folder: String, tools: Bool = true) -> [MachineFinding] {
  let files = MachineFiles.here
  let before = MachineProbe.sample()
  let clock = ClockProbe.measure()
  let late = timerOvershoots()
  // Until a second is over; below, 10 ms ticks tell nothing about a share of 1 %.
  while nb_now() - before.at < 1_000_000_000 { usleep(20_000) }
  let receipt = MachineProbe.receipt(from: before, to: MachineProbe.sample())
  let facts = machineFacts(files, opensCounter: PerfCounters.of(getpid()) != nil)
  let disk = DiskText(device: device(of: folder) ?? "", files)
  let tried = [
    quietFinding(receipt), clockFinding(clock), timerFinding(late),
    fsyncFinding(fsyncTimes(folder: folder), disk, isVirtual: isVirtual(files)),
  ]
  return facts + tried + (tools ? toolFindings(timeout: 2) : [])
}

/// `254:0` for the file system of a folder.
private func device(of folder: String) -> String? {
  var status = stat()
  guard stat(folder, &status) == 0 else { return nil }
  // glibc's makedev, which is a macro: 12 + 20 bits of major and minor number, interleaved.
  let device = UInt64(status.st_dev)
  let major = (device >> 8) & 0xFFF | (device >> 32) & ~0xFFF
  let minor = device & 0xFF | (device >> 12) & ~0xFF
  return "\(major):\(minor)"
}
