import NIOCore
import NIOPosix

// The lab's only door to time and threads. Stages ask it, so that tests can run the same stages on a
// virtual clock; nothing below it reads a clock or sleeps.

protocol Environment: AnyObject {
  /// Nanoseconds of the monotonic clock.
  var now: Int64 { get }
  /// Runs `work` at `deadline` (never earlier, never inside this call).
  func at(_ deadline: Int64, _ work: @escaping () -> Void)
  /// Runs `work` on another thread and `then` back here, never inside this call.
  func offload<Result: Sendable>(
    _ work: @escaping @Sendable () -> Result, then: @escaping (Result) -> Void)
}

/// One event loop: everything that the lab knows is touched on its thread only, this too.
final class LoopEnvironment: Environment, @unchecked Sendable {
  private let loop: any EventLoop
  private let threads: NIOThreadPool
  /// The lab is closing: what its parts still plan when their connections break has no time left to happen in.
  private var isEnded = false

  init(loop: any EventLoop, threads: NIOThreadPool) { self.loop = loop; self.threads = threads }

  var now: Int64 { Int64(NIODeadline.now().uptimeNanoseconds) }

  /// Called from outside of the loop.
  func end() { try? loop.submit { self.isEnded = true }.wait() }

  func at(_ deadline: Int64, _ work: @escaping () -> Void) {
    guard !isEnded else { return }
    // epoll loops keep timers in nanoseconds (timerfd), so the deadline is used as it is.
    loop.assumeIsolated().scheduleTask(deadline: .uptimeNanoseconds(UInt64(max(deadline, 0))), work)
  }

  func offload<Result: Sendable>(
    _ work: @escaping @Sendable () -> Result, then: @escaping (Result) -> Void
  ) {
    guard !isEnded else { return }
    threads.runIfActive(eventLoop: loop, work).assumeIsolated().whenSuccess(then)
  }
}
