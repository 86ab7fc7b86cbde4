// "Did you mean": the nearest of the legal names by Damerau–Levenshtein distance (optimal string alignment).

/// The candidate nearest to `word`, when it is near enough to be what was meant (a third of its length, at least 1).
public func nearestName(to word: String, among candidates: [String]) -> String? {
  var best: (distance: Int, name: String)?
  for name in candidates.sorted() {
    let distance = editDistance(Array(word.lowercased().utf8), Array(name.lowercased().utf8))
    if distance <= max(1, max(word.utf8.count, name.utf8.count) / 3), distance < best?.distance ?? Int.max {
      best = (distance, name)
    }
  }
  return best?.name
}

private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var before: [Int] = []
  var previous = Array(0...b.count)
  for i in 0..<a.count {
    var current = [i + 1]
    for j in 0..<b.count {
      var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
      current.append(cost)
    }
    before = previous
    previous = current
  }
  return previous[b.count]
}
