import ExperimentModel
import Foundation
import NIOCore
import Testing

@testable import LabSystems

/// A system of one publishing route and one worker, on the virtual clock.
final class Workshop {
  let environment = VirtualEnvironment()
  let core: LabCore
  let client: Collector
  private(set) var sent = 0

  /// - Parameter stages: the worker's.
  init(
    _ worker: WorkerSpec = WorkerSpec(consumes: "orders"), workers: Int = 1, publish: PublishSpec = PublishSpec(topic: "orders"),
    stages: [StageSpec] = [], rows: Int = 0, directory: String? = nil, seconds: Int64 = 0
  ) throws {
    environment.advance(by: seconds * 1_000_000_000)
    core = try LabCore(Self.system(worker, workers, publish, stages, rows: rows), environment: environment, directory: directory)
    client = Collector(environment)
  }

  static func system(_ worker: WorkerSpec, _ workers: Int, _ publish: PublishSpec, _ stages: [StageSpec], rows: Int = 0) -> SystemSpec {
    var system = Sample.system(
      workers: 10_000, rows: 0,
      routes: [RouteSpec(method: "POST", path: "/checkout/{id}", stages: [StageSpec(name: "enqueue", work: .publish(publish))])])
    let path = WorkerSpec.path(topic: worker.consumes, variables: ["id"])
    system.roles.append(
      RoleSpec(
        name: "worker", kind: "worker", workers: workers, queueLimit: 0, timeout: .zero,
        routes: [RouteSpec(method: WorkerSpec.method, path: path, stages: stages)], worker: worker))
    // An empty table for what the stages write.
    if rows >= 0 { system.data = [DatasetSpec(name: "shipped", rows: rows, popularity: .uniform(n: rows))] }
    return system
  }

  func publish(_ count: Int = 1) {
    for _ in 0..<count {
      sent += 1
      client.send(core, "POST", "/checkout/\(sent)", tag: sent)
    }
  }

  func advance(milliseconds: Int64) { environment.advance(by: milliseconds * 1_000_000) }

  subscript(counter: String) -> Int {
    var counters = Counters()
    core.stages.forEach { $0.appendCounters(to: &counters) }
    core.roles.forEach { $0.appendCounters(to: &counters) }
    core.broker?.topics.values.forEach { $0.appendCounters(to: &counters) }
    return counters.values[counter] ?? -1
  }

  var worker: Role { core.roles[1] }
}

@Suite struct PublishTests {
  @Test func everyPolicyHasItsCountOfSyncs() throws {
    for (policy, syncs, commits) in [(FsyncPolicy.each, 10, 10), (.batch, 2, 2), (.none, 0, 2)] {
      let shop = try Workshop(publish: PublishSpec(topic: "orders", fsync: policy, size: 100))
      // The first one finds the log idle and is written alone; those that come meanwhile wait for it.
      shop.publish(10)
      #expect(shop.client.seen.isEmpty, "answered before the write")
      shop.advance(milliseconds: 1)
      #expect(shop.client.seen.map(\.status) == [Int](repeating: 202, count: 10))
      #expect(shop.client.seen.map(\.tag) == Array(1...10))
      #expect(shop.client.seen.map(\.body) == (0..<10).map { "{\"offset\":\($0)}" })
      #expect(shop["orders.fsyncs"] == syncs && shop["orders.commits"] == commits, "\(policy)")
      #expect(shop["orders.published"] == 10 && shop["enqueue.published"] == 10 && shop["orders.bytes"] > 1_000)
      #expect(shop["enqueue.waited_ns"] > 0 && shop["worker.acked"] == 10 && shop["orders.depth"] == 0)
    }
  }

