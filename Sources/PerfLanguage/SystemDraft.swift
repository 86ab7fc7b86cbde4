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
  /// Keys of a role that answers whose values are read as they are.
  static let plainKeys = ["workers", "timeout", "count", "transport", "conventions"]

  var name: String
  var isEdge = false
  /// `plainKeys` and `queue.limit`; of a worker all but its stages; of an edge all its keys, those of its parts as `retry.max`.
  var params: [String: Parameter]
  /// A worker has one, of no client's method.
  var routes: [RouteDraft]
  var place: SourceRange
  /// What differs in one instance, in order: its number from 1, and a path below the role.
  var overrides: [(number: Int, path: String, value: Parameter)] = []
  var isWorker = false

  /// The rows of the table that a path may set: those of `role.param`.
  var keys: [Key] {
    if isEdge { return SystemDraft.edgePathKeys }
    if isWorker { return Shape.worker.keys.filter { !["kind", "stages"].contains($0.name) } }
    return SystemDraft.roleKeys
  }
}

struct SystemDraft {
  var id: String
  var roles: [RoleDraft]
  var data: [DatasetSpec]
  /// The switches of `telemetry`, and the sources of its attributes.
  var telemetry: [String: Parameter] = [:]
  var attributes: [RequestAttribute] = []
  /// A fault that the learner's seed chooses.
  var hidden: HiddenDraft?
  var place: SourceRange
  /// The block has mistakes of its own, which were reported.
  var isBroken = false
  /// Systems up to this one that extend each other.
  var chain = 1
}

extension SystemDraft {
  /// The rows of the table that a path may set in a role that answers: those of `role.param`.
  static let roleKeys: [Key] =
    Shape.role.keys.filter { RoleDraft.plainKeys.contains($0.name) }
    + Shape.queue.keys.filter { $0.name == "limit" }.map { Key("queue.limit", $0.type, $0.meaning, standard: $0.standard) }

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
    } + dataPaths + Self.telemetryKeys.map { "telemetry.\($0.name)" } + (hidden == nil ? [] : ["hidden.off"])
  }

  /// The row of a path, or nil when there is no such path.
  func key(at path: String) -> Key? {
    ownKey(at: path) ?? dataPath(path).flatMap { Shape.dataset.key($0.param) }
  }

  /// The row of a path to a role or a stage.
  func ownKey(at path: String) -> Key? {
    guard let dot = path.firstIndex(of: ".") else { return nil }
    let name = String(path[..<dot])
    let param = String(path[path.index(after: dot)...])
    if name == Self.telemetryName { return Self.telemetryKeys.first { $0.name == param } }
    if name == HiddenDraft.name { return hidden != nil && param == "off" ? HiddenDraft.offKey : nil }
    if let role = roles.first(where: { $0.name == name }) {
      if let (_, rest) = Self.instancePath(param), !role.isEdge, !role.isWorker { return instanceKey(rest, in: role) }
      if let key = role.keys.first(where: { $0.name == param }) { return key }
    }
    guard let stage = roles.lazy.flatMap(\.routes).flatMap(\.stages).first(where: { $0.name == name }) else { return nil }
    if param == "off" { return Key("off", .flag, "remove this stage") }
    return Self.unset.contains(param) ? nil : stage.kind.key(param)
  }

  /// `4.backend.mean` is `backend.mean` of instance 4.
  private static func instancePath(_ param: String) -> (number: Int, rest: String)? {
    let parts = param.split(separator: ".", maxSplits: 1)
    guard parts.count == 2, let number = Int(parts[0]), number > 0 else { return nil }
    return (number, String(parts[1]))
  }

  /// The row of a path below an instance: the role's own `workers`, or a parameter of one of its stages.
  private func instanceKey(_ path: String, in role: RoleDraft) -> Key? {
    if !["count", "conventions"].contains(path), let key = Self.roleKeys.first(where: { $0.name == path }) { return key }
    var alone = self
    alone.roles = [role]
    alone.roles[0].overrides = []
    guard let dot = path.firstIndex(of: "."), path[..<dot] != role.name[...] else { return nil }
    return alone.key(at: path)
  }

  /// Sets the value at a path that `key(at:)` knows.
  mutating func set(_ path: String, to parameter: Parameter) {
    if ownKey(at: path) == nil, let (index, param) = dataPath(path), param == "rows" {
      data[index] = data[index].resized(to: parameter.value.plain.map { Int($0) } ?? 0)
      return
    }
    guard let dot = path.firstIndex(of: ".") else { return }
    let name = String(path[..<dot])
    let param = String(path[path.index(after: dot)...])
    if name == Self.telemetryName { telemetry[param] = parameter }
    if name == HiddenDraft.name { hidden?.isOff = parameter.value == .flag(true) }
    for r in roles.indices {
      if roles[r].name == name {
        if let (number, rest) = Self.instancePath(param), !roles[r].isEdge, !roles[r].isWorker {
          roles[r].overrides.append((number, rest, parameter))
        } else if roles[r].keys.contains(where: { $0.name == param }) {
          roles[r].setParam(param, to: parameter)
        }
      }
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
    for entry in entries { apply(entry.key, entry.value, at: entry.keyRange, findings) }
  }

  mutating func apply(_ path: String, _ value: YAMLNode, at place: SourceRange, _ findings: Findings) {
    if value.entries != nil, let (index, name) = edgePart(at: path), let part = Self.edgePart(name) {
      let fields = Fields(value, part, findings)
      if !fields.isBroken { roles[index].setPart(name, to: fields, at: place) }
      return
    }
    if applyIndexes(path, value, findings) { return }
    guard let key = key(at: path) else {
      findings.error(
        PerfDiagnosticID.unknownPath, "the system `\(id)` has no `\(path)`",
        remedy: suggestion(for: path, among: paths, what: "its paths"), at: place)
      return
    }
    switch convert(value, key) {
    case .success(let converted?): set(path, to: Parameter(value: converted, place: value.range))
    case .success(nil): break
    case .failure(let problem): findings.error(problem.id, problem.cause, remedy: problem.remedy, at: value.range)
    }
  }

  /// `edge.retry`: the role and the part.
  private func edgePart(at path: String) -> (role: Int, part: String)? {
    let words = path.split(separator: ".").map(String.init)
    guard words.count == 2, let index = roles.firstIndex(where: { $0.name == words[0] && $0.isEdge }) else { return nil }
    return (index, words[1])
  }
}

