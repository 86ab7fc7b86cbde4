// How the thread that sends is scheduled: asked for, and given back.

import CKernelShims
import Foundation
import Glibc
import Testing

@testable import LoadKernel

@Suite struct ComesFirstTests {
  /// Of the calling thread, as the scheduler says it; nil: this system has none, or does not tell.
  private func slice() -> Int? {
    let text = (try? String(contentsOfFile: "/proc/thread-self/sched", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").first { $0.hasPrefix("se.slice") }.flatMap { $0.split(separator: ":").last }.flatMap {
      Int($0.trimmingCharacters(in: .whitespaces))
    }
  }

  /// Whether the kernel gives each thread the slice that it asks for.
  private var isHeard: Bool {
    let version = (try? String(contentsOfFile: "/proc/sys/kernel/osrelease", encoding: .utf8))?.split(separator: ".").prefix(2).compactMap { Int($0) } ?? []
    return version.count == 2 && (version[0], version[1]) >= (6, 12)
  }

  private var policy: Int32 { sched_getscheduler(0) & ~0x4000_0000 }

  @Test("a thread that sends goes first, and is as before afterwards", arguments: [true, false])
  func askedForAndGivenBack(atOnce: Bool) {
    let before = slice()
    let isPermitted = nb_may_come_first() != 0
    #expect(policy == SCHED_OTHER, "asking changes nothing")
    var kept = nb_schedule()
    let how = nb_come_first(atOnce ? 1 : 0, &kept)
    let (short, first) = (slice(), policy)
    nb_come_as_before(&kept)
    #expect(policy == SCHED_OTHER && slice() == before)
    guard how != Int32(NB_USUAL_TURN) else { return }
    #expect((how == Int32(NB_AT_ONCE)) == (atOnce && isPermitted))
    #expect(first == (how == Int32(NB_AT_ONCE) ? SCHED_RR : SCHED_OTHER))
    if how == Int32(NB_SOONER), let before { #expect(short == (isHeard ? 100_000 : before)) }
  }

  @Test("a plan goes at once only where an eighth of a processor is enough for it")
  func denseness() {
    #expect(FirstTurn.room(rate: 1_000, isOwn: false) == 117_000 && FirstTurn.room(rate: 1_000, isOwn: true) == 742_000)
    func spins(_ rate: Double, isOwn: Bool = false, loops: Int = 1) -> Int64? {
      let turn = FirstTurn(isOwn: isOwn, loops: loops, rate: rate, spins: true)
      defer { turn.release() }
      return turn.spinsAtMost
    }
    #expect(spins(2_700) == nil && spins(20_000, isOwn: true) == nil, "too dense")
    #expect(spins(10, loops: 4_096) == nil, "no processor is left over")
    guard FirstTurn.isPermitted else { return }
    #expect(spins(10, isOwn: true) == 1_000_000 && spins(15_000, isOwn: true) == 42_000)
    // A container may have one processor.
    if Affinity.allowed > 1 { #expect(spins(10) == 500_000 && spins(2_500) == 42_000) }
  }

  @Test("a child of such a thread is an ordinary process")
  func childrenAreOrdinary() throws {
    var kept = nb_schedule()
    _ = nb_come_first(1, &kept)
    defer { nb_come_as_before(&kept) }
    var pid = pid_t()
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("/bin/sleep"), strdup("5"), nil]
    defer { arguments.forEach { free($0) } }
    try #require(posix_spawn(&pid, "/bin/sleep", nil, nil, &arguments, environ) == 0)
    defer {
      kill(pid, SIGKILL)
      waitpid(pid, nil, 0)
    }
    #expect(sched_getscheduler(pid) & ~0x4000_0000 == SCHED_OTHER)
  }
}
