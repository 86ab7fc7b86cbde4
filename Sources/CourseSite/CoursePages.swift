// The course's smaller pages: runbook, budgets, glossary, and the one for addresses that lead nowhere.

import DocumentModel
import ExperimentModel
import Foundation
import Reporting
import TextModel

/// All runbook entries, by symptom.
func runbookPage(_ frame: PageFrame, _ entries: [(lesson: String, RunbookSpec)]) -> SitePage {
  let strings = frame.strings
  var headings: [Heading] = []
  let rows = entries.map { lesson, entry -> [String: Any] in
    let id = "\(lesson)-\(entry.id)"
    let symptom = entry.symptom.prefix(1).uppercased() + entry.symptom.dropFirst()
    headings.append(Heading(level: 2, id: id, text: symptom))
    let links = entry.links.compactMap { link -> [String: Any]? in
      let parts = link.split(separator: "/", maxSplits: 1).map(String.init)
      let (place, block) = parts.count == 2 ? (parts[0], parts[1]) : (lesson, link)
      return frame.address(of: place).map { ["text": link, "href": "\($0)#result-\(block)"] }
    }
    let metrics = entry.metrics.map { metric -> [String: Any] in
      ["name": metric.name, "warn": metric.warn ?? "–", "page": metric.page ?? "–", "meaning": Metric.named(metric.name)?.meaning ?? "–"]
    }
    return [
      "id": id, "title": symptom, "lesson": lesson, "href": frame.address(of: lesson) ?? "", "isLink": frame.address(of: lesson) != nil, "name": entry.id,
      "seen": links, "hasSeen": !links.isEmpty, "metrics": metrics, "hasMetrics": !metrics.isEmpty, "steps": entry.steps,
    ]
  }
  let title = strings[.pageRunbook]
  let context: [String: Any] = ["title": title, "strings": strings.texts, "entries": rows]
  return frame.page(CoursePage.runbook.path, title: title, kind: "runbook", body: frame.theme.render("runbook", context), headings: headings)
}

/// All budgets with what is left of them.
func budgetsPage(_ frame: PageFrame, _ budgets: [JudgedBudget]) -> SitePage {
  let strings = frame.strings
  let broken = budgets.count { $0.outcome == .fail }
  let rows = budgets.map { one -> [String: Any] in
    let texts = BudgetRow(one)
    let outcome: StringKey =
      switch one.outcome {
      case .pass: .outcomePass
      case .fail: .outcomeFail
      case .inconclusive: .outcomeInconclusive
      case .unmeasured: .outcomeUnmeasured
      }
    let lesson = String(one.budget.metric.prefix { $0 != "/" })
    let address = frame.address(of: lesson).map { $0 + (one.budget.address.block.map { "#result-\($0)" } ?? "") }
    return withoutEmptyTexts([
      "metric": one.budget.metric, "href": address ?? "", "isLink": address != nil, "limit": one.budget.limitText, "measured": texts.measured ?? "–",
      "remaining": texts.left ?? "–", "outcome": strings[outcome], "outcomeClass": "outcome-\(one.outcome.rawValue)", "owner": one.budget.owner,
      "since": one.budget.since, "reasons": texts.reasons, "why": one.budget.why,
    ])
  }
  let title = strings[.pageBudgets]
  let context: [String: Any] = [
    "title": title, "strings": strings.texts, "budgets": rows,
    "summary": broken == 0 ? strings[.budgetsKept] : strings.text(.budgetsBroken, ["n": "\(broken)", "total": "\(budgets.count)"]),
  ]
  return frame.page(CoursePage.budgets.path, title: title, kind: "budgets", body: frame.theme.render("budgets", context))
}

/// glossary.md with an index of its terms: every heading of level 2 is a term.
func glossaryPage(_ frame: PageFrame, _ glossary: Document) -> SitePage {
  let rendered = glossary.html(pageOptions(frame.strings))
  let terms = rendered.headings.filter { $0.level == 2 }.map { ["text": $0.text, "href": "#\($0.id)"] as [String: Any] }
  let html = finishedFragment(rendered.html, frame.strings).html
  // The index stands between what introduces the glossary and its first term.
  let first = html.range(of: "<h2 ")?.lowerBound ?? html.endIndex
  let context: [String: Any] = ["strings": frame.strings.texts, "heading": String(html[..<first]), "body": String(html[first...]), "terms": terms]
  let title = rendered.headings.first { $0.level == 1 }?.text ?? frame.strings[.pageGlossary]
  return frame.page(CoursePage.glossary.path, title: title, kind: "glossary", body: frame.theme.render("glossary", context))
}

func missingPage(_ frame: PageFrame) -> SitePage {
  let title = frame.strings[.missingTitle]
  return frame.page("404.html", title: title, kind: "missing", body: frame.theme.render("missing", ["title": title, "strings": frame.strings.texts]))
}
