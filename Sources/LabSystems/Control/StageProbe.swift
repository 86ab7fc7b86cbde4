import Foundation

/// Tells a sleep audit (Tests/SleepAudit, a library that is loaded before the program) which stage the calling thread is
/// executing. Without an audit there is nobody to tell: `enter` and `leave` test one pointer and return.
///
/// The pair is called on the thread that does the stage's work: the event loop's around `Stage.enter`, a pool thread's
/// around what was handed to it. A `wait` is open from its start to its end on the loop's thread, which is where its timer
/// runs.
struct StageProbe: Sendable {
  /// R: real work, which never sleeps. W: a declared wait.
  enum Class: Int32 { case real = 0, declaredWait = 1 }

  private typealias Naming = @convention(c) @Sendable (UnsafePointer<CChar>, Int32) -> Int32
  private typealias Marking = @convention(c) @Sendable (Int32) -> Void

  private static let audit: (name: Naming, enter: Marking, leave: Marking)? = {
    // The program itself, with everything that was loaded before it.
    guard let own = dlopen(nil, RTLD_NOW), let name = dlsym(own, "nb_stage_name"), let enter = dlsym(own, "nb_stage_enter"),
      let leave = dlsym(own, "nb_stage_leave")
    else { return nil }
    return (
      unsafeBitCast(name, to: Naming.self), unsafeBitCast(enter, to: Marking.self), unsafeBitCast(leave, to: Marking.self)
    )
  }()

  private let id: Int32

  init(_ name: String, _ kind: Class) { id = Self.audit?.name(name, kind.rawValue) ?? 0 }

  @inline(__always) func enter() { if let audit = Self.audit { audit.enter(id) } }
  @inline(__always) func leave() { if let audit = Self.audit { audit.leave(id) } }

  @inline(__always) func inside<Result>(_ work: () -> Result) -> Result {
    enter()
    defer { leave() }
    return work()
  }
}
