// What `{{ onoff.on.p99 }}` and `{{ claim che }}` become in prose. A value that was not measured has
// no text, so that the page says "not yet measured" instead of showing a guess.

import ExperimentModel

/// The text of a live value; nil when no result holds it. Ratios carry their interval, because prose
/// that says "twice as fast" without one says more than was measured.
public func valueText(_ address: Address, in results: [String: CellResult]) -> String? {
  guard let block = address.block, let result = results[block], result.hasNumbers,
    let value = result.value(at: address), value.estimate.value.isFinite
  else { return nil }
  if value.unit == .ratio, value.estimate.low != nil, value.estimate.high != nil {
    return format(value.estimate, .ratio, interval: true)
  }
  return format(value)
}

/// A claim's status as emphasised Markdown: `*verified here*`.
public func claimText(_ status: ClaimStatus) -> String { "*\(status.rawValue)*" }