  @Test func aFullTopicRejectsOrForgetsTheOldest() throws {
    let slow = [Sample.wait(100, name: "mail")]
    let rejecting = try Workshop(publish: PublishSpec(topic: "orders", fsync: .none, limit: 3), stages: slow)
    for _ in 0..<10 { rejecting.publish(); rejecting.advance(milliseconds: 1) }
    // One is with the worker, three wait.
    #expect(rejecting.client.seen.map(\.status) == [202, 202, 202, 202] + [Int](repeating: 503, count: 6))
    rejecting.advance(milliseconds: 1_000)
    #expect(rejecting["worker.acked"] == 4 && rejecting["enqueue.rejected"] == 6)

    let dropping = try Workshop(
      WorkerSpec(consumes: "orders"), publish: PublishSpec(topic: "orders", fsync: .none, limit: 3, full: .dropOldest),
      stages: slow + [Sample.sql("INSERT INTO shipped(id) VALUES (:id)")])
    for _ in 0..<10 { dropping.publish(); dropping.advance(milliseconds: 1) }
    #expect(dropping.client.seen.allSatisfy { $0.status == 202 } && dropping["orders.depth"] == 3)
    dropping.advance(milliseconds: 1_000)
    #expect(dropping["worker.acked"] == 4 && dropping["orders.dropped"] == 6 && dropping["orders.depth"] == 0)
    // The first one was being worked on; the last three are the freshest.
    #expect(try dropping.shipped() == [1, 8, 9, 10])
  }
}

extension Workshop {
  /// Ids in the table, ascending.
  func shipped() throws -> [Int] {
    for case let stage as SQLStage in core.stages {
      guard let connection = stage.pool.takeIdle(now: environment.now) as? SQLConnection else { continue }
      defer { stage.pool.giveBack(connection, now: environment.now) }
      try connection.prepare("SELECT id FROM shipped ORDER BY id", place: "test")
      let body = String(buffer: connection.statement(stage.pool.statements.count).run([]).body)
      return body.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
    }
    return []
  }
}

@Suite struct WorkerTests {
  @Test func batchesFillOrLinger() throws {
    let shop = try Workshop(
      WorkerSpec(consumes: "orders", batch: 5, linger: Nanoseconds(50_000_000)), publish: PublishSpec(topic: "orders", fsync: .none))
    shop.publish(12)
    shop.advance(milliseconds: 40)
    // Two full ones at once; two messages wait for company.
    #expect(shop["worker.batches"] == 2 && shop["worker.acked"] == 10 && shop["orders.depth"] == 2)
    #expect((39_000_000...40_000_000).contains(shop["worker.lag_ns"]))
    shop.advance(milliseconds: 20)
    #expect(shop["worker.batches"] == 3 && shop["worker.acked"] == 12 && shop["worker.lag_ns"] == 0)
    #expect(shop["worker.fsyncs"] == 3, "one for each batch")
    #expect(shop["worker.age_max_ns"] >= 50_000_000 && shop["worker.age_max_ns"] < 51_000_000)
    #expect(shop["worker.age_p50_ns"] < 1_000_000)
  }

  @Test func slotsWorkAtTheSameTimeAndMessagesOneAfterTheOther() throws {
    let shop = try Workshop(
      WorkerSpec(consumes: "orders", batch: 2, linger: Nanoseconds(1_000_000)), workers: 3, publish: PublishSpec(topic: "orders", fsync: .none),
      stages: [Sample.wait(10, name: "mail")])
    shop.publish(12)
    shop.advance(milliseconds: 15)
    #expect(shop["worker.in_flight"] == 6 && shop["worker.acked"] == 0)
    shop.advance(milliseconds: 7)
    #expect(shop["worker.acked"] == 6)
    shop.advance(milliseconds: 30)
    #expect(shop["worker.acked"] == 12 && shop["mail.calls"] == 12 && shop["worker.batches"] == 6)
  }

  @Test func aStageForTheBatchRunsOnceAndItsTransactionIsOne() throws {
    let insert = "INSERT INTO shipped(id) VALUES (:id)"
    func run(_ scope: StageScope?) throws -> Workshop {
      var store = Sample.sql(insert, name: "store")
      store.scope = scope
      var bulk = Sample.wait(10, name: "bulk")
      bulk.scope = scope
      let shop = try Workshop(
        WorkerSpec(consumes: "orders", batch: 100, linger: Nanoseconds(5_000_000)), publish: PublishSpec(topic: "orders", fsync: .none),
        stages: [Sample.wait(1, name: "parse"), bulk, store])
      shop.publish(100)
      shop.advance(milliseconds: 2_000)
      #expect(shop["worker.acked"] == 100 && shop["parse.calls"] == 100 && shop["store.calls"] == 100)
      #expect(try shop.shipped() == Array(1...100))
      return shop
    }
    let alone = try run(nil)
    #expect(alone["store.commits"] == 100 && alone["bulk.calls"] == 100)
    let together = try run(.batch)
    #expect(together["store.commits"] == 1 && together["bulk.calls"] == 1)
  }

