// `nb lsp`: an editor's language server on stdin and stdout. Moves bytes between the client and LanguageServer, answers what that asks of files,
// and starts the runs that it wants. stdout carries the protocol and nothing else; what a person may want to know goes to stderr.

import ArgumentParser
import DocumentModel
import ExperimentModel
import Foundation
import Glibc
import LanguageServer
import Market
import PerfLanguage
import TextModel

struct LSPCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lsp", abstract: "Language server for editors, over stdin and stdout (internals/editors.md).")

  // Some clients say how they talk.
  @Flag(name: .customLong("stdio"), help: "The only way it talks; for clients that insist on saying so.")
  var stdio = false

  func run() throws {
    signal(SIGPIPE, SIG_IGN)
    let server = StdioServer()
    throw ExitCode(server.run())
  }
}

/// The loop: bytes of the client and of running children, until the client says `exit` or is gone.
private final class StdioServer {
  private let session: LanguageSession
  private var reader = MessageReader()
  private var runs: [ChildRun] = []

  init() {
    let files = DeskFiles()
    session = LanguageSession(files.desk, version: NB.version)
  }

  func run() -> Int32 {
    defer { for run in runs { run.cancel() } }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      var polled = [pollfd(fd: 0, events: Int16(POLLIN), revents: 0)]
      polled += runs.map { pollfd(fd: $0.output, events: Int16(POLLIN), revents: 0) }
      if poll(&polled, nfds_t(polled.count), -1) < 0 {
        if errno == EINTR { continue }
        return 1
      }
      for (i, run) in Array(runs.enumerated()) where polled[i + 1].revents != 0 {
        if let status = serve(run) { return status }
      }
      guard polled[0].revents != 0 else { continue }
      let count = read(0, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      // A client that is gone without a word ends the server.
      guard count > 0 else { return 1 }
      reader.append(buffer[..<count])
      var frames: [MessageReader.Frame] = []
      while let frame = reader.next() { frames.append(frame) }
      if !frames.isEmpty, let status = perform(session.receive(frames)) { return status }
    }
  }

  /// - Returns: the exit code when the session is over.
  private func perform(_ actions: [SessionAction]) -> Int32? {
    for action in actions {
      switch action {
      case .send(let bytes): Output.bytes(framed(bytes))
      case .log(let text): Output.error("nb lsp: \(text)\n")
      case .exit(let status): return status
      case .cancelRun(let token): runs.first { $0.token == token }?.cancel()
      case .run(let token, let path, let cell):
        if let run = ChildRun(token, ["run", path] + (cell.map { ["--only", $0] } ?? [])) {
          runs.append(run)
        } else if let status = perform(session.runEnded(token, status: 1, text: "it could not be started")) {
          return status
        }
      }
    }
    return nil
  }

  private func serve(_ run: ChildRun) -> Int32? {
    guard let lines = run.readLines() else {
      runs.removeAll { $0 === run }
      return perform(session.runEnded(run.token, status: run.wait(), text: run.tail))
    }
    return lines.last.flatMap { perform(session.runReported(run.token, $0)) }
  }
}

/// `nb run` as a child: what it prints is kept away from the protocol.
private final class ChildRun {
  let token: String
  let output: Int32
  private let pid: pid_t
  private var pending = ""
  private var said: [String] = []

  init?(_ token: String, _ arguments: [String]) {
    self.token = token
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return nil }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    output = ends[0]
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
    let program = executablePath()
    var argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for argument in argv { free(argument) } }
    var child: pid_t = 0
    let problem = posix_spawn(&child, program, &actions, nil, &argv, environ)
    close(ends[1])
    guard problem == 0 else {
      close(ends[0])
      return nil
    }
    pid = child
  }

  /// As Ctrl-C does: what has finished is saved.
  func cancel() { kill(pid, SIGINT) }

  /// Lines that have come; nil at the end.
  func readLines() -> [String]? {
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    let count = read(output, &buffer, buffer.count)
    if count < 0, errno == EINTR { return [] }
    guard count > 0 else { return nil }
    pending += String(decoding: buffer[..<count], as: UTF8.self)
    var lines = pending.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\n" || $0 == "\r" || $0 == "\r\n" }).map(String.init)
    pending = String(lines.popLast()?.suffix(4_096) ?? "")
    lines.removeAll { $0.trimmingCharacters(in: .whitespaces).isEmpty }
    said = Array((said + lines).suffix(12))
    return lines
  }

  var tail: String { said.joined(separator: "\n") }

  /// - Returns: its exit code; nil when a signal ended it.
  func wait() -> Int32? {
    close(output)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : nil
  }
}

/// Files as the server asks for them. What stands around a notebook is read again only when a file's stamp has changed: it is asked after every
/// keystroke.
private final class DeskFiles {
  private var contexts: [String: (stamps: [FileState], context: PlanContext)] = [:]
  private var workspaces: [String: Workspace] = [:]

  var desk: Desk {
    Desk(
      context: { [self] in context($0) }, findings: { [self] in findings($0) },
      read: { try? readFile($0, limit: OpenLimit.bytes) },
      results: { [self] path in Notebook.knownResults(workspace(path), Workspace.stem(path)) },
      facts: { [self] path in
        let facts = workspace(path).facts
        guard let source = try? SourceText(contentsOf: facts) else { return nil }
        return (facts, factPlaces(source))
      },
      lesson: { [self] path, stem in
        let file = workspace(path).course + "/\(stem).md"
        return access(file, F_OK) == 0 ? file : nil
      })
  }

  private func workspace(_ path: String) -> Workspace {
    let folder = (path as NSString).deletingLastPathComponent
    if let known = workspaces[folder] { return known }
    let found = Workspace(for: path)
    workspaces[folder] = found
    return found
  }

  private func context(_ path: String) -> PlanContext {
    guard path.hasPrefix("/") else { return PlanContext() }
    let workspace = workspace(path)
    let stamps = [workspace.facts, workspace.courseFile, workspace.learner].map { (path: String) in FileState(path) }
    if let known = contexts[workspace.course], known.stamps == stamps { return known.context }
    let context = (try? CourseContext(workspace).plan) ?? PlanContext()
    contexts[workspace.course] = (stamps, context)
    return context
  }

  private func findings(_ source: SourceText) -> [Diagnostic]? {
    var found = Diagnostics()
    switch (source.path as NSString).lastPathComponent {
    case "facts.yml":
      let feeds = readFeeds(workspace(source.path)).0
      _ = datedFacts(source, today: today(), feeds: Set(feeds.map(\.id)), diagnostics: &found)
    case "feeds.yml": _ = loadFeeds(source, diagnostics: &found)
    case "incidents.yml": _ = loadIncidents(source, lessons: nil, diagnostics: &found)
    case "budgets.yml": _ = readBudgets(source, diagnostics: &found)
    default: return nil
    }
    return found.ordered
  }
}

private enum OpenLimit { static let bytes = 64 << 20 }
