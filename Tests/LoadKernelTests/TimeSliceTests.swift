// The slice of the thread that sends: asked for, and given back.

import CKernelShims
import Foundation
import Testing

@Suite struct TimeSliceTests {
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

  @Test("a thread asks for a short slice, and has its own again afterwards")
  func askedForAndGivenBack() {
    guard let before = slice() else { return }
    nb_time_slice(100_000)
    let short = slice()
    nb_time_slice(0)
    #expect(short == (isHeard ? 100_000 : before))
    #expect(slice() == before)
  }
}