  @Test func aFailingTransactionLeavesNothing() throws {
    var store = Sample.sql("INSERT INTO shipped(id) VALUES (:id % 7)", name: "store")
    store.scope = .batch
    let shop = try Workshop(
      WorkerSpec(consumes: "orders", batch: 10, linger: Nanoseconds(5_000_000), retries: 1, dlq: "dead"),
      publish: PublishSpec(topic: "orders", fsync: .none), stages: [store])
    shop.publish(10)
    shop.advance(milliseconds: 100)
    #expect(try shop.shipped() == [] && shop["store.errors"] == 2 && shop["store.commits"] == 0)
    #expect(shop["worker.dead_lettered"] == 10 && shop["dead.depth"] == 10 && shop["worker.acked"] == 0 && shop["orders.depth"] == 0)
  }

  /// Day 9, `poison`: one message in a hundred always fails. With a dead-letter topic it costs its retries, without one
  /// everything behind it.
  @Test func poisonGoesToTheDeadLettersOrBlocksTheWorker() throws {
    let poison = StageSpec(name: "poison", work: .error(ErrorSpec(share: 0.01, seed: 4, key: "{id}")))
    func run(_ spec: WorkerSpec) throws -> Workshop {
      let shop = try Workshop(spec, publish: PublishSpec(topic: "orders", fsync: .none), stages: [Sample.wait(1, name: "work"), poison])
      shop.publish(1_000)
      shop.advance(milliseconds: 2_000)
      return shop
    }
    let letters = try run(WorkerSpec(consumes: "orders", retries: 3, dlq: "dead"))
    let dead = letters["worker.dead_lettered"]
    #expect((5...20).contains(dead) && letters["worker.acked"] == 1_000 - dead && letters["dead.published"] == dead)
    #expect(letters["worker.consumed"] == 1_000 + 3 * dead && letters["worker.redelivered"] == 3 * dead)
    #expect(letters["worker.failed"] == 4 * dead)
    let blocked = try run(WorkerSpec(consumes: "orders"))
    #expect(blocked["worker.acked"] < 1_000 - dead && blocked["worker.failed"] > 500, "the first poisoned message stays at the front")
  }

  /// Day 9, `delivery`: what had happened before a kill in the middle of a batch happens again, and nothing else does.
  @Test func aKillInTheMiddleOfABatchRepeatsItsBeginningAndLosesNothing() throws {
    let shop = try Workshop(
      WorkerSpec(consumes: "orders", batch: 10), publish: PublishSpec(topic: "orders", fsync: .none), stages: [Sample.wait(10, name: "bank")])
    shop.publish(11)
    // The first message found an idle worker and went alone; of the ten behind it four are done.
    shop.advance(milliseconds: 56)
    #expect(shop["worker.unfinished"] == 10)
    shop.core.kill(shop.worker, 5_000_000)
    #expect(shop["worker.unfinished"] == 10 && shop["worker.in_flight"] == 0)
    shop.advance(milliseconds: 200)
    #expect(shop["worker.acked"] == 11 && shop["worker.duplicates"] == 4 && shop["worker.redelivered"] == 10 && shop["worker.unfinished"] == 0)
  }

  @Test func backoffLetsOthersPass() throws {
    let poison = StageSpec(name: "poison", work: .error(ErrorSpec(share: 0.01, seed: 4, key: "{id}")))
    let shop = try Workshop(
      WorkerSpec(consumes: "orders", backoff: Nanoseconds(200_000_000)), publish: PublishSpec(topic: "orders", fsync: .none),
      stages: [Sample.wait(1, name: "work"), poison])
    shop.publish(1_000)
    shop.advance(milliseconds: 2_000)
    let waiting = shop["worker.in_flight"]
    #expect((5...20).contains(waiting) && shop["worker.acked"] == 1_000 - waiting)
  }

