// In which order the arms of a comparison take their turns.

/// Rounds of turns: every round has each of `arms` once, so value i of every arm ran in round i.
///
/// Rounds come in mirrored couples (for two arms ABBA or BAAB), and the first of a couple is a random
/// permutation: a drift that is linear over a couple falls on all arms alike, and nothing that is
/// periodic can stay in step with one arm. An odd last round is a random permutation.
/// The same seed gives the same order on every machine.
public func abbaOrder(arms: Int = 2, rounds: Int, seed: UInt64) -> [[Int]] {
  precondition(arms >= 1 && rounds >= 0, "an order needs arms")
  var random = SeededRandom(seed: seed, stream: 0xABBA)
  var order: [[Int]] = []
  order.reserveCapacity(rounds)
  while order.count < rounds {
    var turn = Array(0..<arms)
    for i in stride(from: arms - 1, to: 0, by: -1) {
      turn.swapAt(i, Int(random.uniform() * Double(i + 1)))
    }
    order.append(turn)
    if order.count < rounds { order.append(turn.reversed()) }
  }
  return order
}
