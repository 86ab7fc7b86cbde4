import ExperimentModel

/// Which requests of a role are answered with an error: a seeded draw for each.
final class ErrorShare {
  private let share: Double
  private let status: Int
  private var random: SeededRandom
  var count = 0

  init(_ parameters: ToxicParameters, seed: UInt64, name: String) {
    share = parameters.share ?? 0
    status = parameters.status ?? 503
    random = SeededRandom(seed: seed, stream: "toxic:error_rate:\(name)")
  }

  /// The next request's status; nil: it is served.
  func next() -> Int? {
    guard random.unit() < share else { return nil }
    count += 1
    return status
  }
}

extension [ErrorShare] {
  /// Of the next request; every share draws for it only while none before has hit it.
  func nextStatus() -> Int? {
    for share in self { if let status = share.next() { return status } }
    return nil
  }
}
