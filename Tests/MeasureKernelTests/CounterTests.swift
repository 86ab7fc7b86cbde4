import Glibc
import Testing

@testable import MeasureKernel

/// The kernel's own counter of page faults goes the same way as the processor's, and every machine has it.
private let software: UInt32 = 1
private let pageFaults: UInt64 = 2
private let canCount = PerfCounters(pid: 0, onExec: true, type: software, configs: [pageFaults]) != nil

@Suite struct CounterTests {
  @Test(
    "a counter counts the next child from its exec on, and not this process",
    .enabled(if: canCount, "perf_event_open is allowed"))
  func nextChild() throws {
    let launcher = try Launcher(name: "true", argv: ["true"])
    let counters = try #require(PerfCounters(pid: 0, onExec: true, type: software, configs: [pageFaults]))
    // Faults of this process do not count.
    let memory = try #require(malloc(40 << 20))
    memset(memory, 1, 40 << 20)
    free(memory)
    let pid = try launcher.start((-1, -1, -1, -1)).pid
    waitpid(pid, nil, 0)
    let faults = try #require(counters.totals()[0])
    #expect(faults > 5 && faults < 5_000)
  }

  @Test("where the processor does not count, nothing is claimed")
  func none() {
    guard PerfCounters.ofNextChildren() == nil else { return }
    #expect(PerfCounters.of(getpid()) == nil)
  }
}
