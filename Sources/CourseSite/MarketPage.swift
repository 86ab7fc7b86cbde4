// Outside facts as a page: each with its source, its date, and badges that say whether it may still be believed and whether
// another source says something else.

import ExperimentModel

/// What was true once and is cited as such does not go stale: a study of 2006 stays a study of 2006.
private let historicDays = 3650

private enum FactState: String {
  case fresh, stale, history

  init(_ fact: MarketFact) { self = fact.stale ? .stale : fact.ttlDays >= historicDays ? .history : .fresh }

  var key: StringKey {
    switch self {
    case .fresh: .stateFresh
    case .stale: .stateStale
    case .history: .stateHistory
    }
  }
}

func marketPage(_ frame: PageFrame, _ facts: [MarketFact]) -> SitePage {
  let strings = frame.strings
  let states = facts.map(FactState.init)
  let rows = zip(facts, states).map { fact, state -> [String: Any] in
    withoutEmptyTexts([
      "id": fact.id, "fact": fact.statement, "value": fact.value, "asOf": fact.asOf, "source": fact.source,
      "isLink": fact.source.hasPrefix("https://") || fact.source.hasPrefix("http://"),
      // `https://web.dev/inp (as of 2025)`: the address is up to the first space.
      "address": String(fact.source.prefix { $0 != " " }), "details": String(fact.source.drop { $0 != " " }), "sourceKind": fact.sourceKind, "strength": fact.strength ?? "–",
      "state": strings[state.key], "stateClass": "fact-\(state.rawValue)",
      "believed": state == .history ? "" : strings.text(.believedFor, count: fact.ttlDays),
      "hasConflicts": !fact.conflicts.isEmpty,
      "conflicts": fact.conflicts.map { other -> [String: Any] in
        // Names of their own: what a conflict leaves out must not be taken from its fact.
        withoutEmptyTexts(["otherValue": other.value, "otherSource": other.source, "otherKind": other.sourceKind, "resolution": other.resolution])
      },
      "usedBy": fact.usedBy.compactMap { lesson in frame.address(of: lesson).map { ["text": lesson, "href": $0] as [String: Any] } },
    ])
  }
  let title = strings[.pageMarket]
  let context: [String: Any] = [
    "title": title, "strings": strings.texts, "facts": rows,
    "counts": strings.text(
      .marketCounts,
      [
        "fresh": "\(states.count { $0 == .fresh || $0 == .history })", "stale": "\(states.count { $0 == .stale })",
        "conflict": "\(facts.count { !$0.conflicts.isEmpty })",
      ]),
  ]
  return frame.page(CoursePage.market.path, title: title, kind: "market", body: frame.theme.render("market", context))
}
