import DocumentModel
import ExperimentModel
import Testing
import TextModel

@testable import PerfLanguage

/// The asynchronous half of a system and its relatives, from keys to specifications.
@Suite struct FlowPlanningTests {
  private func notebook(_ stages: String, worker: String = "", route: String = "POST /checkout/{id}", load: String = "") -> String {
    """
    ```perf
    kind: system
    id: shop
    origin:
      routes:
        \(route):
    \(stages.split(separator: "\n").map { "      - \($0)" }.joined(separator: "\n"))
    \(worker.isEmpty ? "" : "worker:\n" + worker.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
    ```

    ```perf
    kind: load
    id: base
    uses: shop
    executor: constant-arrival-rate
    rate: 20rps
    duration: 4s
    scenario: [{post: "/checkout/{id}", key: {dist: uniform, n: 9}}]
    \(load)
    ```
    """
  }

  private func systems(_ text: String) throws -> [SystemSpec] {
    let (planned, found) = plan(text)
    try #require(found.isEmpty, "\(found)")
    guard case .load(let load)? = planned.plan.cells.first?.work else { return [] }
    return load.arms.map(\.system)
  }

  @Test func defaultsOfTopicAndWorker() throws {
    let system = try systems(notebook("publish: {topic: orders}", worker: "consumes: orders\nstages: []"))[0]
    #expect(system.roles[0].routes[0].stages == [StageSpec(name: "publish", work: .publish(PublishSpec(topic: "orders")))])
    #expect(
      system.roles[1]
        == RoleSpec(
          name: "worker", kind: "worker", workers: 1, queueLimit: 0, timeout: .zero,
          routes: [RouteSpec(method: "CONSUME", path: "/orders/{id}/{offset}", stages: [])], worker: WorkerSpec(consumes: "orders")))
    #expect(system.consumer(of: "orders")?.name == "worker" && system.consumer(of: "mails") == nil)
  }

  @Test func everyKeyOfAWorkerCanBeSetAndSwept() throws {
    let text = notebook(
      "publish: {topic: orders}", worker: "consumes: orders\nstages: []",
      load: "set: {worker.linger: 5ms, worker.dlq: dead, worker.retries: 1, worker.fsync: none, publish.fsync: none}\nvary: {param: worker.batch, values: [1, 20]}")
    let swept = try systems(text)
    #expect(swept.map(\.roles[1].worker!.batch) == [1, 20])
    #expect(
      swept[1].roles[1].worker
        == WorkerSpec(consumes: "orders", batch: 20, linger: Nanoseconds(5_000_000), retries: 1, dlq: "dead", fsync: .none))
  }

  @Test func aLockIsAFlatListWhoseInsideStaysWhenItIsOff() throws {
    let stages = "lock: {name: stock, inside: [{bytes: {size: 1B}}, {lock: {as: inner, name: till, inside: [{bytes: {size: 2B}}]}}]}\npublish: {topic: orders}"
    func names(_ load: String) throws -> [String] {
      try systems(notebook(stages, worker: "consumes: orders\nstages: []", load: load))[0].roles[0].routes[0].stages.map { stage in
        if case .unlock = stage.work { "end of \(stage.name)" } else { stage.name }
      }
    }
    #expect(try names("") == ["lock", "bytes", "inner", "bytes-2", "end of inner", "end of lock", "publish"])
    #expect(try names("set: {lock.off: true}") == ["bytes", "inner", "bytes-2", "end of inner", "publish"])
    #expect(try names("set: {inner.off: true, bytes.off: true}") == ["lock", "bytes-2", "end of lock", "publish"])
  }

  @Test func messagesCarryWhatAllPublishersHave() throws {
    let text = """
      ```perf
      kind: system
      id: shop
      mailer:
        kind: worker
        consumes: mails
        stages: []
      origin:
        routes:
          POST /a/{shop}/{id}:
            - publish: {topic: orders}
          POST /b/{id}/{tenant}:
            - publish: {as: other, topic: orders}
      worker:
        consumes: orders
        dlq: dead
        stages:
          - publish: {as: forward, topic: mails}
      undertaker:
        kind: worker
        consumes: dead
        stages: []
      ```

      ```perf
      kind: load
      id: base
      uses: shop
      executor: constant-arrival-rate
      rate: 20rps
      duration: 4s
      scenario: [{post: /a/1/2}]
      ```
      """
    let roles = try systems(text)[0].roles
    #expect(roles.map(\.name) == ["origin", "mailer", "worker", "undertaker"], "who answers comes first")
    #expect(roles.dropFirst().map { $0.routes[0].path } == ["/mails/{id}/{offset}", "/orders/{id}/{offset}", "/dead/{id}/{offset}"])
  }

  @Test func limitsAndErrorsAreExact() throws {
    let stages = try systems(
      notebook("limit: {rate: 0.5rps, burst: 20, key: \"{id}\", headers: true}\nerror: {share: 2pct, status: 503, seed: 9, slow_share: 3pct, slow_by: 120ms, stands_for: a cold replica}"))[0]
      .roles[0].routes[0].stages
    #expect(stages[0].work == .limit(LimitSpec(milliTokensPerSecond: 500, burst: 20, key: "{id}", headers: true)))
    #expect(
      stages[1].work
        == .error(
          ErrorSpec(
            share: 0.02, status: 503, seed: 9,
            slow: ErrorSpec.Slow(share: 0.03, by: Nanoseconds(120_000_000), standsFor: "a cold replica"))))
  }

  /// Each mistake with the id of what is said about it.
  @Test(arguments: [
    ("publish: {topic: orders}", "consumes: orders\nbatch: 0\nstages: []", "out-of-range"),
    ("publish: {topic: orders}", "consumes: orders\nbatch: 100001\nstages: []", "out-of-range"),
    ("publish: {topic: orders}", "batch: 2\nstages: []", "missing-key"),
    ("publish: {topic: orders}", "consumes: orders", "missing-key"),
    ("publish: {topic: orders}", "consumes: orders\nroutes: {}\nstages: []", "unknown-key"),
    ("publish: {topic: orders}", "consumes: orders\nstages: []\ndlq: orders", "cycle"),
    ("publish: {topic: orders}", "consumes: orders\nstages: [{publish: {as: back, topic: orders}}]", "cycle"),
    ("publish: {topic: orders}", "consumes: orders\nretries: 2\nstages: []", "does-not-apply"),
    ("publish: {topic: orders}", "consumes: orders\nfsync: batch\nstages: []", "unknown-value"),
    ("publish: {topic: origin}", "consumes: origin\nstages: []", "duplicate-name"),
    ("publish: {topic: orders}", "", "unknown-target"),
    ("publish: {topic: orders, size: 2MiB}", "consumes: orders\nstages: []", "out-of-range"),
    ("publish: {topic: orders, limit: 0}", "consumes: orders\nstages: []", "out-of-range"),
    ("publish: {topic: orders, full: reject}", "consumes: orders\nstages: []", "does-not-apply"),
    ("publish: {fsync: each}", "", "missing-key"),
    ("publish: {topic: orders}", "consumes: orders\nstages: [{cache: {key: \"{name}\", capacity: 1}}]", "key-mismatch"),
    ("bytes: {size: 1B}", "consumes: orders\nstages: []", "unknown-target"),
    ("lock: {name: stock, inside: []}", "", "missing-key"),
    ("lock: {inside: [{bytes: {size: 1B}}]}", "", "missing-key"),
    ("lock: {name: stock, inside: [{lock: {as: b, name: stock, inside: [{bytes: {size: 1B}}]}}]}", "", "cycle"),
    ("lock: {name: stock, inside: [{bites: {size: 1B}}]}", "", "unknown-stage"),
    ("limit: {rate: 0rps}", "", "out-of-range"),
    ("limit: {rate: 1rps, burst: 0}", "", "out-of-range"),
    ("limit: {rate: 1rps, burst: 2000000}", "", "out-of-range"),
    ("limit: {rate: 1rps, key: \"{client}\"}", "", "key-mismatch"),
    ("limit: {burst: 1}", "", "missing-key"),
    ("error: {status: 503}", "", "missing-key"),
    ("error: {share: 1pct, status: 200}", "", "out-of-range"),
    ("error: {share: 1pct, status: 600}", "", "out-of-range"),
    ("error: {share: 1pct, key: \"{client}\"}", "", "key-mismatch"),
    ("error: {slow_share: 1pct}", "", "missing-key"),
    ("error: {slow_share: 1pct, slow_by: 2ms}", "", "missing-stands-for"),
    ("error: {share: 1pct, slow_by: 2ms}", "", "does-not-apply"),
    ("wait: {mean: 1ms, stands_for: a, per: batch}", "", "does-not-apply"),
  ]) func mistakesAreNamed(stages: String, worker: String, id: String) {
    let found = plan(notebook(stages, worker: worker)).found
    #expect(found.map(\.id.rawValue) == [id] || Set(found.map(\.id.rawValue)) == [id], "\(stages), \(worker): \(found)")
    #expect(found.allSatisfy { $0.remedy != nil })
  }

  @Test func aVariableCalledOffsetAndTwoWorkersOfOneTopic() {
    let offset = plan(notebook("publish: {topic: orders}", worker: "consumes: orders\nstages: []", route: "POST /checkout/{offset}")).found
    #expect(offset.map(\.id.rawValue) == ["duplicate-name"])
    let two = plan(notebook("publish: {topic: orders}", worker: "consumes: orders\nstages: []").replacing("worker:", with: "second: {kind: worker, consumes: orders, stages: []}\nworker:")).found
    #expect(two.map(\.id.rawValue) == ["duplicate-name"])
  }

  @Test func anEmptyTableHasNoKeysToAskFor() {
    let text = notebook("bytes: {size: 1B}").replacing("key: {dist: uniform, n: 9}", with: "key: shipped")
      .replacing("origin:", with: "data: {shipped: {rows: 0}}\norigin:")
    #expect(plan(text).found.map(\.id.rawValue) == ["unknown-dataset"])
  }

  @Test func explainShowsTheDefaultsInsideToo() throws {
    let text = notebook(
      "lock: {name: stock, inside: [{sql: {statement: \"SELECT 1\"}}]}\npublish: {topic: orders}",
      worker: "consumes: orders\nstages: [{wait: {mean: 1ms, stands_for: mail}}]")
    let explained = try #require(explain(Document(parsing: SourceText(path: "input.md", text: text)), id: "shop", context: PlanContext()))
    #expect(explained.contains("- lock: {name: stock, inside: [{sql: {statement: \"SELECT 1\", pool: 5, durable: false}}]}"), "\(explained)")
    #expect(explained.contains("  batch: 1  # default") && explained.contains("  stages:\n    - wait: {mean: 1ms, stands_for: mail, dist: constant, async: false}"), "\(explained)")
    #expect(referencePage().contains("### a worker") && referencePage().contains("### the stage `publish`"))
  }
}
