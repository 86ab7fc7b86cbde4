// A command as a subject: started for each sample, timed from just before the start until it has ended.
// What it prints goes to /dev/null, as other tools do it: reading it would be timed.

import CKernelShims
import ExperimentModel
import Glibc

public final class CommandSubject: TimedSubject {
  public let name: String
  public let isPerProcess = true
  public let isRestarted = false
  private let launcher: Launcher
  private let preparation: Launcher?
  private let nothing: Int32
  private let ignoresFailure: Bool

  /// - Parameters:
  ///   - prepare: shell command before each iteration, not timed.
  ///   - ignoresFailure: an exit status other than 0 is no error.
  /// - Throws: `MeasureError` when there is no such program.
  public init(
    name: String, command: CommandSpec, prepare: String? = nil, folder: String? = nil, limits: ResourceLimits = .init(),
    ignoresFailure: Bool = false
  ) throws(MeasureError) {
    self.name = name
    self.ignoresFailure = ignoresFailure
    let words = command.usesShell ? ["/bin/sh", "-c", command.text] : try Self.words(command.text, name)
    launcher = try Launcher(name: "command \(name)", argv: words, folder: folder, limits: limits, endsWithParent: true)
    if let prepare {
      preparation = try Launcher(name: "prepare of \(name)", argv: ["/bin/sh", "-c", prepare], folder: folder, endsWithParent: true)
    } else {
      preparation = nil
    }
    nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
  }

  deinit { if nothing >= 0 { close(nothing) } }

  public func stop() {}

  public func run(_ iterations: Int, timeout: Double) throws(MeasureError) -> SubjectSample {
    var total = SubjectSample(ns: 0, cpu: 0, checksum: "")
    for i in 0..<iterations {
      if let preparation { try once(preparation, timeout, mustSucceed: true) }
      let sample = try once(launcher, timeout, mustSucceed: !ignoresFailure)
      total.ns += sample.ns
      total.cpu += sample.cpu
      total.checksum = sample.checksum
      if i == 0 { total.use = sample.use } else { total.use.add(sample.use) }
    }
    return total
  }

  /// Runs a shell command once, such as `setup`, and waits for it.
  public static func runOnce(_ text: String, name: String, folder: String? = nil, timeout: Double) throws(MeasureError) {
    _ = try CommandSubject(name: name, command: CommandSpec(text: text, usesShell: true), folder: folder).run(1, timeout: timeout)
  }

  @discardableResult
  private func once(_ launcher: Launcher, _ timeout: Double, mustSucceed: Bool) throws(MeasureError) -> SubjectSample {
    let (pid, start) = try launcher.start((nothing, nothing, nothing, -1))
    let inTime = Self.waitForEnd(pid, until: start + Int64(timeout * 1e9))
    let end = nb_now()
    let wait = ProcFiles.runQueueWait(of: pid)
    Launcher.endGroup(pid)
    var status: Int32 = 0
    var usage = rusage()
    while wait4(pid, &status, 0, &usage) < 0, errno == EINTR {}
    let isClean = launcher.endDescendants(ofGroup: pid)
    guard inTime else {
      throw MeasureError("\(launcher.name) ran longer than \(Int(timeout)) s and was ended", remedy: "give it less to do, or more time")
    }
    guard isClean else { throw MeasureError("\(launcher.name) left processes that could not be ended", remedy: "look for them with `ps`") }
    let ended = ProcessEnd(status: status)
    guard ended.isSuccess || !mustSucceed else {
      throw MeasureError("\(launcher.name): \(ended)", remedy: "run it by hand, or allow failures (--ignore-failure)")
    }
    var use = ResourceUse(usage)
    use.runQueueWait = wait
    use.dropInheritedMemory()
    return SubjectSample(ns: end - start, cpu: (use.user ?? 0) + (use.system ?? 0), checksum: ended.description, use: use)
  }

  /// Waits until the process has ended, without reaping it. false: it has not by then.
  private static func waitForEnd(_ pid: pid_t, until deadline: Int64) -> Bool {
    let descriptor = nb_process_descriptor(pid)
    defer { if descriptor >= 0 { close(descriptor) } }
    while true {
      let left = deadline - nb_now()
      guard left > 0 else { return false }
      if descriptor >= 0 {
        var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&poller, 1, Int32(min(left / 1_000_000 + 1, 60_000))) > 0 { return true }
      } else {
        var information = siginfo_t()
        if waitid(P_PID, id_t(pid), &information, WEXITED | WNOHANG | WNOWAIT) != 0 || information.si_signo != 0 { return true }
        usleep(100)
      }
    }
  }

  /// Words of a command line without a shell: spaces separate, quotes and backslashes keep.
  static func words(_ text: String, _ name: String) throws(MeasureError) -> [String] {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var isEscaped = false
    for character in text {
      if isEscaped {
        word = (word ?? "") + String(character)
        isEscaped = false
      } else if character == "\\", quote != "'" {
        isEscaped = true
      } else if let open = quote {
        if character == open { quote = nil } else { word = (word ?? "") + String(character) }
      } else if character == "'" || character == "\"" {
        quote = character
        word = word ?? ""
      } else if character == " " || character == "\t" || character.isNewline {
        if let done = word { words.append(done) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    if let done = word { words.append(done) }
    guard quote == nil, !isEscaped else { throw MeasureError("command \(name): a quote is not closed", remedy: "close it, or use a shell") }
    guard !words.isEmpty else { throw MeasureError("command \(name): there is no command to start") }
    return words
  }
}
