// Whether what would run is what was trusted, and if not, what is new.

/// What stands between a notebook and its run.
public struct TrustVerdict: Sendable {
  /// Would run and was not trusted.
  public var missing: [ExecutablePart]
  /// Those of `missing` that stand where something else was trusted.
  public var changed: [ExecutablePart]
  /// When the person trusted this notebook; nil: never.
  public var since: String?

  public var isTrusted: Bool { missing.isEmpty }

  /// Nothing is new but code that the lesson asks its reader to change.
  public var isOwnEdit: Bool { !missing.isEmpty && missing.allSatisfy(\.isEdit) && changed.count == missing.count }

  /// - Parameters:
  ///   - needed: what would run.
  ///   - record: what the person trusted of this notebook.
  ///   - shipped: digests of what came with nb, by title.
  public init(needed: [ExecutablePart], record: TrustRecord?, shipped: [String: Set<String>]) {
    let digests = Set(record?.parts.map(\.digest) ?? []).union(shipped.values.joined())
    let titles = Set(record?.parts.map(\.title) ?? []).union(shipped.keys)
    missing = needed.filter { !digests.contains($0.digest) }
    changed = missing.filter { titles.contains($0.title) }
    since = record?.since
  }
}
