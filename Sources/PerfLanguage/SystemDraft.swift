// A system as written, before overrides: every parameter is a value under its key, so that a path of
// `set` names exactly what the block could say. SystemResolution.swift makes a SystemSpec of it.

import ExperimentModel
import StrictYAML
import TextModel

/// A parameter and where it was said.
struct Parameter {
  var value: Value
  var place: SourceRange
}

struct StageDraft {
  /// One of `stageKinds`.
  var kind: Shape
  var name: String
  var params: [String: Parameter]
  var isOff = false
  var place: SourceRange
  /// The end of the innermost open `lock`: a marker, so that stages stay one list.
  var isEnd = false
}

struct RouteDraft {
  var method: String
  var path: String
  var stages: [StageDraft]
  var place: SourceRange
  /// The names in `{…}` of the path.
  var variables: [String] { templateVariables(path) }
}

struct RoleDraft {
  var name: String
  /// `workers`, `timeout`, `queue.limit`; of a worker all but its stages.
  var params: [String: Parameter]
  /// A worker has one, of no client's method.
  var routes: [RouteDraft]
  var place: SourceRange
  var isWorker = false

  /// The rows of the table that a path may set: those of `role.param`.
  var keys: [Key] {
    if isWorker { return Shape.worker.keys.filter { !["kind", "stages"].contains($0.name) } }
    return Shape.role.keys.filter { ["workers", "timeout"].contains($0.name) }
      + Shape.queue.keys.filter { $0.name == "limit" }.map { Key("queue.limit", $0.type, $0.meaning, standard: $0.standard) }
  }
}

struct SystemDraft {
  var id: String
  var roles: [RoleDraft]
  var data: [DatasetSpec]
  var place: SourceRange
  /// The block has mistakes of its own, which were reported.
  var isBroken = false
}

extension SystemDraft {
  /// Routes that a client can ask for.
  var clientRoutes: [RouteDraft] { roles.filter { !$0.isWorker }.flatMap(\.routes) }

  /// Keys of stages that no path sets.
  private static let unset: Set<String> = ["as", "inside"]

  /// Every path that `set` accepts, for suggestions.
  var paths: [String] {
    roles.flatMap { role in
      role.keys.map { "\(role.name).\($0.name)" }
        + role.routes.flatMap(\.stages).filter { !$0.isEnd }.flatMap { stage in
          (stage.kind.keys.map(\.name).filter { !Self.unset.contains($0) } + ["off"]).map { "\(stage.name).\($0)" }
        }
    }
  }

  /// The row of a path, or nil when there is no such path.
  func key(at path: String) -> Key? {
    guard let dot = path.firstIndex(of: ".") else { return nil }
    let name = String(path[..<dot])
    let param = String(path[path.index(after: dot)...])
    if let key = roles.first(where: { $0.name == name })?.keys.first(where: { $0.name == param }) { return key }
    guard let stage = roles.lazy.flatMap(\.routes).flatMap(\.stages).first(where: { $0.name == name }) else { return nil }
    if param == "off" { return Key("off", .flag, "remove this stage") }
    return Self.unset.contains(param) ? nil : stage.kind.key(param)
  }

  /// Sets the value at a path that `key(at:)` knows.
  mutating func set(_ path: String, to parameter: Parameter) {
    guard let dot = path.firstIndex(of: ".") else { return }
    let name = String(path[..<dot])
    let param = String(path[path.index(after: dot)...])
    for r in roles.indices {
      if roles[r].name == name, roles[r].keys.contains(where: { $0.name == param }) { roles[r].params[param] = parameter }
      for route in roles[r].routes.indices {
        for s in roles[r].routes[route].stages.indices where roles[r].routes[route].stages[s].name == name {
          roles[r].routes[route].stages[s].set(param, to: parameter)
        }
      }
    }
  }

  /// Applies `set: {path: value}`; unknown paths and wrong values are reported.
  mutating func apply(_ set: YAMLNode?, _ findings: Findings) {
    guard let set else { return }
    guard let entries = set.entries else {
      findings.error(
        PerfDiagnosticID.wrongType, "`set` is a mapping of paths, not \(set.kindName)", remedy: "such as {product-cache.capacity: 0}",
        at: set.range)
      return
    }
    for entry in entries {
      guard let key = key(at: entry.key) else {
        findings.error(
          PerfDiagnosticID.unknownPath, "the system `\(id)` has no `\(entry.key)`",
          remedy: suggestion(for: entry.key, among: paths, what: "its paths"), at: entry.keyRange)
        continue
      }
      switch convert(entry.value, key) {
      case .success(let value?): self.set(entry.key, to: Parameter(value: value, place: entry.value.range))
      case .success(nil): break
      case .failure(let problem): findings.error(problem.id, problem.cause, remedy: problem.remedy, at: entry.value.range)
      }
    }
  }
}

extension StageDraft {
  /// What excludes another parameter takes its place: a fence replaces a statement.
  mutating func set(_ param: String, to parameter: Parameter) {
    if param == "off" {
      isOff = parameter.value == .flag(true)
      return
    }
    if param == "fence" { params["statement"] = nil }
    if param == "statement" { params["fence"] = nil }
    params[param] = parameter
  }
}

/// `{id}` in `/product/{id}`, in order.
func templateVariables(_ template: String) -> [String] {
  var names: [String] = []
  var rest = Substring(template)
  while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
    names.append(String(rest[rest.index(after: open)..<close]))
    rest = rest[rest.index(after: close)...]
  }
  return names
}
