// A `system` block → SystemDraft: roles, routes, stages, datasets. Overrides and closed types come later.

import ExperimentModel
import StrictYAML
import TextModel

struct SystemReader {
  let findings: Findings
  /// Roles that need no `kind`, because they are called after it.
  private static let named: Set<String> = ["origin", "edge", "worker"]

  /// - Parameter base: what `extends` names, already read.
  func read(_ node: YAMLNode, id: String, base: SystemDraft?) -> SystemDraft {
    let before = findings.diagnostics.all.count
    let roleEntries = (node.entries ?? []).filter { Self.named.contains($0.key) || $0.value["kind"]?.text != nil }
    // A role may have any name; what is none of ours and no role is an unknown key.
    let ownRoles = Set(roleEntries.map(\.key)).subtracting(Self.named)
    let fields = Fields(node, .system, findings, ignoring: ownRoles)
    var draft = SystemDraft(id: id, roles: base?.roles ?? [], data: base?.data ?? [], place: fields.place("id"))
    (draft.telemetry, draft.attributes) = (base?.telemetry ?? [:], base?.attributes ?? [])
    draft.hidden = base?.hidden
    if let telemetry = fields.fields("telemetry") { readTelemetry(telemetry, into: &draft) }
    for entry in roleEntries { readRole(entry, into: &draft) }
    if let data = fields.contents("data") { readData(data, into: &draft) }
    if draft.clientRoutes.isEmpty, draft.roles.allSatisfy(\.isWorker), !fields.has("extends") {
      findings.error(
        PerfDiagnosticID.missingKey, "the system `\(id)` has no role, so nothing would answer",
        remedy: "add `origin:` with routes, or `extends: shop`", at: draft.place)
    }
    checkNames(&draft)
    if let hidden = fields.fields("hidden") { readHidden(hidden, into: &draft) }
    checkHidden(draft)
    for entry in roleEntries {
      if let node = entry.value["instances"] { readInstances(node, of: entry.key, into: &draft) }
    }
    draft.isBroken = draft.roles.allSatisfy(\.isWorker) || findings.diagnostics.all[before...].contains { $0.severity == .error } || base?.isBroken == true
    return draft
  }

  // MARK: Roles

  private func readRole(_ entry: YAMLEntry, into draft: inout SystemDraft) {
    let kind = entry.value["kind"]?.text
    let isWorker = kind == "worker" || kind == nil && (draft.roles.first { $0.name == entry.key }?.isWorker ?? (entry.key == "worker"))
    if isWorker { return readWorker(entry, into: &draft) }
    let isEdge = kind == "edge" || kind == nil && (draft.roles.first { $0.name == entry.key }?.isEdge ?? (entry.key == "edge"))
    let fields = Fields(entry.value, isEdge ? .edge : .role, findings)
    guard isBlockName(entry.key) else {
      findings.error(
        PerfDiagnosticID.badName, "`\(entry.key)` is not a name for a role", remedy: "small letters, digits and hyphens, a letter first",
        at: entry.keyRange)
      return
    }
    let index =
      draft.roles.firstIndex { $0.name == entry.key }
      ?? {
        draft.roles.append(RoleDraft(name: entry.key, isEdge: isEdge, params: [:], routes: [], place: entry.keyRange))
        return draft.roles.count - 1
      }()
    if draft.roles[index].isEdge { return readEdge(fields, into: &draft.roles[index]) }
    for name in RoleDraft.plainKeys where fields.has(name) {
      draft.roles[index].params[name] = fields.value(name).map { Parameter(value: $0, place: fields.place(name)) }
    }
    if let queue = fields.fields("queue"), queue.has("limit"), let limit = queue.value("limit") {
      draft.roles[index].params["queue.limit"] = Parameter(value: limit, place: queue.place("limit"))
    }
    if let routes = fields.contents("routes") {
      guard let entries = routes.entries else {
        findings.error(
          PerfDiagnosticID.wrongType, "`routes` is a mapping, not \(routes.kindName)",
          remedy: "such as `GET /product/{id}:` and a list of stages", at: routes.range)
        return
      }
      for route in entries {
        guard let read = readRoute(route) else { continue }
        if let old = draft.roles[index].routes.firstIndex(where: { $0.method == read.method && $0.path == read.path }) {
          draft.roles[index].routes[old] = read
        } else {
          draft.roles[index].routes.append(read)
        }
      }
    }
    if draft.roles[index].routes.isEmpty, !fields.mentions("routes") {
      findings.error(
        PerfDiagnosticID.missingKey, "the role `\(entry.key)` needs `routes`",
        remedy: "add `routes:` with `GET /path:` and a list of stages", at: entry.keyRange)
    }
  }

  // MARK: Routes

