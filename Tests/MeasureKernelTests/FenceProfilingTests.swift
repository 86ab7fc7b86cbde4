import ExperimentModel
import Foundation
import Testing

@testable import MeasureKernel

/// Profiles of fences as a notebook has them, with the real harness.
@Suite(.serialized, .enabled(if: HarnessC.source.contains("nb_profile_line"), "the harness hands `profile` lines on"))
struct FenceProfilingTests {
  private static let c = """
    __attribute__((noinline)) static long hot(long n) { long x = 1; for (long i = 0; i < 4 * n; i++) { x = x * 69069 + i; __asm__ volatile("" : "+r"(x)); } return x; }
    __attribute__((noinline)) static long cold(long n) { long x = 1; for (long i = 0; i < n; i++) { x = x * 69069 + i; __asm__ volatile("" : "+r"(x)); } return x; }
    long subject(long n) { return hot(n) + cold(n); }
    """
  private static let swift = """
    @inline(never) func hot(_ n: Int) -> Int { var x = 1; for i in 0..<(4 * n) { x = x &* 6364136223846793005 ^ i }; return x }
    @inline(never) func cold(_ n: Int) -> Int { var x = 1; for i in 0..<n { x = x &* 6364136223846793005 ^ i }; return x }
    func subject(_ n: Int) -> Int { hot(n) &+ cold(n) }
    """
  private static let python = """
    def hot(n):
        x = 1
        for i in range(4 * n): x = (x * 69069 + i) & 0xffffffff
        return x
    def cold(n):
        x = 1
        for i in range(n): x = (x * 69069 + i) & 0xffffffff
        return x
    def subject(n): return hot(n) + cold(n)
    """

  private func workshop(_ body: (FenceWorkshop) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("nb-profile-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(FenceWorkshop(cache: folder.path))
  }

  @Test(arguments: [(FenceLanguage.c, c, "hot"), (.swift, swift, "fence.hot"), (.python, python, "hot")])
  func fourToOneIsEightyPerCent(language: FenceLanguage, source: String, frame: String) throws {
    guard Tools.find(language == .c ? "cc" : language == .swift ? "swiftc" : "python3") != nil else { return }
    try workshop { workshop in
      let fence = FenceSpec(id: "recommend", language: language, source: source, n: 2_000)
      let profile = try workshop.profile(fence, lasting: Nanoseconds(seconds: 2))
      #expect(profile.samples > 50 && profile.stacks.allSatisfy { $0.frames.first == "subject" }, "\(profile.folded)")
      #expect(profile.stacks.contains { $0.frames == ["subject", frame] }, "\(profile.folded)")
      let hot = try #require(profile.share(of: "hot")).total
      #expect(try #require(hot.low) - 0.03 <= 0.8 && 0.8 <= (try #require(hot.high)) + 0.03, "\(hot)")
      #expect(!profile.doubts.contains { $0.contains("left out") }, "\(profile.doubts)")
    }
  }

  /// On a busy machine the first call may have waited: 3 ms on the clock for 10 µs of work made batches of eight calls, and
  /// most samples fell into the harness.
  @Test func batchesAreSizedByTheirCPUTime() {
    var batch = ProfileBatch(wanted: 25e6)
    _ = batch.grows(after: .init(wall: 3e6, cpu: 1e4))
    for _ in 0..<12 { _ = batch.grows(after: .init(wall: Double(batch.iterations) * 4e4, cpu: Double(batch.iterations) * 1e4)) }
    #expect((1250...2500).contains(batch.iterations), "\(batch.iterations)")
    let settled = batch.iterations
    let grew = batch.grows(after: .init(wall: 80e6, cpu: 12.5e6))
    #expect(!grew && batch.iterations == settled, "enough is enough")
    // One that sleeps ends by the clock, or it would never end.
    var sleeper = ProfileBatch(wanted: 25e6)
    for _ in 0..<12 { _ = sleeper.grows(after: .init(wall: Double(sleeper.iterations) * 1e6, cpu: Double(sleeper.iterations) * 1e3)) }
    #expect((50...100).contains(sleeper.iterations), "\(sleeper.iterations)")
  }

  @Test func whatCannotBeSampledIsUnknown() throws {
    try workshop { workshop in
      for language in [FenceLanguage.javascript, .shell] {
        let error = try #require(throws: MeasureError.self) {
          _ = try workshop.profile(FenceSpec(id: "x", language: language, source: "", n: 1), lasting: Nanoseconds(seconds: 1))
        }
        #expect(error.cause.contains("unknown"))
      }
    }
  }
}
