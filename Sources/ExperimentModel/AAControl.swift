// What an A/A control takes away. The baseline against itself shows what the instrument invents; that is fatal to a
// difference of its own size, and says little against one that is ten times larger.

/// How much the baseline differed from itself, measured against what was to be found.
public enum ControlState: Hashable, Sendable {
  /// 1 lies inside its interval, or there was no control.
  case holds
  /// It excludes 1 by at most 3 %, and by less than a third of every difference beside it: told, and not fatal.
  case small
  /// Nothing is concluded.
  case broken

  /// - Parameter ratios: of the comparisons that are judged; with none any control that excludes 1 is broken.
  public init(_ control: Estimate?, ratios: [Double]) {
    guard let control, (control.low ?? 1) > 1 || (control.high ?? 1) < 1 else {
      self = .holds
      return
    }
    func excess(_ ratio: Double) -> Double { ratio > 0 ? max(ratio, 1 / ratio) - 1 : .infinity }
    let own = excess(control.value)
    self = own <= 0.03 && !ratios.isEmpty && ratios.allSatisfy { own < excess($0) / 3 } ? .small : .broken
  }
}

extension CellResult {
  /// Of the block's own comparisons, by the metric of their verdicts.
  public var controlState: ControlState { ControlState(control, ratios: comparisons.compactMap { $0.ratio[$0.metric]?.value }) }
}
