// What a machine must have for a block to run on it.

/// A block's `requires`. It is no part of the question: on a machine that has less the same question stays open.
public struct Requirements: Codable, Hashable, Sendable {
  public enum System: String, Codable, Sendable, CaseIterable { case linux, macos }

  public var os: System?
  /// Programs that must be on the PATH.
  public var tools: [String]?
  /// CPUs' worth of time.
  public var cores: Int?
  /// Bytes that must be free where a lab keeps its files.
  public var disk: Int?
  /// `disk` as the author wrote it.
  public var diskText: String?
  public init(os: System? = nil, tools: [String]? = nil, cores: Int? = nil, disk: Int? = nil, diskText: String? = nil) {
    self.os = os; self.tools = tools; self.cores = cores; self.disk = disk; self.diskText = diskText
  }

  /// What of it a machine lacks, as it goes on after "needs ": the same words on every machine that lacks the same, since
  /// they stand in the notebook. nil: nothing.
  ///
  /// - Parameters:
  ///   - cores: of the machine; nil: unknown, which is not held against it.
  ///   - disk: free bytes, likewise.
  ///   - has: whether a program is there.
  public func lacking(os: System, cores: Double?, disk: Int?, has: (String) -> Bool) -> String? {
    var missing: [String] = []
    if let wanted = self.os, wanted != os { missing.append(wanted == .linux ? "Linux" : "macOS") }
    missing += (tools ?? []).filter { !has($0) }.map { "`\($0)`" }
    if let wanted = self.cores, let cores, cores < Double(wanted) { missing.append("\(wanted) CPU\(wanted == 1 ? "" : "s")") }
    if let wanted = self.disk, let disk, disk < wanted { missing.append("\(diskText ?? "\(wanted) B") of free disk") }
    guard let last = missing.popLast() else { return nil }
    return missing.isEmpty ? last : missing.joined(separator: ", ") + " and \(last)"
  }
}
