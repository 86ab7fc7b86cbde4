// `nb lab`: the systems under test for any load tool, and the hidden child modes of `nb run`.

import ArgumentParser
import DocumentModel
import ExperimentModel
import ExperimentRunner
import Foundation
import LabSystems
import PerfLanguage
import Reporting
import TelemetryCollector
import TextModel

struct LabCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab", abstract: "Lab systems: real servers on loopback with known behaviour.",
    subcommands: [Serve.self, List.self, Describe.self, Referee.self, Subject.self, Real.self, Throttle.self])

  struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "serve", abstract: "Serve a system until interrupted.",
      discussion: """
        GET /_nb/counters says what has happened inside. POST /_nb/fault does what a block's `faults` do, with times in nanoseconds and sizes in bytes:
          curl -d '{"target":"origin","toxic":"latency","latency":50000000,"duration":10000000000}' http://127.0.0.1:PORT/_nb/fault
        Without a duration a fault stays until DELETE /_nb/fault, which ends all; GET /_nb/fault lists them.
        --otlp sends spans, metrics and log records on once a second, and says at the end what was sent and what was lost (then exit code 2).
        """)
    @Argument(help: "A preset such as shop, or FILE#ID of a system block.") var system: String?
    @Option(help: "Port on 127.0.0.1; 0 takes a free one.") var port = 0
    @OptionGroup var real: RealOptions
    @Flag(help: "Trust the notebook for now: its SQL may run on the real server (see `nb help trust`).") var trust = false
    @Option(name: .customLong("set"), help: "PATH=VALUE as in a block's `set`, such as product-cache.capacity=0; may be repeated.") var overrides: [String] = []
    @OptionGroup var learner: LearnerOptions
    @OptionGroup var export: LabExportOptions
    @Option(help: "Folder that keeps the database and the queues when the lab ends, for the next one.") var directory: String?
    @Flag(help: .hidden) var stdin = false

    func validate() throws { _ = try real.components() }

    func run() throws {
      do {
        if stdin {
          let spec = try JSONDecoder().decode(SystemSpec.self, from: Data((readLine(strippingNewline: true) ?? "").utf8))
          try Lab.serve(spec, port: port, followParent: true) { ready in
            let line = (try? JSONEncoder().encode(ready)) ?? Data()
            Output.bytes([UInt8](line) + [0x0A])
          }
          return
        }
        guard let system else { throw ValidationError("name a system: \(presetNames.joined(separator: ", ")), or FILE#ID") }
        let resolved = try resolveSystem(system, set: overrides, learnerSeed: learner.learnerSeed)
        var spec = resolved.spec
        // Without a real program its SQL runs in the lab's own database, and nothing else of it runs.
        let components = try real.components()
        if !components.isEmpty, let notebook = resolved.notebook {
          guard TrustCheck(notebook: notebook, isTrustedForNow: trust).permits(spec, real: components) else { throw Exit.failed }
        }
        let exporter = try export.exporter()
        exporter?.switchOn(&spec)
        let kept = try keepReal(components, usedBy: spec.uses, in: system)
        defer { kept?.stop() }
        let used = (kept?.services ?? []).filter { spec.uses($0.component) }
        if !used.isEmpty { spec.real = used }
        let dropped = try Lab.serve(spec, port: port, followParent: false, directory: directory, deliver: exporter.map { one in { one.take($0) } }) { ready in
          Output.standard("\(spec.id) on \(entryText(spec, ready))\n")
          for role in spec.roles {
            if let edge = role.edge {
              let count = spec.roles.first { $0.name == edge.upstream }?.instanceCount ?? 1
              Output.standard("  \(role.name) → \(edge.upstream)\(count > 1 ? ", \(count) instances" : "")\n")
            }
            if let worker = role.worker { Output.standard("  \(role.name) consumes \(worker.consumes)\n") }
            for route in role.routes where role.worker == nil { Output.standard("  \(route.method) \(route.path)\n") }
          }
          for service in used {
            Output.standard("  with \(service.text)\(service.component.isProxy ? " as the edge" : " on 127.0.0.1:\(service.port)")\n")
          }
          Output.standard("  counters at \(ready.controlPort.map { "http://127.0.0.1:\($0)" } ?? "")/_nb/counters, faults at /_nb/fault; end with Ctrl-C\n")
        }
        try exporter?.finish(droppedByLab: dropped)
      } catch let error as CollectorError {
        Output.failure(error.diagnostic)
        throw Exit.failed
      } catch let error as LabError {
        Output.failure(Diagnostic("lab-failed", .error, "\(error.place): \(error.cause)", remedy: error.remedy))
        throw Exit.failed
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The preset systems, and the days of the course that use them.")
    func run() {
      func row(_ name: String, _ text: String, _ days: [Int]) -> String {
        let numbers = days.map(String.init).joined(separator: ", ")
        return name + String(repeating: " ", count: max(1, 13 - name.count)) + "\(text) (day\(days.count == 1 ? "" : "s") \(numbers))\n"
      }
      Output.standard(presetSummaries.map { row($0.name, $0.title, $0.days) }.joined())
    }
  }

  struct Describe: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "describe", abstract: "Draw a system: roles, routes, stages, who asks whom.",
      discussion: "Without an option a drawing for the terminal, on stdout.")
    @Argument(help: "A preset, or FILE#ID of a system block.") var system: String
    @Option(name: .customLong("set"), help: "PATH=VALUE as in a block's `set`; may be repeated.") var overrides: [String] = []
    @Flag(help: "The resolved system with every default, as JSON.") var json = false
    @Flag(help: "A static SVG on stdout, or in the file of --output.") var svg = false
    @Option(name: .shortAndLong, help: "Write to this file instead of stdout.") var output: String?

    func validate() throws {
      if json && svg { throw ValidationError("choose one of --json and --svg") }
    }

    func run() throws {
      let spec = try resolveSystem(system, set: overrides, showsHidden: false).spec
      let bytes: [UInt8]
      if json {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        bytes = [UInt8](try encoder.encode(spec)) + [0x0A]
      } else {
        bytes = Array((svg ? topologySVG(spec) : topologyText(spec)).utf8)
      }
      guard let output else { return Output.bytes(bytes) }
      do { _ = try writeFileAtomically(output, bytes) } catch {
        Output.failure(error.diagnostic)
        throw Exit.failed
      }
    }
  }

  /// The child that holds the lab that started it to its CPU limit.
  struct Throttle: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "throttle", shouldDisplay: false)
    @Argument var cpus: Double
    @Argument var period: Int64
    func run() { Lab.throttle(cpus: cpus, period: period) }
  }

  /// A bench subject as a child process; speaks lines on stdin and stdout.
  struct Subject: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "subject", shouldDisplay: false)
    func run() throws {
      let job = try JSONDecoder().decode(BenchJob.self, from: Data((readLine(strippingNewline: true) ?? "").utf8))
      try Lab.benchSubject(job)
    }
  }
}

