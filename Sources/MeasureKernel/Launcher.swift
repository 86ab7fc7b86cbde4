// How children are started, and how everything that they started is ended.
//
// Each child leads a process group. A descendant can leave the group (setsid), so each also carries a mark
// that fork and exec hand down and that no ordinary program touches: the soft limit on real-time CPU time,
// set to a number far beyond use. nb adopts orphans, and those with the mark are ended. A mark in the
// environment would be lost by `env -i`, a session would get a CPU share of its own (autogroup). By the same mark the sentinel,
// a small process beside nb, finds and ends them when nb itself was killed; and ChildWatch ends who uses too much.

import CKernelShims
import Glibc
import Synchronization

/// A command that can be started again and again; its C strings are made once.
final class Launcher {
  let name: String
  private let path: UnsafeMutablePointer<CChar>
  private let folder: UnsafeMutablePointer<CChar>?
  private let arguments: [UnsafeMutablePointer<CChar>?]
  private let environment: [UnsafeMutablePointer<CChar>?]
  private let limits: [nb_limit]
  private let endsWithParent: Bool
  private let confinement: Confinement?
  private let mark: UInt64
  private let treeLimits: TreeLimits
  private let leavesByItself: Bool

  private static let marks = Atomic<UInt64>(0)
  /// 2^62 microseconds of real-time CPU, or what is allowed here. What marks are below of it: Sentinel.h.
  private static let markBase: UInt64 = {
    var (soft, hard): (UInt64, UInt64) = (0, 0)
    _ = nb_read_limit(0, Int32(NB_LIMIT_REALTIME), &soft, &hard)
    let base = min(hard, 1 << 62)
    _ = nb_adopt_orphans()
    _ = nb_start_sentinel(base)
    return base
  }()

  /// - Parameters:
  ///   - name: for messages.
  ///   - environment: added to nb's own; a later value wins.
  ///   - confinement: what it may reach; nil: what nb may.
  ///   - endsWithParent: the child gets SIGKILL when the thread that started it ends, so also when nb is killed.
  ///   - leavesByItself: when its stdin ends it cleans up and leaves, for which it gets some seconds after nb was killed.
  ///   - together: what it may use with everything that it starts.
  /// - Throws: `MeasureError` when there is no such program.
  init(
    name: String, argv: [String], environment added: [String: String] = [:], folder: String? = nil,
    limits: ResourceLimits = .init(), endsWithParent: Bool = false, confinement: Confinement? = nil, leavesByItself: Bool = false,
    together: TreeLimits = .standard
  ) throws(MeasureError) {
    self.name = name
    guard let program = argv.first, !program.isEmpty else { throw MeasureError("\(name): there is no command to start") }
    guard let found = Tools.find(program, from: folder) else {
      throw MeasureError(
        "\(name): \(program) could not be started: No such file or directory", remedy: "is it installed and on the PATH?")
    }
    var variables: [String: String] = [:]
    var next = environ
    while let variable = next.pointee {
      let text = String(cString: variable)
      if let equals = text.firstIndex(of: "=") { variables[String(text[..<equals])] = String(text[text.index(after: equals)...]) }
      next += 1
    }
    variables.merge(added) { $1 }
    if let confinement { variables["TMPDIR"] = confinement.folder }
    path = strdup(found)
    self.folder = folder.map { strdup($0) }
    arguments = argv.map { strdup($0) } + [nil]
    environment = variables.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
    self.endsWithParent = endsWithParent
    self.confinement = confinement
    (treeLimits, self.leavesByItself) = (together, leavesByItself)
    let base = Self.markBase
    // A number that no other launcher of this process or of one beside it has.
    let number = (Self.marks.add(1, ordering: .relaxed).newValue << 1 | (leavesByItself ? 1 : 0)) & (1 << UInt64(NB_MARK_BITS) - 1)
    let below = UInt64(getpid()) << UInt64(NB_MARK_BITS) | number
    // Where somebody has set a low limit, there is no room for marks: then groups and parents must do.
    mark = base > below ? base - below : base
    var (soft, hard): (UInt64, UInt64) = (0, 0)
    _ = nb_read_limit(0, Int32(NB_LIMIT_REALTIME), &soft, &hard)
    self.limits = limits.kernelLimits + [nb_limit(resource: Int32(NB_LIMIT_REALTIME), soft: mark, hard: hard)]
  }

  deinit {
    free(path)
    free(folder)
    arguments.forEach { free($0) }
    environment.forEach { free($0) }
  }

  /// - Parameter descriptors: what the child has as 0…3; -1: nothing.
  /// - Returns: its pid, and when it was started in monotonic nanoseconds.
  func start(_ descriptors: (Int32, Int32, Int32, Int32)) throws(MeasureError) -> (pid: pid_t, at: Int64) {
    var at: Int64 = 0
    let pid = arguments.withUnsafeBufferPointer { arguments in
      environment.withUnsafeBufferPointer { environment in
        limits.withUnsafeBufferPointer { limits in
          var start = nb_start(
            path: path, arguments: arguments.baseAddress, environment: environment.baseAddress, folder: folder,
            descriptors: descriptors, limits: limits.baseAddress, limit_count: Int32(limits.count),
            ends_with_parent: endsWithParent ? 1 : 0, confined: confinement == nil ? 0 : 1, rules: confinement?.rules ?? -1)
          return nb_start_process(&start, &at)
        }
      }
    }
    guard pid > 0 else {
      throw MeasureError("\(name): \(String(cString: path)) could not be started: \(String(cString: strerror(-pid)))")
    }
    ChildWatch.shared.add(pid, name: name, mark: mark, limits: treeLimits, isOwn: leavesByItself)
    return (pid, at)
  }

  /// Ends the group that `leader` leads; call it before the leader is reaped, so that the number is still its own.
  static func endGroup(_ leader: pid_t) { kill(-leader, SIGKILL) }

  /// Ends and reaps what is left of this launcher's children after the group was ended and its leader reaped.
  ///
  /// - Returns: false when something is still there after five seconds.
  @discardableResult
  func endDescendants(ofGroup leader: pid_t) -> Bool {
    defer { ChildWatch.shared.remove(leader) }
    let end = nb_now() + 5_000_000_000
    while true {
      let left = ProcFiles.children().filter { Self.mark(of: $0) == mark }
      // Some have children of their own in other groups; all of them at once, before they start more.
      if left.count > 8 { _ = nb_end_marked(mark, mark) }
      for pid in left {
        kill(pid, SIGKILL)
        waitpid(pid, nil, WNOHANG)
      }
      // Members of the group whose parent is dying are not yet ours; the group shows them.
      if left.isEmpty, kill(-leader, 0) != 0 { return true }
      if nb_now() > end { return false }
      usleep(200)
    }
  }

  static func mark(of pid: pid_t) -> UInt64? {
    var (soft, hard): (UInt64, UInt64) = (0, 0)
    return nb_read_limit(pid, Int32(NB_LIMIT_REALTIME), &soft, &hard) == 0 ? soft : nil
  }
}