extension RoleDraft {
  /// A parameter of a part that was not there brings the part with its standards.
  mutating func setParam(_ param: String, to parameter: Parameter) {
    params[param] = parameter
    guard isEdge, let dot = param.firstIndex(of: ".") else { return }
    let part = String(param[..<dot])
    if params[part] == nil { params[part] = Parameter(value: .flag(true), place: parameter.place) }
  }

  /// The role as instance `number` is.
  func instance(_ number: Int, of draft: SystemDraft) -> RoleDraft {
    var alone = draft
    alone.roles = [self]
    alone.roles[0].overrides = []
    for one in overrides where one.number == number {
      // A role's own parameter, or `STAGE.param`.
      let isOwn = SystemDraft.roleKeys.contains { $0.name == one.path }
      alone.set(isOwn ? "\(name).\(one.path)" : one.path, to: one.value)
    }
    return alone.roles[0]
  }
}

extension SystemDraft {
  /// What traffic that enters finds: behind the edge in front the routes of its origin, else those of all roles.
  var entryRoutes: [RouteDraft] {
    let asked = Set(roles.filter(\.isEdge).compactMap(\.upstream))
    guard let front = roles.first(where: { $0.isEdge && !asked.contains($0.name) }) else { return clientRoutes }
    return routes(of: front)
  }

  /// The role's routes; an edge answers for what is behind it.
  func routes(of role: RoleDraft) -> [RouteDraft] {
    var role: RoleDraft? = role
    for _ in roles {
      guard let edge = role, edge.isEdge else { break }
      role = roles.first { $0.name == edge.upstream }
    }
    return role?.routes ?? []
  }
}

extension RoleDraft {
  var upstream: String? { if isEdge, case .text(let name)? = params["upstream"]?.value { name } else { nil } }
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