  @Test func aWorkerPassesMessagesOn() throws {
    var system = Workshop.system(
      WorkerSpec(consumes: "orders"), 1, PublishSpec(topic: "orders", fsync: .none),
      [StageSpec(name: "forward", work: .publish(PublishSpec(topic: "mails", fsync: .none)))])
    system.roles.append(
      RoleSpec(
        name: "mailer", kind: "worker", workers: 1, queueLimit: 0, timeout: .zero,
        routes: [
          RouteSpec(
            method: WorkerSpec.method, path: WorkerSpec.path(topic: "mails", variables: ["id"]),
            stages: [Sample.sql("INSERT INTO shipped(id, price) VALUES (:id, :offset)")])
        ], worker: WorkerSpec(consumes: "mails")))
    let environment = VirtualEnvironment()
    let core = try LabCore(system, environment: environment)
    let client = Collector(environment)
    for id in [41, 42] { client.send(core, "POST", "/checkout/\(id)", tag: id) }
    environment.advance(by: 10_000_000)
    #expect(core.counter("mailer.acked") == 2 && core.counter("db.commits") == 2)
  }
}

@Suite struct DeliveryTests {
  /// The worker's process dies in the middle of a batch: what was not acknowledged comes again, what was does not.
  @Test func aKillRepeatsTheBatchAndNothingElse() throws {
    let shop = try Workshop(
      WorkerSpec(consumes: "orders", batch: 4, linger: Nanoseconds(1_000_000)), publish: PublishSpec(topic: "orders"),
      stages: [Sample.wait(10, name: "mail"), Sample.sql("INSERT OR IGNORE INTO shipped(id) VALUES (:offset + 1)", name: "once")])
    shop.publish(10)
    // The first batch is done, of the second one two messages have had their effect.
    shop.advance(milliseconds: 65)
    #expect(shop["worker.acked"] == 4 && shop["once.commits"] == 6)
    shop.core.kill(shop.worker, 50_000_000)
    shop.advance(milliseconds: 49)
    #expect(shop["once.commits"] == 6, "the dead do nothing")
    shop.publish(2)
    shop.advance(milliseconds: 500)
    #expect(shop["worker.acked"] == 12 && shop["orders.depth"] == 0 && shop["worker.kills"] == 1)
    #expect(shop["worker.redelivered"] == 4 && shop["worker.duplicates"] == 2, "of the batch that was not acknowledged two were done")
    // Two effects were tried twice, and the key kept them from happening twice.
    #expect(shop["once.commits"] == 12 && shop["once.unchanged"] == 2)
    #expect(try shop.shipped() == Array(1...12))
  }

