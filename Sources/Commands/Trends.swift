// What the trend page shows: the saved values that a lesson judges, as `nb history` has them. The rest of the store would
// bury them.

import CourseSite
import ExperimentModel
import Foundation
import Reporting
import ResultStore

/// The series of a course's lessons on this machine, with at least two full runs of the latest question; empty without a store.
func trends(_ workspace: Workspace, of lessons: [LessonInput]) -> [HistorySeries] {
  guard access(workspace.store, F_OK) == 0, let store = try? ResultStore(path: workspace.store) else { return [] }
  return lessons.flatMap { lesson -> [HistorySeries] in
    let judged = Dictionary(lesson.results.map { ($0.id, judgedMetrics($0)) }, uniquingKeysWith: { a, _ in a })
    let all = ((try? store.history(HistoryFilter(lesson: lesson.id))) ?? []).filter { one in
      !one.quick && one.points.count >= 2 && judged[blockName(one.address)]?.contains(metricName(one.address)) == true
    }
    // An older question, or another machine that shared the store, is another series of the same address.
    let latest = Dictionary(grouping: all, by: \.address).values.compactMap { $0.max { ($0.points.last?.finished ?? "") < ($1.points.last?.finished ?? "") } }
    return latest.sorted { $0.address < $1.address }.map { HistoryCommand.shown($0, HistoryCommand.changes($0), among: []) }
  }
}

/// Metrics that a threshold, prediction, gate or comparison of the block decides by.
private func judgedMetrics(_ result: CellResult) -> Set<String> {
  let conditions = (result.thresholds + result.expects + result.gates).map { one in metricName(String(one.text.prefix { !" <>=!".contains($0) })) }
  return Set(conditions + result.comparisons.map(\.metric))
}

/// `onoff` of `day08/onoff.on.mean`.
private func blockName(_ address: String) -> String {
  let path = address.split(separator: "/", maxSplits: 1).last ?? ""
  return String(path.prefix { $0 != "." })
}

/// `mean` of `onoff.on.mean@capacity=10`.
private func metricName(_ address: String) -> String {
  address.prefix { $0 != "@" }.split(separator: ".").last.map(String.init) ?? ""
}
