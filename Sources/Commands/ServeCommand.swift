// `nb serve`: the course's site on loopback while one writes it. Every save builds again what changed and brings open
// pages up to date; with --run, blocks whose question changed are executed first.

import ArgumentParser
import CourseSite
import DocumentModel
import Foundation
import PreviewServer
import Synchronization
import TextModel

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "The site on this machine, up to date with every save.",
    discussion: """
      nb serve                    http://127.0.0.1:8000; open pages change when a notebook is saved
      nb serve --run --trust      also run what a save made stale, and show the new numbers

      Mistakes are shown on the page and here; the last good page stays. Only this machine can connect.
      """)

  @Argument(help: "The course folder; default: Notebooks here.") var folder: String?
  @Option(help: "Port; 0 takes a free one.") var port = 8000
  @Option(help: "A theme instead of the course's, such as slides.") var theme: String?
  @Flag(name: .customLong("run"), help: "Run blocks that a save made stale.") var runs = false
  @Flag(help: "With --run: quick measurements.") var quick = false
  @Flag(help: "With --run: let notebooks execute their code.") var trust = false

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("\(port) is not a port") }
    if !runs, quick || trust { throw ValidationError("--quick and --trust say how to --run") }
  }

  func run() throws {
    Interrupts.watch()
    let workspace = folder.map { Workspace(for: $0) } ?? Workspace.here
    let desk = ServeDesk(workspace, SiteOptions(theme: theme))
    // Watched before it is read, so that no save is missed.
    guard let watch = FolderWatch([workspace.course] + desk.themeFolders) else {
      Output.failure(Diagnostic("watch-failed", .error, "changes of files cannot be watched", remedy: "raise fs.inotify.max_user_watches, or use `nb build`", path: workspace.course))
      throw Exit.failed
    }
    // A course that cannot be built at all is better said before a server runs.
    if case .failure(let text) = desk.build(), access(workspace.site + "/index.html", F_OK) != 0 {
      Output.error(text)
      throw Exit.failed
    }
    let server = PreviewServer(folder: workspace.site, port: port)
    let address = try start(server)
    Output.standard("\(address) shows \(workspace.site)/; end with Ctrl-C\n")
    desk.publish(desk.build(), to: server)
    let runner = runs ? CellRunner(quick: quick, trust: trust, server: server) : nil
    while !Interrupts.requested {
      let changed = watch.changes()
      if changed.isEmpty { continue }
      desk.publish(desk.build(), to: server)
      for path in changed.sorted() where path.hasSuffix(".md") { runner?.saved(path) }
    }
    runner?.stop()
  }

  /// Returns when it listens.
  private func start(_ server: PreviewServer) throws -> String {
    let listening = DispatchSemaphore(value: 0)
    let outcome = Mutex<Result<Int, any Error>?>(nil)
    Task.detached {
      do {
        try await server.run { port in
          outcome.withLock { $0 = .success(port) }
          listening.signal()
        }
      } catch {
        outcome.withLock { $0 = .failure(error) }
        listening.signal()
      }
    }
    listening.wait()
    switch outcome.withLock({ $0 }) {
    case .success(let port): return "http://127.0.0.1:\(port)/"
    default:
      Output.failure(Diagnostic("port-taken", .error, "port \(port) of 127.0.0.1 cannot be listened on", remedy: "another program has it: give another with --port, or --port 0"))
      throw Exit.failed
    }
  }
}

/// Builds, and what a build says as text.
private struct ServeDesk {
  private let workspace: Workspace
  private let options: SiteOptions

  enum Outcome {
    case built(SiteReport, ms: Double)
    case failure(String)
  }

  init(_ workspace: Workspace, _ options: SiteOptions) { (self.workspace, self.options) = (workspace, options) }

  var themeFolders: [String] {
    guard let (_, theme, _) = try? workspace.readCourse(theme: options.theme) else { return [] }
    return Set(theme.sources.map { ($0 as NSString).deletingLastPathComponent }).filter { !$0.hasSuffix("/strings") }.sorted()
  }

  func build() -> Outcome {
    let start = DispatchTime.now().uptimeNanoseconds
    do {
      let report = try SiteBuilder(workspace, options).build()
      return .built(report, ms: Double(DispatchTime.now().uptimeNanoseconds - start) / 1e6)
    } catch let error as FileError {
      return .failure(error.diagnostic.rendered(in: nil, color: false))
    } catch let error as DiagnosedError {
      return .failure(Self.text(error))
    } catch let error as DiagnosedErrors {
      return .failure(error.errors.map(Self.text).joined())
    } catch {
      return .failure("\(error)\n")
    }
  }

  func publish(_ outcome: Outcome, to server: PreviewServer) {
    switch outcome {
    case .built(let report, let ms):
      let findings = report.findings.map { $0.rendered(in: nil, color: false) }.joined()
      server.publish(written: report.written.sorted(), problems: findings)
      if !report.written.isEmpty { Output.error("built in \(Int(ms.rounded())) ms: \(report.written.count) files\n\(findings)") }
    case .failure(let text):
      server.publish(written: [], problems: text)
      Output.error(text)
    }
  }

  private static func text(_ error: DiagnosedError) -> String {
    error.diagnostics.ordered.map { $0.rendered(in: error.source, color: false) }.joined()
  }
}

/// Runs what a save made stale: one notebook after the other, in a child, so that a run can be ended and cannot end the server.
private final class CellRunner: Sendable {
  private let quick: Bool
  private let trust: Bool
  private let server: PreviewServer
  private struct State {
    /// What stood in each notebook, without its results, when it was last run: a run writes results, and is no reason for another.
    var ran: [String: [UInt8]] = [:]
    var waiting: [String] = []
    var child: Process?
    var isStopped = false
  }
  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "nb.serve.run")

  init(quick: Bool, trust: Bool, server: PreviewServer) { (self.quick, self.trust, self.server) = (quick, trust, server) }

  func saved(_ path: String) {
    guard let source = try? SourceText(contentsOf: path) else { return }
    let text = Document(parsing: source).cleaned().bytes
    let isNew = state.withLock { state in
      guard state.ran[path] != text, !state.isStopped else { return false }
      state.ran[path] = text
      return true
    }
    if isNew { queue.async { self.execute(path) } }
  }

  func stop() {
    let child = state.withLock { state in
      state.isStopped = true
      return state.child
    }
    child?.interrupt()
    child?.waitUntilExit()
  }

  private func execute(_ path: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executablePath())
    process.arguments = ["run", "--stale", "--no-html", path] + (quick ? ["--quick"] : []) + (trust ? ["--trust"] : [])
    let said = Pipe()
    process.standardError = said
    process.standardOutput = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return }
    state.withLock { $0.child = process }
    let name = (path as NSString).lastPathComponent
    server.publish(running: name)
    var lines: [String] = []
    while case let data = said.fileHandleForReading.availableData, !data.isEmpty {
      Output.error(String(decoding: data, as: UTF8.self))
      lines += String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
      server.publish(running: ([name] + lines.suffix(12)).joined(separator: "\n"))
    }
    process.waitUntilExit()
    state.withLock { $0.child = nil }
    // What a run refused stays to be read.
    let isRefused = process.terminationStatus == 1 || process.terminationStatus == 64
    server.publish(running: isRefused ? ([name + ": did not run"] + lines.suffix(12)).joined(separator: "\n") : "")
  }
}
