// `nb bench --export benchfmt`: the Go benchmark format (golang.org/design/14313-benchmark-format, and what
// golang/perf's benchfmt reads of it), one line a sample, so that `benchstat -col /subject FILE` compares the subjects.
// The format carries no pairs: an analysis of it is unpaired and sees less than nb did.

import ExperimentModel

/// Configuration lines `key: value`, then `Benchmark<Title>/subject=<name> <iterations> <value> <unit> …` for each sample.
///
/// Samples whose time is no finite number are left out and counted in a comment line. Characters that would end a field or
/// a name become `_`, and a name that would end in `-8` loses the hyphen, which readers take for GOMAXPROCS.
public func goBenchmarkText(_ report: BenchReport) -> String {
  var lines: [String] = []
  func configure(_ key: String, _ value: String) {
    // A reader's line buffer is 64 KiB; an empty value would delete the key.
    let line = oneLine(value).trimmingSpaces
    if !line.isEmpty { lines.append("\(key): \(String(line.unicodeScalars.prefix(4000)))") }
  }
  configure("title", report.title)
  configure("environment", report.environment)
  configure("evidence", report.evidence.rawValue)
  configure("machine", report.machine.rawValue)
  for (index, subject) in report.subjects.enumerated() { configure("subject-\(index + 1)", "\(subject.name): \(subject.source)") }

  let title = capitalised(benchmarkName(report.title, otherwise: "Bench"))
  for (subject, name) in zip(report.subjects, distinctNames(report.subjects)) {
    lines.append("")
    var omitted = 0
    for sample in subject.times.indices {
      guard subject.times[sample].isFinite else { omitted += 1; continue }
      lines.append("Benchmark\(title)/subject=\(name) \(max(1, subject.iterations)) \(measurements(subject, sample))")
    }
    if omitted > 0 { lines.append("# \(name): \(omitted) samples without a time are left out") }
    if subject.times.isEmpty { lines.append("# \(name): no samples") }
  }
  return lines.joined(separator: "\n") + "\n"
}

private func measurements(_ subject: BenchSubject, _ sample: Int) -> String {
  var pairs = ["\(plainNumber(subject.times[sample])) ns/op"]
  func add(_ values: [Double], _ unit: String) {
    if values.indices.contains(sample), values[sample].isFinite { pairs.append("\(plainNumber(values[sample])) \(unit)") }
  }
  // golang/perf reads what stands after the last hyphen as the unit, and knows `ns` and `bytes`.
  add(subject.user, "user-ns/op")
  add(subject.system, "system-ns/op")
  add(subject.residentMax, "peak-RSS-bytes")
  for (name, counter) in subject.counters.sorted(by: { $0.key < $1.key }) {
    let unit = benchmarkName(name, otherwise: "count")
    switch counter.unit {
    case .nanoseconds: add(counter.values, "\(unit)-ns/op")
    case .bytes: add(counter.values, "\(unit)-bytes/op")
    default: add(counter.values, "\(unit)/op")
    }
  }
  return pairs.joined(separator: " ")
}

/// Letters, digits and `_.:,+@%`, at most 200 characters; everything else, runs of it as one, becomes `_`.
func benchmarkName(_ text: String, otherwise: String) -> String {
  var out = String.UnicodeScalarView()
  let kept = "0123456789_.:,+@%-".unicodeScalars
  for scalar in text.unicodeScalars.prefix(2000) {
    if scalar.properties.isAlphabetic || kept.contains(scalar) {
      out.append(scalar)
    } else if out.last != "_", !out.isEmpty {
      out.append("_")
    }
  }
  while out.last == "_" { out.removeLast() }
  var name = String(out.prefix(200))
  // `-8` at the end would be read as GOMAXPROCS.
  if let hyphen = name.lastIndex(of: "-"), name[name.index(after: hyphen)...].allSatisfy({ ("0"..."9").contains($0) }) {
    name.replaceSubrange(hyphen...hyphen, with: name[..<hyphen].hasSuffix("_") ? "" : "_")
  }
  return name.isEmpty ? otherwise : name
}

/// Two subjects may have one name; a reader would pool their samples.
private func distinctNames(_ subjects: [BenchSubject]) -> [String] {
  var taken: Set<String> = []
  return subjects.map { subject in
    let wanted = benchmarkName(subject.name, otherwise: "unnamed")
    var name = wanted
    var number = 2
    while !taken.insert(name).inserted {
      name = "\(wanted)_\(number)"
      number += 1
    }
    return name
  }
}

/// `Benchmark` is followed by a capital letter, by convention.
private func capitalised(_ name: String) -> String { name.prefix(1).uppercased() + name.dropFirst() }
