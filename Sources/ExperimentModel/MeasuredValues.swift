// Every number of a result under the address that finds it again, for history and exports. The inverse of
// `CellResult.value(at:)`: what is listed here is found there, and no two values share an address.

extension Address {
  /// As one writes it: `onoff.ratio.on.mean`, `hit-curve.hit_ratio@capacity=1000`. Points are in stored units
  /// (a time in nanoseconds), which the reader of addresses takes as they are.
  public var text: String {
    let path = ([block].compactMap { $0 } + arm + [tail]).joined(separator: ".")
    return point.isEmpty ? path : path + "@" + point
  }

  /// The metric, behind the request that it is of: `request.pay.p95`, or `p95{name:GET /}` where the name cannot stand between dots.
  public var tail: String {
    guard let request else { return metric }
    let parts = request.components(" / ")
    return parts.allSatisfy(isAddressPart) ? (["request"] + parts + [metric]).joined(separator: ".") : "\(metric){name:\(request)}"
  }

  /// `capacity=1000,ttl=20000000`, sorted by name; empty without a point.
  public var point: String {
    at.sorted { $0.key < $1.key }.map { name, value in
      "\(name)=\(value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value))"
    }.joined(separator: ",")
  }
}

extension CellResult {
  /// Finite values of all arms, then ratios and differences of all comparisons; sorted by address.
  public var measuredValues: [(address: Address, value: MetricValue)] {
    var found: [(address: Address, value: MetricValue)] = []
    func add(_ arm: [String], _ at: [String: Double], _ metric: String, _ value: MetricValue, request: String? = nil) {
      guard value.estimate.value.isFinite else { return }
      found.append((Address(block: id, arm: arm, metric: metric, at: at, request: request), value))
    }
    for arm in arms {
      let (path, at) = place(of: arm)
      for (metric, value) in arm.metrics { add(path, at, metric, value) }
      for one in arm.requests ?? [] {
        for (metric, value) in one.metrics { add(path, at, metric, value, request: one.name) }
      }
    }
    for comparison in comparisons {
      let at = comparison.at ?? [:]
      for (metric, ratio) in comparison.ratio { add(["ratio", comparison.candidate], at, metric, MetricValue(ratio, .ratio)) }
      for (metric, delta) in comparison.delta { add(["delta", comparison.candidate], at, metric, delta) }
    }
    var seen: Set<Address> = []
    return found.sorted { $0.address.text < $1.address.text }.filter { seen.insert($0.address).inserted }
  }

  /// The arm's part of an address. A swept value such as `100` is no name: its point says which it is, with
  /// only the parameters in which the arms differ.
  private func place(of arm: ArmResult) -> (path: [String], at: [String: Double]) {
    // The only arm of a block is called after it, and nobody writes the name twice.
    if arms.count == 1, arm.name == id { return ([], [:]) }
    let named = arms.filter { !$0.name.isEmpty }
    guard !arm.name.isEmpty, named.count > 1 || isAddressPart(arm.name) else { return ([], [:]) }
    let hasName = isAddressPart(arm.name)
    let rivals = hasName ? named.filter { $0.name == arm.name } : named
    guard rivals.count > 1 else { return ([arm.name], [:]) }
    let differing = arm.params.filter { name, value in rivals.contains { $0.params[name] != value } }
    return (hasName ? [arm.name] : [], differing)
  }

}

/// A small letter first, then small letters, digits, `-`, `_`, and a dot before a digit.
private func isAddressPart(_ name: String) -> Bool {
  let bytes = Array(name.utf8)
  guard let first = bytes.first, first >= 0x61, first <= 0x7A else { return false }
  func isDigit(_ i: Int) -> Bool { i < bytes.count && bytes[i] >= 0x30 && bytes[i] <= 0x39 }
  return bytes.indices.allSatisfy { i in
    let byte = bytes[i]
    return byte >= 0x61 && byte <= 0x7A || isDigit(i) || byte == 0x2D || byte == 0x5F || byte == 0x2E && isDigit(i + 1)
  }
}

extension String {
  /// The parts between a separator.
  fileprivate func components(_ separator: String) -> [String] {
    var parts: [String] = []
    var rest = self[...]
    while let found = rest.firstRange(of: separator) {
      parts.append(String(rest[..<found.lowerBound]))
      rest = rest[found.upperBound...]
    }
    return parts + [String(rest)]
  }
}
