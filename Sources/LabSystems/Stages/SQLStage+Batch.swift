import NIOCore

/// The statement once for each message of a worker's batch, in one transaction on one connection: all of them or none.
/// Always on a thread, since it is as long as the batch.
extension SQLStage {
  func enterBatch(_ exchange: Exchange) -> StageStep {
    guard let connection = pool.takeIdle() else {
      pool.wait(now: environment.now) { [self] connection in runBatch(exchange, connection) }
      return .later
    }
    runBatch(exchange, connection)
    return .later
  }

  private func runBatch(_ exchange: Exchange, _ connection: SQLConnection) {
    let statement = statement
    let batch = exchange.batch.map { values(of: $0) }
    environment.offload { () -> (outcomes: [SQLOutcome], failure: SQLOutcome.End?) in
      connection.setBusyTimeout(milliseconds: 5_000)
      let prepared = connection.statement(statement)
      // A writer takes its lock at once: one that begins as a reader cannot wait for it later.
      if let failure = connection.attempt(prepared.isReadOnly ? "BEGIN" : "BEGIN IMMEDIATE") { return ([], failure) }
      var outcomes: [SQLOutcome] = []
      for values in batch {
        let outcome = prepared.run(values)
        outcomes.append(outcome)
        switch outcome.end {
        case .rows, .changed: continue
        case .busy, .failed:
          _ = connection.attempt("ROLLBACK")
          return (outcomes, outcome.end)
        }
      }
      let failure = connection.attempt("COMMIT")
      if failure != nil { _ = connection.attempt("ROLLBACK") }
      return (outcomes, failure)
    } then: { [self] result in
      let step = applyBatch(result.outcomes, result.failure, to: exchange)
      pool.giveBack(connection, now: environment.now)
      if case .answer = step { exchange.route.role.complete(exchange) } else { exchange.route.role.resume(exchange) }
    }
  }
}
