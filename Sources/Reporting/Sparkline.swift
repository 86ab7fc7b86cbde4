// A series as one line of block characters: its shape at a glance, beside the numbers that say the rest.

/// One character per value, `▁` for the least and `█` for the largest; `gap` where a value is missing or no number.
///
/// A series of equal values is a line in the middle. With more values than `width` each character stands for the median of
/// its share of the series.
///
/// - Parameters:
///   - width: characters at most.
///   - gap: a visible one (`·`) where spaces would be folded, as in Markdown.
public func sparkline(_ values: [Double?], width: Int = 60, gap: Character = " ") -> String {
  let levels: [Character] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
  let shown = sparklineColumns(values.count, width: width).map { range in middle(values[range].compactMap { $0 }) }
  let finite = shown.compactMap { $0 }
  guard let least = finite.min(), let most = finite.max() else { return String(repeating: gap, count: shown.count) }
  // Halved before they are subtracted: the distance of two large numbers may be infinite.
  let span = most / 2 - least / 2
  return String(
    shown.map { value in
      guard let value else { return gap }
      return span > 0 ? levels[min(7, Int((value / 2 - least / 2) / span * 8))] : levels[3]
    })
}

/// Which values each character of a sparkline stands for.
func sparklineColumns(_ count: Int, width: Int) -> [Range<Int>] {
  let columns = min(count, max(1, width))
  return (0..<columns).map { $0 * count / columns..<($0 + 1) * count / columns }
}
