// What this machine's clock, timers and disk do when asked: small measurements of under half a second each, and
// pure functions that judge them.

import CKernelShims
import Glibc

/// How late sleeps of 1 ms woke, in nanoseconds, ascending.
///
/// - Parameter count: sleeps; 200 take about 0.22 s.
func timerOvershoots(count: Int = 200) -> [Double] {
  let asked: Int64 = 1_000_000
  var late: [Double] = []
  for _ in 0..<count {
    var time = timespec(tv_sec: 0, tv_nsec: Int(asked))
    let start = nb_now()
    if nanosleep(&time, nil) == 0 { late.append(Double(nb_now() - start - asked)) }
  }
  return late.sorted()
}

/// - Parameter late: ascending nanoseconds.
func timerFinding(_ late: [Double]) -> MachineFinding {
  guard late.count >= 100 else { return MachineFinding("timer", "timer overshoot", "unknown", .unknown) }
  let p50 = late[late.count / 2]
  let p99 = late[min(late.count - 1, late.count * 99 / 100)]
  let value = "p50 \(timeText(p50)), p99 \(timeText(p99)) after a sleep of 1 ms"
  // Linux adds its slack of 50 µs to a sleep; an idle machine stays near it.
  guard p50 > 200e3 || p99 > 1e6 else { return MachineFinding("timer", "timer overshoot", value) }
  return MachineFinding(
    "timer", "timer overshoot", value, .caution,
    effect: "what waits for a timer is late by that much: paced requests, declared waits, time-outs",
    remedy: "stop other work; on a guest the host decides, and nb's load blocks say DEGRADED when it matters")
}

/// What one reading of the clock costs and how fine it is.
func clockFinding(_ clock: ClockProbe) -> MachineFinding {
  let value = "\(decimal(clock.cost, 1)) ns a reading, resolution \(clock.resolution) ns"
  guard clock.cost > 100 || clock.resolution > 1_000 else { return MachineFinding("clock", "clock", value) }
  return MachineFinding(
    "clock", "clock", value, .caution, effect: "samples have to last above \(timeText(max(clock.cost, Double(clock.resolution)) * 200)) for an error below 1 %",
    remedy: "see the clock source; nb makes its batches longer by itself")
}

/// Times of `fsync` after 4 KiB were appended to a new file in a folder, in nanoseconds, ascending. The file is removed.
///
/// - Parameter budget: nanoseconds; at least 5 calls are made, at most 60.
/// - Returns: nil when a file cannot be made there.
func fsyncTimes(folder: String, budget: Int64 = 400_000_000) -> [Double]? {
  let path = "\(folder)/.nb-fsync-\(getpid())"
  let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
  guard descriptor >= 0 else { return nil }
  defer {
    close(descriptor)
    unlink(path)
  }
  let page = [UInt8](repeating: 0x5A, count: 4096)
  var times: [Double] = []
  let start = nb_now()
  while times.count < 60, times.count < 5 || nb_now() - start < budget {
    guard write(descriptor, page, page.count) == page.count else { return nil }
    let before = nb_now()
    guard fsync(descriptor) == 0 else { return nil }
    times.append(Double(nb_now() - before))
  }
  return times.sorted()
}

/// The disk below a folder, as far as the kernel tells.
struct DiskText: Hashable {
  /// `ext4`, `tmpfs`, …
  var fileSystem: String?
  /// Mount options that give durability up: `nobarrier`, `barrier=0`.
  var hasNoBarriers = false
  /// A rotating disk; nil: unknown.
  var isRotating: Bool?

  init(fileSystem: String?, hasNoBarriers: Bool = false, isRotating: Bool? = nil) {
    self.fileSystem = fileSystem
    self.hasNoBarriers = hasNoBarriers
    self.isRotating = isRotating
  }

