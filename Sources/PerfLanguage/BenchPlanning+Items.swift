// Bench subjects that work in items: the messages of a commit, the objects of a request. What they do is a system's worker or
// heap, so what is varied is a parameter of that system.

import ExperimentModel
import StrictYAML
import TextModel

extension SubjectSpec {
  /// Its iterations are made of messages or objects that share a cost.
  var isOfItems: Bool {
    if case .builtin(let word) = work { word == "commit" || word == "alloc" } else { false }
  }

  /// An iteration is a span, and `n` its attributes.
  var isOfSpans: Bool {
    if case .builtin(let word) = work { spanSubjects.contains(word) } else { false }
  }
}

extension Planning {
  /// `vary` over a path of the system: one system for each value.
  func readParameter(_ path: String, _ block: Block, _ fields: Fields, _ vary: Fields, into cell: inout BenchCell) {
    for subject in cell.subjects where !subject.isOfItems {
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(subject.name)` has no parameter `\(path)` to vary", remedy: "vary `n` or `rows`, or bench `commit` or `alloc`",
        at: vary.place("param"))
      return
    }
    guard var draft = system(named: fields, of: block) else { return }
    draft.apply(fields.contents("set"), findings)
    guard let key = draft.key(at: path) else {
      findings.error(
        PerfDiagnosticID.unknownPath, "the system has no `\(path)` to vary",
        remedy: suggestion(for: path, among: draft.paths + ["n", "rows"], what: "what can be varied"), at: vary.contents("param")?.range ?? vary.place("param"))
      return
    }
    let points = values(vary, "values", key)
    let quick = values(vary, "quick", key)
    if points.count < 2 {
      findings.error(
        PerfDiagnosticID.outOfRange, "`values` needs at least two values to vary", remedy: "such as [1, 5, 20]", at: vary.place("values"))
    }
    for point in quick where !points.contains(where: { $0.number == point.number }) {
      findings.error(
        PerfDiagnosticID.outOfRange, "`quick` has \(point.text), which is not one of the values",
        remedy: "it is the part of `values` that is measured with --quick", at: point.place)
    }
    cell.systems = points.compactMap { point in
      var one = draft
      one.set(path, to: Parameter(value: point.value, place: point.place))
      return resolver.resolve(one, seed: seed(for: draft.id))
    }
    guard cell.systems?.count == points.count else { return }
    cell.variesPath = path
    cell.sizes = points.map { Int($0.number) }
    cell.quickSizes = quick.isEmpty ? nil : quick.map { Int($0.number) }
  }

  func checkSpanAttributes(_ n: Int, at place: SourceRange) {
    guard !spanAttributes.contains(n) else { return }
    findings.error(
      PerfDiagnosticID.outOfRange, "a span has \(spanAttributes.lowerBound) to \(spanAttributes.upperBound) attributes here, not \(n)",
      remedy: "such as 6, or values: [0, 2, 4, 6, 8]", at: place)
  }

  /// What a built-in subject does must be in its system.
  func checkBuiltins(_ cell: BenchCell, _ fields: Fields) {
    for subject in cell.subjects {
      guard let system = subject.system ?? cell.system else { continue }
      if case .builtin("commit") = subject.work, !system.roles.contains(where: { $0.worker != nil }) {
        findings.error(
          PerfDiagnosticID.doesNotApply, "`commit` writes a worker's batches, and the system `\(system.id)` has no worker",
          remedy: "use a system with one, such as `uses: pipeline`", at: fields.place("uses"))
      }
      if case .builtin("alloc") = subject.work, system.heapStage == nil {
        findings.error(
          PerfDiagnosticID.doesNotApply, "`alloc` makes a request's objects, and the system `\(system.id)` has no heap of objects",
          remedy: "add a stage such as `alloc: {kind: mark-sweep, live: 1MiB, heap: 2MiB, per_request: 1MiB}`", at: fields.place("uses"))
      }
    }
  }
}
