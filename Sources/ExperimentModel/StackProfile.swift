// Where a program spent its CPU time, as samples of its stack: a value that the kernel fills, that results keep, and
// that flame graphs and shares are made from.

import Statistics

/// Stacks with the number of samples in which each was seen.
public struct StackProfile: Codable, Hashable, Sendable {
  public struct Stack: Codable, Hashable, Sendable {
    /// Functions from the outermost to the one that ran; "module`function" for code of a library.
    public var frames: [String]
    public var count: Int
    public init(_ frames: [String], _ count: Int) { self.frames = frames; self.count = count }
  }

  /// Distinct, in the order of their frames' names.
  public private(set) var stacks: [Stack]
  /// Samples that were due and could not be kept; they are in no share.
  public var dropped: Int
  /// Samples per second of CPU time that were asked for, in Hz.
  public var rate: Double
  /// CPU time of the process while it was sampled.
  public var cpuSeconds: Double
  /// What a reader must know; sentences without a full stop.
  public var doubts: [String]

  /// Equal stacks are added up; stacks without frames or samples are left out.
  public init(stacks: [Stack], dropped: Int = 0, rate: Double, cpuSeconds: Double, doubts: [String] = []) {
    var counts: [[String]: Int] = [:]
    for stack in stacks where stack.count > 0 && !stack.frames.isEmpty { counts[stack.frames, default: 0] += stack.count }
    self.stacks = counts.map { Stack($0.key, $0.value) }.sorted { $0.frames.lexicographicallyPrecedes($1.frames) }
    self.dropped = dropped; self.rate = rate; self.cpuSeconds = cpuSeconds; self.doubts = doubts
  }

  /// Samples in all, without the dropped ones.
  public var samples: Int { stacks.reduce(0) { $0 + $1.count } }
}

/// The samples of one function.
public struct FunctionShare: Codable, Hashable, Sendable {
  public var function: String
  /// In which it ran itself.
  public var ownSamples: Int
  /// In which it was on the stack, once for each sample however often it recurs.
  public var allSamples: Int
  /// Of the whole profile.
  public var samples: Int

  /// `ownSamples` over `samples` with Wilson's 95 % interval; 0 without an interval for an empty profile.
  public var own: Estimate { estimate(ownSamples) }
  /// `allSamples` over `samples` with Wilson's 95 % interval; 0 without an interval for an empty profile.
  public var total: Estimate { estimate(allSamples) }

  /// Samples are taken as independent: the timer's period is a prime fraction of a second, so that it keeps no step
  /// with a loop. Where a subject repeats a short cycle the samples are spread evenly and the interval is too wide.
  private func estimate(_ count: Int) -> Estimate {
    guard let interval = wilsonInterval(successes: count, of: samples) else { return Estimate(0) }
    return Estimate(Double(count) / Double(samples), low: interval.low, high: interval.high)
  }
}

extension StackProfile {
  /// Every function, the one with the most samples of its own first, then by all samples, then by name.
  public var functions: [FunctionShare] {
    let samples = samples
    var found: [String: FunctionShare] = [:]
    for stack in stacks {
      for name in Set(stack.frames) {
        let none = FunctionShare(function: name, ownSamples: 0, allSamples: 0, samples: samples)
        found[name, default: none].allSamples += stack.count
      }
      if let last = stack.frames.last { found[last]?.ownSamples += stack.count }
    }
    return found.values.sorted { ($1.ownSamples, $1.allSamples, $0.function) < ($0.ownSamples, $0.allSamples, $1.function) }
  }

  /// The first `limit` of `functions`.
  public func top(_ limit: Int) -> [FunctionShare] { Array(functions.prefix(limit)) }

  /// The share of a function, given as it stands in a stack or by its last part: `dedupe` finds `fence.dedupe`.
  ///
  /// A name that is in no stack has the share 0 with an upper bound; nil only when there are no samples.
  public func share(of function: String) -> FunctionShare? {
    let samples = samples
    guard samples > 0 else { return nil }
    var share = FunctionShare(function: function, ownSamples: 0, allSamples: 0, samples: samples)
    for stack in stacks where stack.frames.contains(where: { frameName($0, is: function) }) {
      share.allSamples += stack.count
      if let last = stack.frames.last, frameName(last, is: function) { share.ownSamples += stack.count }
    }
    return share
  }