extension LabCommand {
  /// Real components as a child process: their names as JSON on stdin, one line of JSON back when they are up.
  struct Real: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "real", shouldDisplay: false)
    func run() throws {
      let line = readLine(strippingNewline: true) ?? ""
      func say(_ answer: RealAnswer) { Output.bytes([UInt8]((try? JSONEncoder().encode(answer)) ?? Data()) + [0x0A]) }
      do {
        try Lab.keepReal(try JSONDecoder().decode([RealComponent].self, from: Data(line.utf8))) { say(RealAnswer(services: $0)) }
      } catch let error as LabError {
        say(RealAnswer(failure: .init(place: error.place, cause: error.cause, remedy: error.remedy)))
        throw Exit.failed
      }
    }
  }
}

/// A preset, or a notebook's system block by FILE#ID, with overrides `PATH=VALUE`.
///
/// - Parameter showsHidden: false leaves a hidden fault out and says so: a drawing is no answer to an exercise.
func resolveSystem(_ name: String, set: [String], learnerSeed: UInt64? = nil, showsHidden: Bool = true) throws -> (spec: SystemSpec, notebook: Notebook?) {
  var diagnostics = Diagnostics()
  if let spec = preset(name, set: set, diagnostics: &diagnostics) { return (spec, nil) }
  if !diagnostics.hasErrors, let hash = name.lastIndex(of: "#") {
    let notebook: Notebook
    do { notebook = try Notebook(String(name[..<hash]), learnerSeed: learnerSeed) } catch {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
    let id = String(name[name.index(after: hash)...])
    var set = set
    if !showsHidden, let count = notebook.planned.hiddenFaults[id] {
      Output.error("\(id) hides one of \(count) faults, chosen by the learner's seed; it is left out here\n")
      set.append("hidden.off=true")
    }
    if let spec = Planner(notebook.context).system(id, in: notebook.document, set: set, diagnostics: &diagnostics) { return (spec, notebook) }
  }
  if diagnostics.hasErrors {
    for diagnostic in diagnostics.all { Output.failure(diagnostic) }
    throw Exit.failed
  }
  let near = nearestName(to: name, among: presetNames).map { "did you mean `\($0)`?" }
  Output.failure(
    Diagnostic("unknown-system", .error, "there is no system `\(name)`", remedy: near ?? "the presets are \(presetNames.joined(separator: ", ")); a notebook's is FILE#ID"))
  throw Exit.failed
}

/// Where a client begins, and what it must speak.
private func entryText(_ spec: SystemSpec, _ ready: LabReady) -> String {
  let address = "127.0.0.1:\(ready.port)"
  return switch spec.transport {
  case nil: "http://\(address)"
  case .tls?: "https://\(address), with a throw-away certificate"
  case .http2?: "https://\(address), HTTP/2 by ALPN, with a throw-away certificate"
  case .http2Clear?: "http://\(address), HTTP/2 with prior knowledge"
  }
}
