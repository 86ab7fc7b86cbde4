import TelemetryModel

// The way of a request in a system that says something of telemetry: apart, so that one without it pays a single branch.
extension Role {
  func begin(_ exchange: Exchange, _ telemetry: ServiceTelemetry) {
    guard let line = exchange.isHead ? exchange.route.headLine : exchange.route.line else { return }
    exchange.madeTrail.begin(telemetry, line, kind: consumer == nil ? .server : .consumer, exchange)
  }

  /// As `run`, with more to it: conditions are asked, stages have spans.
  func runNoted(_ exchange: Exchange) {
    let route: Route = exchange.route
    while exchange.nextStage < route.stages.count {
      let stage = route.stages[exchange.nextStage]
      let note = route.notes[exchange.nextStage]
      exchange.nextStage += 1
      if stage.isOff || !note.admits(exchange) { continue }
      let trail = exchange.trail
      trail?.enter(note)
      switch stage.probe.inside({ stage.enter(exchange) }) {
      case .next: trail?.leave()
      case .answer: return complete(exchange)
      case .later: return trail?.isLater(note) ?? ()
      }
    }
    complete(exchange)
  }
}
