// A child with a channel each way, spoken to in lines. In its own process group, so that an interrupt at
// the terminal reaches nb alone and everything the child starts can be ended with it. Always ended.

import CKernelShims
import Glibc

/// Why a child could not be used.
public struct MeasureError: Error, Sendable, Hashable, CustomStringConvertible {
  public var cause: String
  public var remedy: String?
  public init(_ cause: String, remedy: String? = nil) {
    self.cause = cause
    self.remedy = remedy
  }
  public var description: String { cause + (remedy.map { "; \($0)" } ?? "") }
}

public final class ChildProcess {
  /// For messages.
  public let name: String
  public let pid: pid_t
  private let input: Int32
  private let output: Int32
  private var pending: [UInt8] = []
  private var ended = false
  /// A line longer than this is not an answer.
  private static let lineLimit = 65_536

  /// Starts `argv`; stderr is shared.
  public init(name: String, argv: [String]) throws(MeasureError) {
    self.name = name
    var toChild: [Int32] = [-1, -1]
    var fromChild: [Int32] = [-1, -1]
    // Its stdin is a socket, not a pipe: writing to a child that has died is then an error and never a
    // SIGPIPE, whatever the program around this module does with signals.
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &toChild) == 0 else {
      throw MeasureError("\(name): no socket pair: \(String(cString: strerror(errno)))")
    }
    guard nb_pipe(&fromChild) == 0 else {
      close(toChild[0])
      close(toChild[1])
      throw MeasureError("\(name): no pipe: \(String(cString: strerror(errno)))")
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
    posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    posix_spawnattr_setpgroup(&attributes, 0)
    let arguments = argv.map { strdup($0) } + [nil]
    defer { arguments.forEach { free($0) } }
    var child: pid_t = 0
    let code = posix_spawnp(&child, argv[0], &actions, &attributes, arguments, environ)
    close(toChild[0])
    close(fromChild[1])
    guard code == 0 else {
      close(toChild[1])
      close(fromChild[0])
      throw MeasureError("\(name): \(argv[0]) could not be started: \(String(cString: strerror(code)))")
    }
    pid = child
    input = toChild[1]
    output = fromChild[0]
  }

  deinit { stop() }

  /// Whether it still runs; an ended child is not reaped by asking.
  public var isAlive: Bool {
    var information = siginfo_t()
    return !ended && waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) == 0 && information.si_signo == 0
  }

  /// Closes its stdin, which asks it to leave; one that does not within a second is ended.
  public func stop() {
    guard !ended else { return }
    ended = true
    close(input)
    close(output)
    for _ in 0..<200 {
      if waitpid(pid, nil, WNOHANG) != 0 { return }
      usleep(5_000)
    }
    kill(-pid, SIGKILL)
    waitpid(pid, nil, 0)
  }

  public func send(line text: String) throws(MeasureError) {
    let bytes = Array((text + "\n").utf8)
    var written = 0
    while written < bytes.count {
      let n = bytes[written...].withUnsafeBytes { Glibc.send(input, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if n > 0 { written += n } else if errno != EINTR { throw MeasureError("\(name) has ended") }
    }
  }

  /// The next line of its stdout.
  ///
  /// - Parameter timeout: seconds; a child that is silent for longer is ended.
  public func line(timeout: Double) throws(MeasureError) -> String {
    let end = nb_now() + Int64(timeout * 1e9)
    while true {
      if let newline = pending.firstIndex(of: 0x0A) {
        let text = String(decoding: pending[..<newline], as: UTF8.self)
        pending.removeSubrange(...newline)
        return text
      }
      guard pending.count < Self.lineLimit else { throw MeasureError("\(name) printed something else than answers") }
      let left = end - nb_now()
      guard left > 0 else {
        kill(-pid, SIGKILL)
        throw MeasureError("\(name) gave no answer within \(Int(timeout)) s")
      }
      var poller = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
      guard poll(&poller, 1, Int32(min(left / 1_000_000 + 1, 1_000))) > 0 else { continue }
      var chunk = [UInt8](repeating: 0, count: 4_096)
      let n = read(output, &chunk, chunk.count)
      if n > 0 { pending += chunk[..<n] } else if n == 0 { throw MeasureError("\(name) ended before it answered") }
    }
  }
}
