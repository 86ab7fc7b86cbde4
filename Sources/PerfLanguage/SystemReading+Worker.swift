// A worker of a `system` block, and what a lock holds → parts of a SystemDraft.

import ExperimentModel
import StrictYAML
import TextModel

extension SystemReader {
  func readWorker(_ entry: YAMLEntry, into draft: inout SystemDraft) {
    let fields = Fields(entry.value, .worker, findings)
    guard isBlockName(entry.key) else {
      findings.error(
        PerfDiagnosticID.badName, "`\(entry.key)` is not a name for a role", remedy: "small letters, digits and hyphens, a letter first",
        at: entry.keyRange)
      return
    }
    var role =
      draft.roles.first { $0.name == entry.key && $0.isWorker }
      ?? RoleDraft(name: entry.key, params: [:], routes: [], place: entry.keyRange, isWorker: true)
    for key in role.keys where fields.has(key.name) {
      role.params[key.name] = fields.value(key.name).map { Parameter(value: $0, place: fields.contents(key.name)?.range ?? entry.keyRange) }
    }
    if fields.has("stages") {
      // Its path is known once all publishers are: SystemResolution+Worker.swift.
      role.routes = [
        RouteDraft(method: WorkerSpec.method, path: "/", stages: fields.items("stages").flatMap(readStage), place: fields.place("stages"))
      ]
    }
    for (key, isThere) in [("consumes", role.params["consumes"] != nil), ("stages", !role.routes.isEmpty)]
    where !isThere && !fields.mentions(key) {
      findings.error(
        PerfDiagnosticID.missingKey, "the worker `\(entry.key)` needs `\(key)`",
        remedy: key == "stages" ? "add `stages:` and a list; [] only acknowledges" : "add `consumes:` and the topic of a `publish` stage",
        at: entry.keyRange)
    }
    draft.roles.removeAll { $0.name == entry.key }
    draft.roles.append(role)
  }

  /// The stages of a lock between its beginning and its end.
  func readInside(_ lock: StageDraft, _ fields: Fields) -> [StageDraft] {
    guard fields.has("inside") else { return [lock] }
    if fields.items("inside").isEmpty {
      findings.error(
        PerfDiagnosticID.missingKey, "the lock has nothing inside", remedy: "list the stages that one request at a time may pass",
        at: fields.place("inside"))
    }
    let end = StageDraft(kind: .lock, name: "", params: [:], place: lock.place, isEnd: true)
    return [lock] + fields.items("inside").flatMap(readStage) + [end]
  }
}
