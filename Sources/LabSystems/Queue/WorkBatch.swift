/// One message on its way through a worker.
final class Delivery {
  let place: UInt64
  let message: Message
  /// Deliveries before this one that failed.
  var failures: Int
  /// The stages have failed in this delivery.
  var hasFailed = false
  /// From when it may be delivered again.
  var dueAt: Int64

  init(place: UInt64, message: Message, failures: Int, dueAt: Int64) {
    self.place = place; self.message = message; self.failures = failures; self.dueAt = dueAt
  }
}

/// Messages that one slot of a worker took together, and how far they have got.
final class WorkBatch {
  let deliveries: [Delivery]
  /// Messages that were dropped before their turn: acknowledged with this batch.
  let skipped: [UInt64]
  /// Reused for one message after the other.
  let exchange = Exchange()
  var section = 0
  /// Index of the delivery whose turn it is in this section.
  var turn = 0
  /// The walk's loop is on the stack: what finishes meanwhile is noted, not followed.
  var isWalking = false
  var isFinished = false
  /// What its acknowledgement says; nil before there is one.
  var submitted: (done: [Delivery], dead: [Delivery])?

  init(_ deliveries: [Delivery], skipped: [UInt64]) { self.deliveries = deliveries; self.skipped = skipped }

  var survivors: [Delivery] { deliveries.filter { !$0.hasFailed } }
}

/// A run of a worker's stages: one after the other for each message, or a single stage once for the whole batch.
struct WorkSection {
  var route: Route
  var isPerBatch: Bool

  /// Sections of a route whose stages are already made; `isPerBatch` says it for each of them.
  static func split(_ route: Route, isPerBatch: [Bool], make: () throws -> Route) rethrows -> [WorkSection] {
    precondition(route.stages.count == isPerBatch.count)
    var sections: [WorkSection] = []
    for (index, (stage, alone)) in zip(route.stages, isPerBatch).enumerated() {
      if alone || sections.last?.isPerBatch != false { sections.append(WorkSection(route: try make(), isPerBatch: alone)) }
      let section = sections[sections.count - 1].route
      section.stages.append(stage)
      if !route.notes.isEmpty { section.notes.append(route.notes[index]) }
      (section.line, section.attributePlaces) = (route.line, route.attributePlaces)
    }
    return sections
  }
}
