// What `nb doctor` finds out about a machine, as values: an item, what it is, and what that does to measurements.

/// One fact about this machine.
public struct MachineFinding: Codable, Hashable, Sendable {
  public enum Verdict: String, Codable, Sendable, CaseIterable {
    case ok
    /// It disturbs measurements; `effect` says how and `remedy` what to do.
    case caution
    /// It could not be read. Never taken for ok.
    case unknown
    /// A tool that is not here; nothing is wrong with measurements.
    case absent
  }

  /// A stable name for scripts: `cpu-governor`.
  public var id: String
  /// For people: `CPU governor`.
  public var item: String
  public var value: String
  public var verdict: Verdict
  /// What it does to measurements; a sentence without a full stop.
  public var effect: String?
  public var remedy: String?

  public init(
    _ id: String, _ item: String, _ value: String, _ verdict: Verdict = .ok, effect: String? = nil, remedy: String? = nil
  ) {
    self.id = id; self.item = item; self.value = value; self.verdict = verdict
    self.effect = effect; self.remedy = remedy
  }
}

/// Where facts about a machine come from: the texts below /proc and /sys, or a fixture's.
public struct MachineFiles: Sendable {
  /// The text of a small file, nil when it cannot be read.
  public var read: @Sendable (String) -> String?
  /// The names in a folder, sorted; empty when it cannot be read.
  public var list: @Sendable (String) -> [String]

  public init(read: @escaping @Sendable (String) -> String?, list: @escaping @Sendable (String) -> [String]) {
    self.read = read
    self.list = list
  }

  /// A machine written down: texts by path. A folder holds what the paths say.
  public init(_ texts: [String: String]) {
    read = { texts[$0] }
    list = { folder in
      let prefix = folder.hasSuffix("/") ? folder : folder + "/"
      let names = texts.keys.filter { $0.hasPrefix(prefix) }.map { $0.dropFirst(prefix.count).prefix { $0 != "/" } }
      return Set(names.map(String.init)).sorted()
    }
  }

  /// The trimmed text of a file of one value; nil also when it is empty.
  func value(_ path: String) -> String? {
    guard let text = read(path)?.trimmedASCII, !text.isEmpty else { return nil }
    return text
  }

  func number(_ path: String) -> Int64? { value(path).flatMap { Int64($0) } }
}

extension StringProtocol {
  /// Without spaces, tabs and line ends around it.
  var trimmedASCII: String {
    var part = Array(utf8)[...]
    func isSpace(_ byte: UInt8?) -> Bool { byte.map { $0 == 0x20 || (0x09...0x0D).contains($0) || $0 == 0 } ?? false }
    while isSpace(part.first) { part.removeFirst() }
    while isSpace(part.last) { part.removeLast() }
    return String(decoding: part, as: UTF8.self)
  }

  /// The value of the first `key: value` line.
  func field(_ key: String) -> String? {
    for line in split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":"), line[..<colon].trimmedASCII == key else { continue }
      return line[line.index(after: colon)...].trimmedASCII
    }
    return nil
  }
}

/// `0-2,5` has four: the kernel's way to write a set of CPUs. nil for anything else.
func cpuListCount(_ text: String) -> Int? {
  var count = 0
  for part in text.split(separator: ",", omittingEmptySubsequences: false) {
    let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, last >= first else { return nil }
    count += last - first + 1
  }
  return count
}
