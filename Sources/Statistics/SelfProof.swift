// The method's promises as numbers: each proof runs seeds 1…N in order over noise of known truth and says what
// share it observed beside what is promised. Changing N, a seed or a bound needs its reason in the commit.

/// One promise and what was observed.
public struct ProofRow: Hashable, Sendable {
  /// What an observation must be to keep the promise.
  public enum Bound: Hashable, Sendable {
    case atLeast(Double)
    case atMost(Double)
  }

  /// What was done and what is counted, for a table.
  public var name: String
  /// A share 0…1 of `trials`, or a ratio where the name says so.
  public var observed: Double
  public var bound: Bound
  /// Of how many trials `observed` is a share: refused ones are not among them where the name says "of the given".
  public var trials: Int

  public init(name: String, observed: Double, bound: Bound, trials: Int) {
    self.name = name
    self.observed = observed
    self.bound = bound
    self.trials = trials
  }

  /// The promise as it stands, for the full number of trials.
  public var holds: Bool { holds(slack: 0) }

  /// For fewer trials: the bound moved by three binomial standard errors at the bound, 3 √(b (1 − b)/trials); none
  /// where it is no share.
  public var holdsWithinChance: Bool {
    let b = limit
    return holds(slack: b < 1 ? 3 * (b * (1 - b) / Double(max(1, trials))).squareRoot() : 0)
  }

  /// The promised number without its direction.
  public var limit: Double {
    switch bound {
    case .atLeast(let limit), .atMost(let limit): limit
    }
  }

  private func holds(slack: Double) -> Bool {
    switch bound {
    case .atLeast(let limit): observed >= limit - slack
    case .atMost(let limit): observed <= limit + slack
    }
  }
}

/// A proof by simulation: give it the number of trials, get its rows.
public struct SelfProof: Sendable {
  /// What it proves, in a few words.
  public var title: String
  /// Trials that the promise is stated for.
  public var trials: Int
  /// Pure: the same number of trials gives the same rows on every machine, up to the C library's last digit.
  public var rows: @Sendable (_ trials: Int) -> [ProofRow]

  public init(_ title: String, trials: Int, rows: @escaping @Sendable (_ trials: Int) -> [ProofRow]) {
    self.title = title
    self.trials = trials
    self.rows = rows
  }

  /// All proofs of this module, in the order of a table.
  public static let all = [
    medianCoverage, tailCoverage, randomWalkRefused, batchMeansCoverage, processCoverage, falseVerdicts, unlikeStarts, looks,
    manyRows, falseEquivalence, control, power, powerOverStarts, detectableEffect, pairsForEffect, oneMode, twoModes, warmUpStep, warmUpFlat,
    historySteps, growthCoverage, scalabilityCoverage, straightLine, pooledComparison, queueCoverage,
  ]

  /// How many of seeds 1…`trials` fulfil `condition`; nil is a trial without a result.
  static func count(_ trials: Int, _ condition: (UInt64) -> Bool?) -> (hits: Int, given: Int) {
    var (hits, given) = (0, 0)
    for seed in 1...max(1, trials) {
      guard let hit = condition(UInt64(seed)) else { continue }
      given += 1
      if hit { hits += 1 }
    }
    return (hits, given)
  }

  /// A row whose share is of all trials; one without a result is no hit.
  static func row(_ name: String, _ bound: ProofRow.Bound, _ trials: Int, _ condition: (UInt64) -> Bool?) -> ProofRow {
    let found = count(trials, condition)
    return ProofRow(name: name, observed: Double(found.hits) / Double(max(1, trials)), bound: bound, trials: max(1, trials))
  }

  /// A row whose share is of the trials that had a result; without any the promise is broken.
  static func rowOfGiven(_ name: String, _ bound: ProofRow.Bound, _ trials: Int, _ condition: (UInt64) -> Bool?) -> ProofRow {
    let found = count(trials, condition)
    return ProofRow(name: name, observed: Double(found.hits) / Double(found.given), bound: bound, trials: found.given)
  }
}
