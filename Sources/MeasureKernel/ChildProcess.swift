// A child with a channel each way, spoken to in lines. In its own process group, so that an interrupt at
// the terminal reaches nb alone and everything the child starts can be ended with it. Always ended.

import CKernelShims
import Glibc

public final class ChildProcess {
  /// Through which descriptors the lines go.
  enum Channel {
    /// Its stdin and stdout; stderr is shared with nb.
    case standard
    /// Descriptor 3, both ways. Its stdin is empty, and what it prints is kept apart: the last of it for
    /// messages, and not more than `limit` bytes in all.
    case control(limit: Int)
  }

  /// For messages.
  public let name: String
  public let pid: pid_t
  private let launcher: Launcher
  private let input: Int32
  private let output: Int32
  /// What it prints, with `Channel.control`.
  private var printed: PipeReader?
  private var pending: [UInt8] = []
  private var ended = false
  private let cancelled: () -> Bool
  /// A line longer than this is not an answer.
  private static let lineLimit = 65_536

  /// Starts `argv`; stderr is shared.
  public convenience init(name: String, argv: [String]) throws(MeasureError) {
    try self.init(launcher: try Launcher(name: name, argv: argv, leavesByItself: true), channel: .standard)
  }

  /// - Parameter cancelled: asked while waiting for an answer; true ends the child.
  init(launcher: Launcher, channel: Channel, cancelled: @escaping () -> Bool = { false }) throws(MeasureError) {
    self.launcher = launcher
    self.cancelled = cancelled
    name = launcher.name
    var line: [Int32] = [-1, -1]
    var fromChild: [Int32] = [-1, -1]
    var nothing: Int32 = -1
    // Lines go to it through a socket, not a pipe: writing to a child that has died is then an error and
    // never a SIGPIPE, whatever the program around this module does with signals.
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &line) == 0, nb_pipe(&fromChild) == 0 else {
      let reason = Launcher.reason()
      line.filter { $0 >= 0 }.forEach { close($0) }
      throw MeasureError("\(name): no channel to a child: \(reason)", remedy: "raise the limit on open files (ulimit -n)")
    }
    let descriptors: (Int32, Int32, Int32, Int32)
    switch channel {
    case .standard: descriptors = (line[1], fromChild[1], 2, -1)
    case .control:
      nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
      descriptors = (nothing, fromChild[1], fromChild[1], line[1])
    }
    defer {
      close(line[1])
      close(fromChild[1])
      if nothing >= 0 { close(nothing) }
    }
    do {
      pid = try launcher.start(descriptors).pid
    } catch {
      close(line[0])
      close(fromChild[0])
      throw error
    }
    input = line[0]
    switch channel {
    case .standard: output = fromChild[0]
    case .control(let limit):
      output = line[0]
      printed = PipeReader(fromChild[0], limit: limit)
    }
  }

  deinit { stop() }

  /// Whether it still runs; an ended child is not reaped by asking.
  public var isAlive: Bool { !ended && !hasEnded }

  private var hasEnded: Bool {
    var information = siginfo_t()
    return waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) != 0 || information.si_signo != 0
  }

  /// Closes its channel, which asks it to leave; one that does not within `patience` seconds is ended, and with it
  /// everything that it has started.
  public func stop(patience: Double = 1) {
    guard !ended else { return }
    ended = true
    close(input)
    if output != input { close(output) }
    printed = nil
    for _ in 0..<Int(patience * 200) where !hasEnded { usleep(5_000) }
    Launcher.endGroup(pid)
    waitpid(pid, nil, 0)
    launcher.endDescendants(ofGroup: pid)
  }

  public func send(line text: String) throws(MeasureError) {
    let bytes = Array((text + "\n").utf8)
    var written = 0
    while written < bytes.count {
      let n = bytes[written...].withUnsafeBytes { Glibc.send(input, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if n > 0 {
        written += n
      } else if errno != EINTR {
        throw MeasureError("\(name) has ended\(lastWords())", remedy: "try it by itself")
      }
    }
  }

  /// The next line of its answers.
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
      guard !cancelled() else {
        Launcher.endGroup(pid)
        throw MeasureError("\(name) was interrupted")
      }
      let left = end - nb_now()
      guard left > 0 else {
        Launcher.endGroup(pid)
        let said = printed.map { PipeReader.quoted($0) } ?? ""
        throw MeasureError(
          "\(name) gave no answer within \(Launcher.seconds(timeout)) and was ended\(said)", remedy: "give it less work")
      }
      // A pipe that is at its end would be ready for ever; poll skips negative descriptors.
      var pollers = [
        pollfd(fd: output, events: Int16(POLLIN), revents: 0),
        pollfd(fd: printed.flatMap { $0.isOpen ? $0.descriptor : nil } ?? -1, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&pollers, 2, Int32(min(left / 1_000_000 + 1, 200))) > 0 else { continue }
      if pollers[1].revents != 0, let printed {
        printed.read()
        if printed.isOverLimit {
          Launcher.endGroup(pid)
          throw MeasureError(
            "\(name) printed more than \(printed.limit) bytes and was ended", remedy: "print less: what is printed is timed too")
        }
      }
      guard pollers[0].revents != 0 else { continue }
      var chunk = [UInt8](repeating: 0, count: 4_096)
      let n = read(output, &chunk, chunk.count)
      if n > 0 {
        pending += chunk[..<n]
      } else if n == 0 || errno != EINTR {
        let said = lastWords()
        if let reason = ChildWatch.shared.reason(of: pid) { throw MeasureError(reason, remedy: "give it less work") }
        throw MeasureError("\(name) ended before it answered\(said)", remedy: "try it by itself, with less work")
      }
    }
  }

  /// A line that is there already; nil: none is. Never waits.
  public func lineIfThere() -> String? {
    var poller = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
    if !ended, pending.count < Self.lineLimit, poll(&poller, 1, 0) > 0, poller.revents & Int16(POLLIN) != 0 {
      var chunk = [UInt8](repeating: 0, count: 4_096)
      let n = read(output, &chunk, chunk.count)
      if n > 0 { pending += chunk[..<n] }
    }
    guard let newline = pending.firstIndex(of: 0x0A) else { return nil }
    defer { pending.removeSubrange(...newline) }
    return String(decoding: pending[..<newline], as: UTF8.self)
  }

  /// The end of what it printed beside its answers.
  var lastPrinted: String { printed?.lastText ?? "" }

  /// How it ended and what it printed last: `: killed by SIGSEGV; it printed …`.
  private func lastWords() -> String {
    for _ in 0..<100 where !hasEnded { usleep(2_000) }
    var status = siginfo_t()
    guard waitid(P_PID, id_t(pid), &status, WEXITED | WNOHANG | WNOWAIT) == 0, status.si_signo != 0 else { return "" }
    printed?.drain()
    let end = ProcessEnd(status)
    return ": \(end)\(printed.map { PipeReader.quoted($0) } ?? "")"
  }
}
