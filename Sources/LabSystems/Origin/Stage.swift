/// What a stage says after a request entered it.
enum StageStep {
  /// Go on with the next stage.
  case next
  /// The answer is ready: skip the stages that follow.
  case answer
  /// The stage calls `role.resume` or `role.complete` later, never before `enter` has returned.
  case later
}

/// One step of a route. Stages run on the lab's event loop and never block it.
protocol Stage: AnyObject {
  var name: String { get }
  /// Says to a sleep audit that the calling thread executes this stage.
  var probe: StageProbe { get }
  /// Switched off by the control plane: requests pass as if it were not there.
  var isOff: Bool { get set }
  func enter(_ exchange: Exchange) -> StageStep
  func appendCounters(to counters: inout Counters)
  func resetCounters()
  /// Its role was killed: what it had in memory is gone.
  func processDied()
}

extension Stage {
  func processDied() {}
}
