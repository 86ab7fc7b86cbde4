// "Did you mean": the nearest of the legal names by Damerau–Levenshtein distance (optimal string alignment).

/// Longer words are no names that somebody mistyped, and of more names than this only the first are looked at: both come from
/// documents, and all pairs of them would take a document's square in time.
private let lengthMax = 64
private let candidatesMax = 1_000

/// The candidate nearest to `word`, when it is near enough to be what was meant (a third of its length, at least 1); of several
/// the first in the order of names.
public func nearestName(to word: String, among candidates: [String]) -> String? {
  guard word.utf8.count <= lengthMax else { return nil }
  let wanted = Array(word.lowercased().utf8)
  var best: (distance: Int, name: String)?
  for name in candidates.prefix(candidatesMax) {
    let (count, length) = (name.utf8.count, max(word.utf8.count, name.utf8.count))
    let limit = max(1, length / 3)
    guard abs(count - word.utf8.count) <= limit else { continue }
    let distance = editDistance(wanted, Array(name.lowercased().utf8))
    guard distance <= limit else { continue }
    if let best, (best.distance, best.name) < (distance, name) { continue }
    best = (distance, name)
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
