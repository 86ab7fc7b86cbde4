// What a bench block times: subjects, how they are paired, and the sizes for which they run.

/// Subjects that are timed beside each other.
///
/// Everything that older plans did not have is optional, so that a block which does not use it keeps its digest.
public struct BenchCell: Codable, Hashable, Sendable {
  public enum Order: String, Codable, CaseIterable, Sendable {
    /// Each round in balanced order: what drifts cancels out.
    case abba
    /// All of the first, then all of the second: what drifts looks like a difference.
    case sequential
  }

  public var subjects: [SubjectSpec]
  /// `subjects[0]` is the baseline when `comparison` is given.
  public var comparison: Comparison?
  /// Pairs per comparison in a full run.
  public var pairs: Int
  public var system: SystemSpec?
  public var seed: UInt64
  /// nil: ABBA.
  public var order: Order?
  /// Values of `n`, or of the rows, for which everything is repeated; nil: each subject has its own `n`.
  public var sizes: [Int]?
  /// The sizes are rows of the system's first dataset instead of `n`; nil: they are `n`.
  public var variesRows: Bool?
  /// The sizes are connections that ask a statement at the same time; nil: they are not. An iteration is then an answer for each.
  public var variesReaders: Bool?
  /// The sizes are values of this parameter of the system, as in `set`; nil: they are not.
  public var variesPath: String?
  /// The system at each of `sizes`, where these are of a parameter.
  public var systems: [SystemSpec]?
  /// What a size is called in addresses.
  public var sizeName: String { variesPath?.split(separator: ".").last.map(String.init) ?? (variesRows == true ? "rows" : variesReaders == true ? "readers" : "n") }
  /// Whether a picture over the sizes has a logarithmic axis: zero has no place on one, and a line is straight on none.
  public var isOnLogAxis: Bool { fitsLine != true && !(sizes ?? []).contains { $0 <= 0 } }
  /// Those of a quick run; nil: all.
  public var quickSizes: [Int]?
  /// The growth exponent of time over `n` is wanted.
  public var fitsSlope: Bool?
  /// The hyperbola of time per item over the items that share a commit or a collection is wanted.
  public var fitsHyperbola: Bool?
  /// The number of readers is wanted from which more of them hardly bring more throughput.
  public var fitsKnee: Bool?
  /// The Universal Scalability Law of throughput over readers is wanted.
  public var fitsScalability: Bool?
  /// The straight line of time over the sizes is wanted.
  public var fitsLine: Bool?
  /// Instructions are wanted also where the processor does not count them.
  public var countsInstructions: Bool?
  /// Shell command before the first sample.
  public var setup: String?
  /// Shell command before each sample of a command, not timed.
  public var prepare: String?

  public init(
    subjects: [SubjectSpec], comparison: Comparison?, pairs: Int, system: SystemSpec?, seed: UInt64
  ) {
    self.subjects = subjects; self.comparison = comparison; self.pairs = pairs
    self.system = system; self.seed = seed
  }
}

public struct SubjectSpec: Codable, Hashable, Sendable {
  public var name: String
  public var work: SubjectWork
  /// Where it differs from the block's; nil: it does not.
  public var system: SystemSpec?
  /// Attributes of a `span…`; nil: six, and for every other subject.
  public var n: Int?
  /// Of sql: each iteration opens a connection of its own and closes it; nil: one is kept.
  public var connectsEach: Bool?
  /// Of a program: what is read out of what it prints; nil: nothing.
  public var counts: [PrintedCount]?
  public init(name: String, work: SubjectWork, system: SystemSpec? = nil, n: Int? = nil) {
    self.name = name; self.work = work; self.system = system; self.n = n
  }

  /// Started once for each sample.
  public var isProgram: Bool {
    switch work {
    case .command: true
    case .fence(let fence): fence.isProcess || fence.language.isAlwaysProcess
    case .builtin, .sql: false
    }
  }
}

/// A metric that a program tells of itself.
public struct PrintedCount: Codable, Hashable, Sendable {
  public var metric: String
  /// Without a group its matches in the output are counted; with one the numbers that it captures are added up, each with its
  /// unit where the metric has one.
  public var pattern: String
  public init(metric: String, pattern: String) { self.metric = metric; self.pattern = pattern }
}

public enum SubjectWork: Codable, Hashable, Sendable {
  /// Work built into the lab: `cache-get` (in process), `memcached-get` (loopback), `commit` (a worker's batch into a synced
  /// log), `alloc` (a request's objects on a heap), `span…` (spans begun and ended with attributes), `spin`.
  case builtin(String)
  /// A SQL fence's statement over the system's data; `:COLUMN` is that column of a row that the seeded key stream draws.
  case sql(String)
  /// A program, started once for each sample.
  case command(CommandSpec)
  /// A code fence, called many times in a child that is started once.
  case fence(FenceSpec)
}

public struct CommandSpec: Codable, Hashable, Sendable {
  /// As one would type it.
  public var text: String
  /// true: `sh -c`; false: split into words, no shell.
  public var usesShell: Bool
  public init(text: String, usesShell: Bool) { self.text = text; self.usesShell = usesShell }
}

public enum FenceLanguage: String, Codable, CaseIterable, Sendable {
  case swift, c, python, javascript, java
  case shell = "sh"

  /// It has no harness: a fence is a program, started for each iteration.
  public var isAlwaysProcess: Bool { self == .java || self == .shell }
  /// Words can be given to what runs it, before the program: `-Xmx64m`.
  public var takesOptions: Bool { self == .java || self == .python || self == .javascript }

  /// The language of a fence's info string; `py` and `js` are known too.
  public init?(info: String) {
    switch info {
    case "py", "python", "python3": self = .python
    case "js", "javascript": self = .javascript
    case "sh", "bash", "shell": self = .shell
    default: self.init(rawValue: info)
    }
  }
}

/// A code fence as a subject. It defines `subject(n)`, which returns a checksum, and may define `setup(n)`, called after each start
/// (NB_BEGAN in its environment: when the block began, nanoseconds of the monotonic clock);
/// a shell fence is a whole command, and of a Java fence the first class has `main`.
public struct FenceSpec: Codable, Hashable, Sendable {
  public var id: String
  public var language: FenceLanguage
  public var source: String
  /// What `subject` is called with; 0 without `n=` in the info string.
  public var n: Int
  /// `mode=process`: it has its own `main` and is started once for each sample.
  public var isProcess: Bool
  /// Words for the interpreter or virtual machine, before the program; `{n}` in those of a program is `n`. nil: none.
  public var options: [String]?
  /// Where the fence stands, for messages; not part of the question.
  public var path: String
  /// Line of the notebook, from 1, on which the fence's first line of code stands.
  public var line: Int
  public init(
    id: String, language: FenceLanguage, source: String, n: Int, isProcess: Bool = false, path: String = "", line: Int = 1
  ) {
    self.id = id; self.language = language; self.source = source; self.n = n
    self.isProcess = isProcess; self.path = path; self.line = line
  }
}