  /// - Parameters:
  ///   - device: major and minor number of the folder's file system, `254:0`.
  init(device: String, _ files: MachineFiles) {
    for line in (files.read("/proc/self/mountinfo") ?? "").split(whereSeparator: \.isNewline) {
      let words = line.split(separator: " ")
      guard words.count > 6, words[2] == device, let dash = words.firstIndex(of: "-"), words.count > dash + 1 else { continue }
      fileSystem = String(words[dash + 1])
      let options = words[5].split(separator: ",") + (words.count > dash + 3 ? words[dash + 3].split(separator: ",") : [])
      hasNoBarriers = options.contains { $0 == "nobarrier" || $0 == "barrier=0" }
      break
    }
    // A partition has its queue in the disk's folder.
    let root = "/sys/dev/block/\(device)"
    isRotating = (files.value("\(root)/queue/rotational") ?? files.value("\(root)/../queue/rotational")).map { $0 == "1" }
  }
}

/// Whether `fsync` can have reached a disk in the time it took.
///
/// The floors: a file system needs at least two ordered writes for an appended page. No disk does these in 20 µs;
/// a flash disk with capacitors needs 20–100 µs, one without 100 µs and more; a rotating disk half a turn, 4 ms. On
/// a guest a host that only keeps the data in its memory answers in 30–400 µs, so shorter times prove nothing.
///
/// - Parameter times: ascending nanoseconds; nil: not measured.
func fsyncFinding(_ times: [Double]?, _ disk: DiskText, isVirtual: Bool?) -> MachineFinding {
  let name = disk.fileSystem.map { " on \($0)" } ?? ""
  guard let times, times.count >= 5 else {
    return MachineFinding(
      "fsync", "fsync", "unknown", .unknown, effect: "no file could be written and synced in the state folder",
      remedy: "check the permissions of .nb and the space on its disk")
  }
  let p50 = times[times.count / 2]
  let value = "p50 \(timeText(p50))\(name)"
  let effect = "what the storage lesson says about durable writes does not hold here: a power cut loses them"
  if let system = disk.fileSystem, ["tmpfs", "ramfs", "overlayfs-volatile"].contains(system) {
    return MachineFinding("fsync", "fsync", value + ": memory, not durable", .caution, effect: effect, remedy: "put the course on a disk")
  }
  if disk.hasNoBarriers {
    return MachineFinding(
      "fsync", "fsync", value + ": mounted without barriers, not durable", .caution, effect: effect, remedy: "mount without nobarrier")
  }
  let floor = disk.isRotating == true && isVirtual == false ? 1e6 : 20e3
  if p50 < floor {
    return MachineFinding(
      "fsync", "fsync", value + ": implausibly fast, not durable", .caution, effect: effect,
      remedy: "see the disk's write cache and whether a library such as libeatmydata is preloaded")
  }
  let honest = isVirtual == false ? 100e3 : 400e3
  guard p50 >= honest else {
    let why = isVirtual == false ? "a disk with capacitors, or one that does not flush" : "the host may answer from its memory"
    return MachineFinding("fsync", "fsync", value + ": durability unknown (\(why))", .unknown)
  }
  return MachineFinding("fsync", "fsync", value + ": honest")
}

/// The machine's state between two samples of `MachineProbe`.
func quietFinding(_ receipt: MachineReceipt) -> MachineFinding {
  switch receipt.state {
  case .quiet: MachineFinding("quiet", "machine", "quiet (\(receipt.text))")
  case .busy, .noisy:
    MachineFinding(
      "quiet", "machine", "\(receipt.state == .noisy ? "noisy" : "busy") (\(receipt.text))", .caution,
      effect: receipt.state == .noisy
        ? "intervals become several times wider, and comparisons often stay unresolved" : "intervals are wider than they have to be",
      remedy: "stop what runs beside (top shows it), or wait; verdicts stay honest either way")
  case nil: MachineFinding("quiet", "machine", "unknown", .unknown)
  }
}

/// `58 µs`, `1.2 ms`: two significant digits, for people.
func timeText(_ nanoseconds: Double) -> String {
  guard nanoseconds.isFinite else { return "unknown" }
  for (factor, name) in [(1e9, "s"), (1e6, "ms"), (1e3, "µs")] where abs(nanoseconds) >= factor * 0.995 {
    let value = nanoseconds / factor
    return "\(decimal(value, abs(value) < 9.95 ? 1 : 0)) \(name)"
  }
  return "\(decimal(nanoseconds, 0)) ns"
}
