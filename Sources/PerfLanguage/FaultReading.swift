// The fault timeline of a load block: entries become FaultSpecs. What a toxic takes is ExperimentModel's table, the same that a
// lab holds what it is sent to; what a system has to be done something to is known here.

import ExperimentModel
import StrictYAML
import TextModel

/// What a system has that a fault can be done to.
struct FaultTargets {
  let draft: SystemDraft

  private var origins: [RoleDraft] { draft.roles.filter { !$0.isEdge && !$0.isWorker } }
  private var edges: [RoleDraft] { draft.roles.filter(\.isEdge) }

  func names(_ reach: Toxic.Reach) -> [String] {
    switch reach {
    case .role: draft.roles.filter { !$0.isEdge }.flatMap(\.targets)
    case .answers, .connections: (origins + edges).flatMap(\.targets)
    case .process: [Toxic.process] + (draft.roles.count == 1 ? [draft.roles[0].name] : [])
    case .cache:
      draft.roles.flatMap(\.routes).flatMap(\.stages).filter { $0.kind == .cache }.map(\.name)
        + edges.filter { $0.params["cache"] != nil }.map(\.name)
    }
  }

  static func words(_ reach: Toxic.Reach) -> String {
    switch reach {
    case .role: "a role"
    case .answers: "a role that answers requests"
    case .connections: "a role or an edge that clients connect to"
    case .process: "the lab's process"
    case .cache: "a cache"
    }
  }

  /// Who has connections in common with `target`: without an edge, all roles answer at one port.
  func sharers(of target: String) -> [String] {
    guard edges.isEmpty, let own = origins.first(where: { $0.targets.contains(target) }) else { return [] }
    return origins.map(\.name).filter { $0 != own.name }
  }
}

extension TrafficReader {
  func faults() -> [FaultSpec] {
    guard let layer = layer("faults") else { return [] }
    let targets = FaultTargets(draft: draft)
    return layer.items("faults").compactMap { fault($0, targets) }
  }

  /// nil after a mistake, which is reported.
  private func fault(_ item: YAMLNode, _ targets: FaultTargets) -> FaultSpec? {
    let fields = Fields(item, .fault, findings)
    guard let at = fields.duration("at"), let target = fields.text("target"), let toxic = fields.text("toxic").flatMap(Toxic.init) else {
      return nil
    }
    var fault = FaultSpec(at: at, duration: fields.duration("for") ?? .zero, target: target, toxic: toxic)
    for key in ToxicParameters.names { if fields.has(key), let value = fields.value(key)?.plain { fault.parameters.set(key, to: value) } }
    var isRight = checkTarget(fault, targets, fields.contents("target")?.range ?? item.range)
    for problem in fault.problems where !(problem.kind == .missing && fields.mentions(problem.key)) {
      let id =
        switch problem.kind {
        case .missing: PerfDiagnosticID.missingKey
        case .doesNotApply: PerfDiagnosticID.doesNotApply
        case .outOfRange: PerfDiagnosticID.outOfRange
        }
      findings.error(id, problem.cause, remedy: problem.remedy, at: fields.place(problem.kind == .missing ? "toxic" : problem.key))
      isRight = false
    }
    if toxic.isEvent, fields.has("for") {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`for` does nothing with `\(toxic.rawValue)`, which happens at once", remedy: "leave it out",
        at: fields.place("for"))
      isRight = false
    }
    if fields.has("for"), !toxic.isEvent, fault.duration == .zero {
      findings.error(
        PerfDiagnosticID.outOfRange, "`for` of a fault lies above 0", remedy: "leave it out for a fault that lasts until the slice ends",
        at: fields.place("for"))
      isRight = false
    }
    return isRight ? fault : nil
  }

  private func checkTarget(_ fault: FaultSpec, _ targets: FaultTargets, _ place: SourceRange) -> Bool {
    guard !draft.isBroken else { return true }
    let (reach, word) = (fault.toxic.reach, fault.toxic.rawValue)
    let names = targets.names(reach)
    guard names.contains(fault.target) else {
      let isShared = reach == .process && draft.roles.contains { $0.targets.contains(fault.target) }
      findings.error(
        PerfDiagnosticID.unknownTarget,
        isShared
          ? "`\(word)` is of the lab's process, in which `\(fault.target)` is not alone"
          : "`\(word)` needs \(FaultTargets.words(reach)), and `\(fault.target)` is none of the system `\(draft.id)`",
        remedy: isShared ? "write `target: \(Toxic.process)`: all roles together" : suggestion(for: fault.target, among: names, what: "targets"),
        at: place)
      return false
    }
    if reach == .connections, let entry = draft.roles.first(where: { ($0.params["transport"]?.value).map { [.text("http2"), .text("http2-clear")].contains($0) } ?? false }) {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(word)` is of connections, and the streams of `\(entry.name)`, which speaks HTTP/2, have none of their own",
        remedy: "use `transport: tls` or `http1` here", at: place)
      return false
    }
    let sharers = reach == .connections ? targets.sharers(of: fault.target) : []
    guard sharers.isEmpty else {
      findings.error(
        PerfDiagnosticID.doesNotApply,
        "`\(word)` is of connections, and `\(fault.target)` shares its own with \(sharers.map { "`\($0)`" }.joined(separator: ", "))",
        remedy: "put an edge before it: behind one, every role has a port of its own", at: place)
      return false
    }
    return true
  }
}
