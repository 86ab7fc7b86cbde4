// What only some bench subjects have: a connection for each statement, options of an interpreter, counts out of what a program
// prints; and the number of connections that ask at the same time.

import ExperimentModel
import StrictYAML
import TextModel

extension BenchCell {
  /// What its fit finds.
  var fitMetrics: Set<String> {
    if fitsKnee == true { return ["knee"] }
    if fitsScalability == true { return MetricSets.scalability }
    if fitsLine == true { return MetricSets.line }
    return fitsSlope == true ? ["slope"] : fitsHyperbola == true ? MetricSets.hyperbola : []
  }
}

extension Planning {
  /// `connection`, `options` and `counts`, each where it means something.
  func readExtras(_ subject: SubjectSpec, _ fields: Fields) -> SubjectSpec {
    var subject = subject
    func refuse(_ key: String, _ whose: String, _ remedy: String) {
      findings.error(PerfDiagnosticID.doesNotApply, "`\(key)` is of \(whose), and `\(subject.name)` is none", remedy: remedy, at: fields.place(key))
    }
    if fields.has("connection") {
      guard case .sql = subject.work else {
        refuse("connection", "an sql fence", "leave it out")
        return subject
      }
      if fields.text("connection") == "each" { subject.connectsEach = true }
    }
    if fields.has("options") {
      if case .fence(var fence) = subject.work, fence.language.takesOptions {
        fence.options = fields.texts("options").map(\.text)
        subject.work = .fence(fence)
      } else {
        refuse("options", "a java, python or javascript fence", "write a command's options into the command")
      }
    }
    if fields.has("counts") {
      guard subject.isProgram else {
        refuse("counts", "a program", "use a `command`, a `shell` line, or a fence with `mode=process`")
        return subject
      }
      subject.counts = readCounts(fields)
    }
    return subject
  }

  private func readCounts(_ fields: Fields) -> [PrintedCount] {
    guard let entries = fields.contents("counts")?.entries, !entries.isEmpty else {
      findings.error(
        PerfDiagnosticID.wrongType, "`counts` is a mapping of regular expressions by metric", remedy: "such as {collections: 'Pause'}",
        at: fields.contents("counts")?.range ?? fields.place("counts"))
      return []
    }
    return entries.compactMap { entry in
      guard let metric = Metric.named(entry.key), !MetricSets.bench.contains(entry.key) else {
        findings.error(
          PerfDiagnosticID.unknownMetric, Metric.named(entry.key) == nil ? "there is no metric `\(entry.key)`" : "`\(entry.key)` is what a bench measures itself",
          remedy: suggestion(for: entry.key, among: ["collections", "gc_time"], what: "what programs often tell"), at: entry.keyRange)
        return nil
      }
      guard let pattern = entry.value.text, !entry.value.isNull, (try? Regex(pattern)) != nil else {
        findings.error(
          PerfDiagnosticID.wrongType, "`\(metric.name)` of `counts` is not a regular expression", remedy: "such as 'Pause' or 'Pause.* ([0-9.]+ms)'",
          at: entry.value.range)
        return nil
      }
      return PrintedCount(metric: metric.name, pattern: pattern)
    }
  }

  /// `vary: {param: readers}` and its fits.
  func readReaders(_ values: [Int], _ quick: [Int], _ fields: Fields, _ vary: Fields, into cell: inout BenchCell) {
    for subject in cell.subjects {
      if case .sql = subject.work { continue }
      findings.error(
        PerfDiagnosticID.doesNotApply, "`\(subject.name)` asks no database that could have several readers", remedy: "vary `n`, or bench `sql` fences",
        at: vary.place("param"))
    }
    for value in values where !(1...512).contains(value) {
      findings.error(
        PerfDiagnosticID.outOfRange, "a bench has 1 to 512 readers, not \(value)", remedy: "each is a thread with a connection", at: vary.place("values"))
    }
    cell.variesReaders = true
    cell.sizes = values
    cell.quickSizes = quick.isEmpty ? nil : quick
    guard fields.has("fit"), let kind = fields.fields("fit")?.text("kind") else { return }
    switch kind {
    case "knee": cell.fitsKnee = true
    case "usl": cell.fitsScalability = true
    default:
      findings.error(
        PerfDiagnosticID.doesNotApply, "a `\(kind)` says nothing about readers", remedy: "fit a `knee` or `usl`", at: fields.place("fit"))
      return
    }
    if values.count < 3 {
      findings.error(
        PerfDiagnosticID.doesNotApply, "a \(kind) needs `vary` with at least three sizes", remedy: "such as values: [1, 2, 4, 8]", at: fields.place("fit"))
    }
  }
}
