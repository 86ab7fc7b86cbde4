// One run of a program from start to end: timed from just before it is started until it is reaped, watched
// for time and output, and cleared away with everything it has started.

import CKernelShims
import Glibc

struct Execution {
  /// Wall time in nanoseconds.
  var ns: Int64
  var use: ResourceUse
  var end: ProcessEnd
  /// What it printed on stdout and stderr, when that was captured.
  var output: PipeReader?
  var errors: PipeReader?
}

/// How a program is run.
struct ExecutionPlan {
  /// Its stdin.
  var input: Int32
  /// Where discarded output goes.
  var nothing: Int32
  var captures = false
  /// Bytes of stdout and stderr each that it may print when they are captured.
  var outputLimit = 64 << 20
  /// Bytes of each that are kept.
  var kept = 4_096
  /// Seconds.
  var timeout: Double
  var counts = false
  /// The program is started by a small shell (`detachingScript`), so that the memory of nb is not taken for
  /// its own; untimed.
  var isDetached = false
  /// Asked at least five times a second.
  var cancelled: () -> Bool = { false }
}

extension Launcher {
  /// Starts `"$@"` as a process that waits, says its pid on descriptor 3 and leaves. The process starts the
  /// program when it gets a line, so after nb has adopted it: a shell that is still there may reap it and
  /// lose how it ended. Descriptor 4, because a shell gives what it starts in the background an empty stdin.
  static let detachingScript = #"{ { read go <&3; exec "$@" <&4 3>&- 4<&-; } & } 4<&0; echo $! >&3"#

  /// - Throws: `MeasureError` when it cannot be started, takes too long, prints too much or cannot be ended.
  func execute(_ plan: ExecutionPlan) throws(MeasureError) -> Execution {
    let output = plan.captures ? try makePipe(plan) : nil
    defer { if let output { close(output.writing) } }
    let errors = plan.captures ? try makePipe(plan) : nil
    defer { if let errors { close(errors.writing) } }
    let report = plan.isDetached ? try makeSocket() : nil
    defer { if let report { close(report.child) } }
    let counters = plan.counts ? PerfCounters.ofNextChildren() : nil
    let started = try start((plan.input, output?.writing ?? plan.nothing, errors?.writing ?? plan.nothing, report?.child ?? -1))
    var pid = started.pid
    if let report { pid = try programOfShell(started.pid, report.reader) }
    do {
      try watch(pid, [output?.reader, errors?.reader].compactMap { $0 }, until: started.at + Int64(plan.timeout * 1e9), plan)
    } catch {
      Self.endGroup(started.pid)
      waitpid(pid, nil, 0)
      endDescendants(ofGroup: started.pid)
      throw overLimit(started.pid) ?? error
    }
    // Its end is known now; reading the receipt of a child that is not reaped is not part of its time.
    let known = nb_now()
    let wait = ProcFiles.runQueueWait(of: pid)
    Self.endGroup(started.pid)
    var usage = rusage()
    var status: Int32 = 0
    let before = nb_now()
    var reaped = wait4(pid, &status, 0, &usage)
    while reaped < 0, errno == EINTR { reaped = wait4(pid, &status, 0, &usage) }
    let after = nb_now()
    guard reaped == pid else { throw MeasureError("\(name) ended, and how it ended is not known") }
    let isGone = endDescendants(ofGroup: started.pid)
    if let error = overLimit(started.pid) { throw error }
    guard isGone else {
      throw MeasureError("\(name) left processes behind that could not be ended", remedy: "see `ps`; they may wait for a device")
    }
    for reader in [output?.reader, errors?.reader].compactMap({ $0 }) {
      reader.drain()
      if reader.isOverLimit { throw printedTooMuch(plan) }
    }
    var use = ResourceUse(usage)
    use.runQueueWait = wait
    if let counters { use.take(counters.read()) }
    return Execution(
      ns: known - started.at + after - before, use: use, end: ProcessEnd(status: status), output: output?.reader,
      errors: errors?.reader)
  }

