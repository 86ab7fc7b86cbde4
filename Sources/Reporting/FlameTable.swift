// The numbers of a profile, folded away below its flame graph: shares with their intervals, by function.

import ExperimentModel

/// Functions in each of the two orders, by own and by all samples.
private let functionsMax = 25

/// A `<details>` element: the 25 functions with the most samples of their own, then those of the 25 with the most samples
/// on the stack that are not among them.
public func profileTableHTML(_ profile: StackProfile, title: String, summary: String = "Numbers of this profile") -> String {
  let functions = profile.functions
  let own = functions.prefix(functionsMax)
  let byTotal = functions.sorted { ($1.allSamples, $0.function) < ($0.allSamples, $1.function) }.prefix(functionsMax)
  let known = Set(own.map(\.function))
  let shown = own + byTotal.filter { !known.contains($0.function) }
  var rows = ""
  for function in shown {
    let parts = function.function.split(separator: "`", maxSplits: 1)
    let module = parts.count == 2 ? cutName(String(parts[0]), 120) : "–"
    let name = cutName(parts.last.map(String.init) ?? function.function, 200)
    rows += "<tr><td><code>\(escapedMarkup(name))</code></td><td>\(escapedMarkup(module))</td>"
    rows += "<td class=\"number\">\(format(function.own, .share, interval: true))</td>"
    rows += "<td class=\"number\">\(format(function.total, .share, interval: true))</td>"
    rows += "<td class=\"number\">\(format(MetricValue(Estimate(Double(function.ownSamples)), .count)))</td></tr>\n"
  }
  if shown.isEmpty { rows = "<tr><td colspan=\"5\">no samples</td></tr>\n" }
  let left = functions.count - shown.count
  let caption = cutName(title, 200) + (left > 0 ? "; \(left) more functions have less" : "")
  return """
    <details class="data"><summary>\(escapedMarkup(summary))</summary>
    <table>
    <caption>\(escapedMarkup(caption))</caption>
    <thead><tr><th>function</th><th>library</th><th class="number">own share [95 %]</th>\
    <th class="number">share with what it calls [95 %]</th><th class="number">own samples</th></tr></thead>
    <tbody>
    \(rows)</tbody>
    </table>
    </details>

    """
}
