// What a profiled child answers to `profile stop`, line by line, as a StackProfile. No I/O: the caller reads lines.

import ExperimentModel

/// Collects the answer of a profiler; see ProfilerSource for its lines.
struct ProfileAnswer {
  /// A profile of a few seconds has some hundred distinct stacks; a child that sends more than this is not answering.
  static let stacksMax = 200_000

  private var stacks: [StackProfile.Stack] = []
  private var fields: [String: Double] = [:]

  /// Takes a line.
  ///
  /// - Returns: the profile with the last line, nil before.
  /// - Throws: `MeasureError` when the child reports an error or the line is no part of an answer.
  mutating func take(_ line: String) throws(MeasureError) -> StackProfile? {
    if line == "profile end" { return try finished() }
    if line.hasPrefix("stack "), stacks.count < Self.stacksMax {
      let words = line.split(separator: " ", maxSplits: 2)
      if words.count == 3, let count = Int(words[1]), count > 0 {
        stacks.append(.init(words[2].split(separator: ";").map { readableFunctionName(String($0)) }, count))
        return nil
      }
    }
    if line.hasPrefix("profile samples="), fields.isEmpty {
      for field in line.split(separator: " ").dropFirst() {
        let parts = field.split(separator: "=", maxSplits: 1)
        if parts.count == 2, let value = Double(parts[1]) { fields[String(parts[0])] = value }
      }
      return nil
    }
    if line.hasPrefix("error:") { throw MeasureError("no profile: \(line.dropFirst(6).drop { $0 == " " })") }
    throw MeasureError("`\(line.prefix(200))` is no part of a profile", remedy: "this is a mistake of nb; please report it")
  }

  private func finished() throws(MeasureError) -> StackProfile {
    guard let samples = fields["samples"], let rate = fields["hz"], let cpu = fields["cpu_ns"] else {
      throw MeasureError("a profile without its totals", remedy: "this is a mistake of nb; please report it")
    }
    let profile = StackProfile(stacks: stacks, dropped: Int(fields["dropped"] ?? 0), rate: rate, cpuSeconds: cpu / 1e9)
    guard profile.samples == Int(samples) else {
      throw MeasureError(
        "a profile of \(Int(samples)) samples has \(profile.samples)", remedy: "this is a mistake of nb; please report it")
    }
    var whole = profile
    whole.doubts = doubts(profile, cpu)
    return whole
  }

  private func doubts(_ profile: StackProfile, _ cpu: Double) -> [String] {
    var doubts: [String] = []
    if profile.samples < 100 { doubts.append("\(profile.samples) samples say little: run the subject for longer") }
    if profile.dropped > 0 { doubts.append("\(profile.dropped) samples found no room and are in no share") }
    if let own = fields["thread_cpu_ns"], own < 0.9 * cpu {
      doubts.append("\(percent(1 - own / cpu)) of the CPU time was on other threads, which are not sampled")
    }
    if let wall = fields["wall_ns"], cpu < 0.8 * wall {
      let idle = percent(1 - cpu / wall)
      doubts.append("for \(idle) of the time the subject did not run: a profile of CPU time does not show what it waits for")
    }
    return doubts
  }

  private func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
}