  private func makePipe(_ plan: ExecutionPlan) throws(MeasureError) -> (reader: PipeReader, writing: Int32) {
    var ends: [Int32] = [-1, -1]
    guard nb_pipe(&ends) == 0 else {
      throw noChannel()
    }
    return (PipeReader(ends[0], limit: plan.outputLimit, kept: plan.kept), ends[1])
  }

  private func makeSocket() throws(MeasureError) -> (reader: PipeReader, child: Int32) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw noChannel()
    }
    return (PipeReader(ends[0], limit: 1_024, kept: 64), ends[1])
  }

  /// It was ended because it used too much.
  private func overLimit(_ pid: pid_t) -> MeasureError? {
    ChildWatch.shared.reason(of: pid).map { MeasureError($0, remedy: "give it less work") }
  }

  private func noChannel() -> MeasureError {
    MeasureError("\(name): no channel to a child: \(Self.reason())", remedy: "raise the limit on open files (ulimit -n)")
  }

  /// What errno says.
  static func reason() -> String { String(cString: strerror(errno)) }

  private func printedTooMuch(_ plan: ExecutionPlan) -> MeasureError {
    MeasureError("\(name) printed more than \(plan.outputLimit) bytes and was ended", remedy: "print less, or discard its output")
  }

  /// Waits until `pid` has ended, without reaping it; reads what it prints meanwhile.
  private func watch(_ pid: pid_t, _ readers: [PipeReader], until end: Int64, _ plan: ExecutionPlan) throws(MeasureError) {
    let descriptor = nb_process_descriptor(pid)
    defer { if descriptor >= 0 { close(descriptor) } }
    var pollers = [pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)]
    pollers += readers.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    while true {
      guard !plan.cancelled() else { throw MeasureError("\(name) was interrupted") }
      let left = (end - nb_now()) / 1_000_000 + 1
      guard left > 0 else {
        throw MeasureError(
          "\(name) did not end within \(Self.seconds(plan.timeout)) and was ended", remedy: "give it more time or less work")
      }
      // A kernel without process descriptors is asked every millisecond.
      let ready = poll(&pollers, nfds_t(pollers.count), Int32(min(left, descriptor < 0 ? 1 : 200)))
      if ready > 0 {
        for (i, reader) in readers.enumerated() where pollers[i + 1].revents != 0 {
          reader.read()
          if reader.isOverLimit { throw printedTooMuch(plan) }
          if !reader.isOpen { pollers[i + 1].fd = -1 }
        }
        if pollers[0].revents != 0 { return }
      }
      if descriptor < 0 {
        var information = siginfo_t()
        if waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) != 0 || information.si_signo != 0 { return }
      }
    }
  }

  /// Waits for the shell that says the program's pid and leaves; the program is then nb's own child.
  private func programOfShell(_ shell: pid_t, _ report: PipeReader) throws(MeasureError) -> pid_t {
    for _ in 0..<2_000 where report.head.last != UInt8(ascii: "\n") {
      var poller = pollfd(fd: report.descriptor, events: Int16(POLLIN), revents: 0)
      poll(&poller, 1, 5)
      report.read()
    }
    let text = String(decoding: report.head, as: UTF8.self)
    guard let pid = pid_t(text.prefix { $0.isNumber }) else {
      Self.endGroup(shell)
      waitpid(shell, nil, 0)
      endDescendants(ofGroup: shell)
      throw MeasureError("\(name): the shell did not start it")
    }
    while waitpid(shell, nil, 0) < 0, errno == EINTR {}
    send(report.descriptor, "\n", 1, Int32(MSG_NOSIGNAL))
    return pid
  }

  static func seconds(_ value: Double) -> String {
    value == value.rounded() ? "\(Int(value)) s" : "\((value * 1_000).rounded() / 1_000) s"
  }
}
