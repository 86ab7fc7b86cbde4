// `nb lab`: the systems under test for any load tool, and the hidden child modes of `nb run`.

import ArgumentParser
import DocumentModel
import ExperimentModel
import ExperimentRunner
import Foundation
import LabSystems
import PerfLanguage
import TextModel

struct LabCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lab", abstract: "Lab systems: real servers on loopback with known behaviour.",
    subcommands: [Serve.self, List.self, Describe.self, Referee.self, Subject.self, Real.self])

  struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serve a system until interrupted.")
    @Argument(help: "A preset such as shop, or FILE#ID of a system block.") var system: String?
    @Option(help: "Port on 127.0.0.1; 0 takes a free one.") var port = 0
    @OptionGroup var real: RealOptions
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
        var spec = try resolve(system)
        let kept = try keepReal(real.components(), usedBy: spec.uses, in: system)
        defer { kept?.stop() }
        let used = (kept?.services ?? []).filter { spec.uses($0.component) }
        if !used.isEmpty { spec.real = used }
        try Lab.serve(spec, port: port, followParent: false, directory: directory) { ready in
          Output.standard("\(spec.id) on http://127.0.0.1:\(ready.port)\n")
          for role in spec.roles {
            if let edge = role.edge {
              let count = spec.roles.first { $0.name == edge.upstream }?.instanceCount ?? 1
              Output.standard("  \(role.name) → \(edge.upstream)\(count > 1 ? ", \(count) instances" : "")\n")
            }
            if let worker = role.worker { Output.standard("  \(role.name) consumes \(worker.consumes)\n") }
            for route in role.routes where role.worker == nil { Output.standard("  \(route.method) \(route.path)\n") }
          }
          for service in used { Output.standard("  with \(service.text) on 127.0.0.1:\(service.port)\n") }
          Output.standard("  counters at /_nb/counters; end with Ctrl-C\n")
        }
      } catch let error as LabError {
        Output.failure(Diagnostic("lab-failed", .error, "\(error.place): \(error.cause)", remedy: error.remedy))
        throw Exit.failed
      }
    }
  }

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The preset systems.")
    func run() { Output.standard(presetNames.joined(separator: "\n") + "\n") }
  }

  struct Describe: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "A system with every default, as JSON.")
    @Argument(help: "A preset, or FILE#ID of a system block.") var system: String
    func run() throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
      Output.bytes([UInt8](try encoder.encode(try resolve(system))) + [0x0A])
    }
  }

  /// A bench subject as a child process; speaks lines on stdin and stdout.
  struct Subject: ParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)
    func run() throws {
      let job = try JSONDecoder().decode(BenchJob.self, from: Data((readLine(strippingNewline: true) ?? "").utf8))
      try Lab.benchSubject(job)
    }
  }
}

extension LabCommand {
  /// Real components as a child process: their names as JSON on stdin, one line of JSON back when they are up.
  struct Real: ParsableCommand {
    static let configuration = CommandConfiguration(shouldDisplay: false)
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

/// A preset, or a notebook's system block by FILE#ID.
private func resolve(_ name: String) throws -> SystemSpec {
  if let spec = preset(name) { return spec }
  if let hash = name.lastIndex(of: "#") {
    let notebook: Notebook
    do { notebook = try Notebook(String(name[..<hash])) } catch {
      Output.failure(error.diagnostic)
      throw Exit.failed
    }
    let id = String(name[name.index(after: hash)...])
    if let spec = notebook.planned.systems[id] { return spec }
  }
  let near = nearestName(to: name, among: presetNames).map { "did you mean `\($0)`?" }
  Output.failure(
    Diagnostic("unknown-system", .error, "there is no system `\(name)`", remedy: near ?? "the presets are \(presetNames.joined(separator: ", ")); a notebook's is FILE#ID"))
  throw Exit.failed
}