  /// Any sequence of publishing, waiting and killing, with several slots, batches, failures and retries: first deliveries are
  /// in order, everything is acknowledged or a dead letter, effects may repeat but by at most what a kill had under way.
  @Test(arguments: 0..<25 as Range<UInt64>) func atLeastOnceUnderAnyInterleaving(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let slots = Int.random(in: 1...3, using: &random)
    let batch = Int.random(in: 1...6, using: &random)
    var store = Sample.sql("INSERT OR IGNORE INTO shipped(id) VALUES (:offset + 1)", name: "store")
    store.scope = Bool.random(using: &random) ? .batch : nil
    let shop = try Workshop(
      WorkerSpec(
        consumes: "orders", batch: batch, linger: Nanoseconds(Int64.random(in: 0...8_000_000, using: &random)), retries: 2,
        backoff: Nanoseconds(Int64.random(in: 0...5_000_000, using: &random)), dlq: "dead"),
      workers: slots, publish: PublishSpec(topic: "orders", fsync: FsyncPolicy.allCases.randomElement(using: &random)!),
      stages: [
        Sample.wait(3, name: "work"), StageSpec(name: "shaky", work: .error(ErrorSpec(share: 0.2, seed: seed))),
        StageSpec(name: "poison", work: .error(ErrorSpec(share: 0.05, seed: seed, key: "{id}"))), store,
      ])
    var kills = 0
    for _ in 0..<80 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<5: shop.publish(Int.random(in: 1...4, using: &random))
      case 5..<9: shop.environment.advance(by: Int64.random(in: 0...20_000_000, using: &random))
      default:
        kills += 1
        shop.core.kill(shop.worker, Int64.random(in: 1...30_000_000, using: &random))
      }
    }
    shop.advance(milliseconds: 20_000)
    let dead = shop["worker.dead_lettered"]
    #expect(shop.client.seen.count { $0.status == 202 } == shop.sent)
    #expect(shop["worker.acked"] + dead == shop.sent && shop["worker.in_flight"] == 0 && shop["orders.depth"] == 0)
    #expect(shop["dead.published"] >= dead)
    #expect(shop["worker.duplicates"] <= kills * slots * batch)
    // What was acknowledged had its effect; a dead letter may have had none.
    let shipped = try shop.shipped()
    #expect(shipped.count >= shop["worker.acked"] && shipped.count <= shop.sent)
    #expect(shop["worker.fsyncs"] > 0)
  }

  @Test func messagesStartInTheOrderInWhichTheyWerePublished() throws {
    let shop = try Workshop(
      WorkerSpec(consumes: "orders", batch: 3), publish: PublishSpec(topic: "orders", fsync: .batch),
      stages: [Sample.sql("INSERT INTO shipped(name, price) VALUES ('x', :offset)")])
    for _ in 0..<50 { shop.publish(2); shop.environment.advance(by: 700) }
    shop.advance(milliseconds: 100)
    // The table's own ids are the order of the inserts.
    for case let stage as SQLStage in shop.core.stages {
      let connection = try #require(stage.pool.takeIdle(now: shop.environment.now) as? SQLConnection)
      try connection.prepare("SELECT count(*) AS n FROM shipped WHERE id = price + 1", place: "test")
      #expect(String(buffer: connection.statement(1).run([]).body) == "[{\"n\":100}]")
    }
  }

  /// The whole lab ends without a word and another one opens the same folder, as after SIGKILL.
  @Test func anotherLabGoesOnWhereTheLogEnds() throws {
    let scratch = Scratch()
    let spec = WorkerSpec(consumes: "orders", batch: 2, linger: Nanoseconds(1_000_000))
    let stages = [Sample.wait(10, name: "mail"), Sample.sql("INSERT OR IGNORE INTO shipped(id) VALUES (:offset + 1)", name: "once")]
    var acked = 0
    do {
      let first = try Workshop(spec, publish: PublishSpec(topic: "orders"), stages: stages, directory: scratch.path)
      first.publish(9)
      first.advance(milliseconds: 55)
      acked = first["worker.acked"]
      #expect(acked == 4 && first["once.commits"] == 5)
    }
    let second = try Workshop(spec, publish: PublishSpec(topic: "orders"), stages: stages, directory: scratch.path, seconds: 1)
    #expect(second["orders.depth"] == 5)
    second.advance(milliseconds: 500)
    #expect(second["worker.acked"] == 5 && second["orders.depth"] == 0)
    #expect(second["once.unchanged"] == 1 && second["once.commits"] == 4)
    #expect(try second.shipped() == Array(1...9))
    second.publish()
    second.advance(milliseconds: 100)
    #expect(second.client.seen.last?.body == "{\"offset\":9}" && second["worker.acked"] == 6)
  }

  @Test func attemptsOutliveTheProcess() throws {
    let scratch = Scratch()
    let spec = WorkerSpec(consumes: "orders", retries: 2, backoff: Nanoseconds(100_000_000), dlq: "dead")
    let broken = [StageSpec(name: "broken", work: .error(ErrorSpec(share: 1)))]
    do {
      let first = try Workshop(spec, stages: broken, directory: scratch.path)
      first.publish()
      first.advance(milliseconds: 150)
      #expect(first["worker.failed"] == 2)
    }
    let second = try Workshop(spec, stages: broken, directory: scratch.path, seconds: 1)
    second.advance(milliseconds: 10)
    #expect(second["worker.failed"] == 1 && second["worker.dead_lettered"] == 1, "the third attempt is the last one")
  }

  @Test func aStallTakesNothingAndLosesNothing() throws {
    let shop = try Workshop(publish: PublishSpec(topic: "orders", fsync: .none))
    shop.worker.stall(100_000_000)
    shop.publish(5)
    shop.advance(milliseconds: 99)
    #expect(shop["worker.consumed"] == 0 && shop["orders.depth"] == 5 && shop["worker.lag_ns"] > 98_000_000)
    shop.advance(milliseconds: 2)
    #expect(shop["worker.acked"] == 5)
  }

  @Test func theFilesOfWhatIsDoneGo() throws {
    let scratch = Scratch()
    let shop = try Workshop(
      WorkerSpec(consumes: "orders", batch: 50), publish: PublishSpec(topic: "orders", fsync: .none, size: 1 << 20), directory: scratch.path)
    for _ in 0..<40 { shop.publish(1); shop.advance(milliseconds: 1) }
    let segments = SegmentedLog.segments(in: scratch.path + "/queue/orders/messages")
    #expect(shop["worker.acked"] == 40 && segments.count <= 2 && segments.first! > 0)
  }
}
