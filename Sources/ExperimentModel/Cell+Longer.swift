// The same question measured for longer. More slices, pairs or repetitions of the same length: what is measured stays what it
// was, and only the interval becomes narrower.

extension Cell {
  /// This cell with so many times the measuring; nil where longer would be something else (ramps, timelines of faults) or
  /// nothing (counts without an interval, prices, checks). Its inputs stay: the question is the same.
  public func lasting(_ factor: Int) -> Cell? {
    var longer = self
    switch work {
    case .load(var load):
      guard load.arms.allSatisfy({ $0.faults.isEmpty && $0.profile.stages.isEmpty }) else { return nil }
      for i in load.arms.indices {
        load.arms[i].profile.duration = Nanoseconds(load.arms[i].profile.duration.rawValue * Int64(factor))
        load.arms[i].profile.iterations = load.arms[i].profile.iterations.map { $0 * factor }
      }
      if case .compare(var comparison) = load.design {
        comparison.runs *= factor
        load.design = .compare(comparison)
      }
      longer.work = .load(load)
    case .bench(var bench):
      bench.pairs *= factor
      longer.work = .bench(bench)
    case .sim(var sim):
      sim.replications *= factor
      longer.work = .sim(sim)
    default: return nil
    }
    longer.blockTime = blockTime.map { BlockTime(full: Nanoseconds($0.full.rawValue * Int64(factor)), quick: Nanoseconds($0.quick.rawValue * Int64(factor))) }
    return longer
  }
}