  /// Only the samples below `function`, with it as the outermost frame: what the harness around a subject does is
  /// not the subject's time. `outside` is the number of samples that were left out.
  public func rooted(at function: String) -> (profile: StackProfile, outside: Int) {
    let inner = stacks.compactMap { stack in
      stack.frames.firstIndex { frameName($0, is: function) }.map { Stack(Array(stack.frames[$0...]), stack.count) }
    }
    let profile = StackProfile(stacks: inner, dropped: dropped, rate: rate, cpuSeconds: cpuSeconds, doubts: doubts)
    return (profile, samples - profile.samples)
  }

  /// The same with stacks below `share` of the samples moved up to their callers, until they are no longer below it:
  /// small enough to be kept in git. No sample is lost, and no share of a frame that is left changes but its own.
  public func pruned(share: Double = 0.002) -> StackProfile {
    let least = Int((share * Double(samples)).rounded(.up))
    var counts = Dictionary(uniqueKeysWithValues: stacks.map { ($0.frames, $0.count) })
    for depth in stride(from: stacks.map(\.frames.count).max() ?? 0, to: 1, by: -1) {
      for (frames, count) in counts where frames.count == depth && count < least {
        counts[frames] = nil
        counts[Array(frames.dropLast()), default: 0] += count
      }
    }
    return StackProfile(
      stacks: counts.map { Stack($0.key, $0.value) }, dropped: dropped, rate: rate, cpuSeconds: cpuSeconds, doubts: doubts)
  }

  /// One line for each stack, `main;subject;inner 42`, the format of Brendan Gregg's flame graph tools (2011).
  public var folded: String { stacks.map { $0.folded + "\n" }.joined() }

  /// Reads the folded format; empty lines and lines that begin with `#` are skipped.
  ///
  /// - Returns: nil when a line has no stack or no count.
  public init?(folded text: String, dropped: Int = 0, rate: Double, cpuSeconds: Double) {
    var stacks: [Stack] = []
    for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") && line.contains(where: { $0 != " " }) {
      guard let stack = Stack(folded: line) else { return nil }
      stacks.append(stack)
    }
    self.init(stacks: stacks, dropped: dropped, rate: rate, cpuSeconds: cpuSeconds)
  }
}

extension StackProfile.Stack {
  /// `main;subject;inner 42`; a `;` in a name becomes `:`, a line break a space.
  public var folded: String {
    let names = frames.map { name in String(name.map { $0 == ";" ? ":" : $0.isNewline ? " " : $0 }) }
    return names.joined(separator: ";") + " \(count)"
  }

  /// As one string: results files hold hundreds of these.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let line = try container.decode(String.self)
    guard let stack = Self(folded: line[...]) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "`\(line)` is not `frame;frame COUNT`")
    }
    self = stack
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(folded)
  }

  /// `main;subject;inner 42`; names may hold spaces. nil when the stack or a count of at least 0 is missing.
  public init?(folded line: Substring) {
    guard let space = line.lastIndex(of: " "), let count = Int(line[line.index(after: space)...]), count >= 0 else { return nil }
    let frames = line[..<space].split(separator: ";", omittingEmptySubsequences: true).map(String.init)
    guard !frames.isEmpty else { return nil }
    self.init(frames, count)
  }
}

/// Whether a frame is called `name`, with its module or type or without. A closure in it is another function.
private func frameName(_ frame: String, is name: String) -> Bool {
  if frame == name { return true }
  guard frame.hasSuffix(name), !frame.contains(" in ") else { return false }
  guard let before = frame.utf8.dropLast(name.utf8.count).last else { return true }
  return before == UInt8(ascii: ".") || before == UInt8(ascii: "`") || before == UInt8(ascii: ":")
}