  private func readRoute(_ entry: YAMLEntry) -> RouteDraft? {
    guard let route = parseRoute(entry.key) else {
      findings.error(
        PerfDiagnosticID.badRoute, "`\(entry.key)` is not a route", remedy: "write a method and a path, such as `GET /product/{id}`",
        at: entry.keyRange)
      return nil
    }
    guard let items = entry.value.items, !items.isEmpty else {
      findings.error(
        PerfDiagnosticID.wrongType, "a route has a list of stages, not \(entry.value.kindName)",
        remedy: "such as `- bytes: {size: 2KiB}`", at: entry.value.isNull ? entry.keyRange : entry.value.range)
      return nil
    }
    return RouteDraft(method: route.method, path: route.path, stages: items.flatMap(readStage), place: entry.keyRange)
  }

  /// One stage; of a lock also what is inside, and the mark of its end.
  func readStage(_ item: YAMLNode) -> [StageDraft] {
    guard let entries = item.entries, entries.count == 1 else {
      findings.error(
        PerfDiagnosticID.wrongType, "a stage is one `kind: {parameters}`", remedy: "such as `- bytes: {size: 2KiB}`", at: item.range)
      return []
    }
    let entry = entries[0]
    guard let kind = stageKinds.first(where: { $0.rawValue == entry.key }) else {
      findings.error(
        PerfDiagnosticID.unknownStage, "there is no stage `\(entry.key)`",
        remedy: suggestion(for: entry.key, among: stageKinds.map(\.rawValue), what: "stages"), at: entry.keyRange)
      return []
    }
    let fields = Fields(entry.value, kind, findings)
    if kind == .wait, !fields.mentions("stands_for") {
      findings.error(
        PerfDiagnosticID.missingStandsFor, "a wait without `stands_for` would be an unlabelled sleep",
        remedy: "say which remote party it stands for: `stands_for: remote primary database`", at: entry.keyRange)
    }
    if kind == .sql, !fields.mentions("fence"), !fields.mentions("statement") {
      findings.error(
        PerfDiagnosticID.missingKey, "the stage `sql` needs `fence` or `statement`",
        remedy: "name a `sql` code fence: `fence: product-by-id`", at: entry.keyRange)
    }
    var params: [String: Parameter] = [:]
    for key in kind.keys where key.name != "as" && fields.has(key.name) {
      params[key.name] = fields.value(key.name).map { Parameter(value: $0, place: fields.contents(key.name)?.range ?? entry.keyRange) }
    }
    let stage = StageDraft(kind: kind, name: fields.text("as") ?? "", params: params, place: entry.keyRange)
    return kind == .lock ? readInside(stage, fields) : [stage]
  }

  /// Stages without `as` are called after their kind, the second one `bytes-2`; given names are unique.
  private func checkNames(_ draft: inout SystemDraft) {
    var taken = Set(draft.roles.map(\.name) + [SystemDraft.telemetryName, HiddenDraft.name])
    let given = draft.roles.flatMap(\.routes).flatMap(\.stages).filter { !$0.name.isEmpty }
    for stage in given where !taken.insert(stage.name).inserted {
      findings.error(
        PerfDiagnosticID.duplicateName, "two parts of the system `\(draft.id)` are called `\(stage.name)`",
        remedy: "counters and overrides go by name: give each its own `as:`", at: stage.place)
    }
    for r in draft.roles.indices {
      for route in draft.roles[r].routes.indices {
        for s in draft.roles[r].routes[route].stages.indices
        where draft.roles[r].routes[route].stages[s].name.isEmpty && !draft.roles[r].routes[route].stages[s].isEnd {
          let kind = draft.roles[r].routes[route].stages[s].kind.rawValue
          let name = ([kind] + (2...99).map { "\(kind)-\($0)" }).first { !taken.contains($0) } ?? kind
          taken.insert(name)
          draft.roles[r].routes[route].stages[s].name = name
        }
      }
    }
  }
}

private let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

/// `GET /product/{id}`; at most one variable per segment, and each a whole segment.
func parseRoute(_ text: String) -> (method: String, path: String)? {
  let words = text.split(separator: " ")
  guard words.count == 2, methods.contains(String(words[0])), isPath(String(words[1])) else { return nil }
  return (String(words[0]), String(words[1]))
}

func isPath(_ path: String) -> Bool {
  guard path.hasPrefix("/"), path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return false }
  return path.split(separator: "/").allSatisfy { segment in
    let braces = segment.contains("{") || segment.contains("}")
    guard braces else { return true }
    return segment.hasPrefix("{") && segment.hasSuffix("}") && isTableName(String(segment.dropFirst().dropLast()))
  }
}

/// What follows a path's `?`, with or without a `{…}`.
func isQuery(_ path: String) -> Bool {
  path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x23 } && templateVariables(path).allSatisfy(isTableName)
}

func isTableName(_ text: String) -> Bool {
  guard let first = text.utf8.first, first >= 0x61, first <= 0x7A, text.utf8.count <= 64 else { return false }
  return text.utf8.allSatisfy { $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x5F }
}
