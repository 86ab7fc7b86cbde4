import NIOCore

/// The statement once for each message of a worker's batch, in one transaction on one connection: all of them or none.
/// Always on a thread, since it is as long as the batch.
extension SQLStage {
  func enterBatch(_ exchange: Exchange) -> StageStep {
    guard let connection = pool.takeIdle(now: environment.now) else {
      pool.wait(now: environment.now) { [self] connection in runBatch(exchange, connection) }
      return .later
    }
    runBatch(exchange, connection)
    return .later
  }

  private func runBatch(_ exchange: Exchange, _ connection: any DatabaseConnection) {
    let statement = statement
    let batch = exchange.batch.map { values(of: $0) }
    environment.offload {
      connection.runTogether(statement, batch, patience: 5_000)
    } then: { [self] result in
      let step = applyBatch(result.outcomes, result.failure, to: exchange)
      pool.giveBack(connection, now: environment.now)
      if case .answer = step { exchange.route.role.complete(exchange) } else { exchange.route.role.resume(exchange) }
    }
  }
}
