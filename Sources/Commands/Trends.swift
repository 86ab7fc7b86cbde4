// What the trend page shows: the saved values that a lesson judges, as `nb history` has them. The rest of the store would
// bury them.

import CourseSite
import ExperimentModel
import Foundation
import Reporting
import ResultStore

/// The series of a course's lessons on this machine, with at least two full runs of the latest question; empty without a store.
func trends(_ workspace: Workspace, of lessons: [LessonSummary]) -> [HistorySeries] {
  guard let store = workspace.storeToRead() else { return [] }
  return lessons.flatMap { lesson -> [HistorySeries] in
    let all = ((try? store.history(HistoryFilter(lesson: lesson.link.id))) ?? []).filter { one in
      !one.quick && one.points.count >= 2 && lesson.judged[blockName(one.address)]?.contains(metricName(one.address)) == true
    }
    // An older question, or another machine that shared the store, is another series of the same address.
    let latest = Dictionary(grouping: all, by: \.address).values.compactMap { $0.max { ($0.points.last?.finished ?? "") < ($1.points.last?.finished ?? "") } }
    return latest.sorted { $0.address < $1.address }.map { HistoryCommand.shown($0, HistoryCommand.changes($0), among: []) }
  }
}

/// `onoff` of `day08/onoff.on.mean`.
private func blockName(_ address: String) -> String {
  let path = address.split(separator: "/", maxSplits: 1).last ?? ""
  return String(path.prefix { $0 != "." })
}
