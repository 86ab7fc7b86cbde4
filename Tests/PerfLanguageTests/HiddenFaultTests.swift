import DocumentModel
import ExperimentModel
import Testing
import TextModel

@testable import PerfLanguage

/// `hidden` of a system: what the learner's seed chooses, and that nothing but the served system shows it.
@Suite struct HiddenFaultTests {
  private static let values: [(String, [String])] = [
    ("tenant", (1...10).map { "t\($0)" }), ("currency", ["EUR", "USD", "GBP", "JPY"]), ("version", ["1.0", "1.1", "2.0", "2.1", "3.0"]),
  ]

  private func notebook(id: String = "checkout", hidden: String? = nil, pricing: String = "", more: String = "", set: String = "{}") -> String {
    let written = "{" + Self.values.map { "\($0): [\($1.joined(separator: ", "))]" }.joined(separator: ", ") + "}"
    return """
      ```perf
      kind: system
      id: \(id)
      telemetry: {attributes: {tenant: header:X-Tenant, currency: header:X-Currency, version: header:X-Version}}
      hidden: \(hidden ?? "{stages: [catalog-fault, pricing-fault, inventory-fault], values: \(written)}")
      catalog:
        kind: origin
        routes: {GET /item: [{wait: {as: catalog-fault, mean: 120ms, stands_for: a far catalog}}, {bytes: {size: 10B}}]}
      pricing:
        kind: origin
        routes: {GET /price: [{wait: {as: pricing-fault, mean: 120ms, stands_for: a far price list\(pricing)}}, {bytes: {size: 10B}}]}
      inventory:
        kind: origin
        routes: {GET /stock: [{wait: {as: inventory-fault, mean: 120ms, stands_for: a far stock}}, {bytes: {size: 10B}}]}
      ```
      \(more)
      ```perf
      kind: load
      id: base
      uses: \(id)
      set: \(set)
      executor: constant-arrival-rate
      rate: 20rps
      duration: 4s
      scenario: [{get: /item}]
      ```
      """
  }

  /// The stages with a condition, as they are served: `pricing/pricing-fault tenant==t3`.
  private func faults(_ text: String, seed: UInt64?, of id: String? = nil) throws -> [String] {
    let (planned, found) = plan(text, PlanContext(learnerSeed: seed))
    try #require(found.isEmpty, "\(found)")
    guard case .load(let load)? = planned.plan.cells.first?.work else { throw CancellationError() }
    let system = try #require(id == nil ? load.arms[0].system : planned.systems[id ?? ""])
    return system.roles.flatMap { role in
      role.routes.flatMap(\.stages).compactMap { stage in stage.when.map { "\(role.name)/\(stage.name) \($0.attribute)==\($0.value)" } }
    }
  }

  private func found(_ text: String, seed: UInt64 = 1) -> [String] { plan(text, PlanContext(learnerSeed: seed)).found.map { "\($0)" } }

  @Test func everyChoiceIsAsLikelyAsItShouldBe() throws {
    let text = notebook()
    var counts: [String: Int] = [:]
    let seeds: ClosedRange<UInt64> = 1...200
    for seed in seeds {
      let chosen = try faults(text, seed: seed)
      #expect(chosen.count == 1)
      #expect(try faults(text, seed: seed) == chosen)
      let words = chosen[0].split(separator: " ")
      for word in [String(words[0]), String(words[1].split(separator: "=")[0]), String(words[1])] { counts[word, default: 0] += 1 }
    }
    // Within four standard deviations of a binomial count.
    func expect(_ name: String, _ share: Double) {
      let n = Double(seeds.count)
      let count = Double(counts[name] ?? 0)
      #expect(count > 0 && abs(count - n * share) < 4 * (n * share * (1 - share)).squareRoot(), "\(name): \(count) of \(n * share)")
    }
    for name in ["catalog", "pricing", "inventory"] { expect("\(name)/\(name)-fault", 1.0 / 3) }
    for (attribute, values) in Self.values {
      expect(attribute, 1.0 / 3)
      for value in values { expect("\(attribute)==\(value)", 1 / (3 * Double(values.count))) }
    }
  }

  @Test func twoSystemsOfOneLearnerDiffer() throws {
    let same = try (1...50).filter { try faults(notebook(), seed: $0) == faults(notebook(id: "other"), seed: $0) }.count
    #expect(same <= 4, "of 50 pairs one in 57 is equal by chance")
  }

  @Test func anExtendingSystemHasTheFaultOfItsBase() throws {
    let more = "```perf\nkind: system\nid: slower\nextends: checkout\npricing: {kind: origin, workers: 2}\n```\n"
    for seed in UInt64(1)...20 {
      #expect(try faults(notebook(more: more), seed: seed, of: "slower") == faults(notebook(), seed: seed))
    }
  }

  @Test func withoutALearnerTheLessonsSeedChooses() throws {
    let lesson = "```perf\nkind: lesson\nid: day02\nday: 2\ntitle: Two\nseed: 11\n```\n"
    #expect(try faults(notebook(more: lesson), seed: nil) == faults(notebook(), seed: 11))
    #expect(try faults(notebook(more: lesson), seed: 12) == faults(notebook(), seed: 12))
  }

  @Test func offIsTheSystemWithoutAnyFault() throws {
    let text = notebook(set: "{hidden.off: true}")
    #expect(try faults(text, seed: 1) == [])
    let (planned, _) = plan(text, PlanContext(learnerSeed: 1))
    guard case .load(let load)? = planned.plan.cells.first?.work else { throw CancellationError() }
    #expect(load.arms[0].system.roles.flatMap(\.routes).flatMap(\.stages).map(\.name) == ["bytes", "bytes-2", "bytes-3"])
    #expect(plan(text, PlanContext(learnerSeed: 2)).planned.plan.cells[0].inputs == planned.plan.cells[0].inputs, "no seed is in it")
  }

  @Test func anotherChoiceIsAnotherQuestion() throws {
    func inputs(_ seed: UInt64) -> String { plan(notebook(), PlanContext(learnerSeed: seed)).planned.plan.cells[0].inputs }
    for seed in UInt64(1)...20 {
      #expect(try (inputs(seed) == inputs(seed + 1)) == (faults(notebook(), seed: seed) == faults(notebook(), seed: seed + 1)))
    }
  }

  @Test func explainDoesNotSayWhatWasChosen() throws {
    let document = Document(parsing: SourceText(path: "input.md", text: notebook()))
    let texts = Set((1...9).map { explain(document, id: "checkout", context: PlanContext(learnerSeed: $0)) ?? "" })
    #expect(texts.count == 1 && texts.first?.contains("# which of these it is: chosen by the learner's seed") == true)
    #expect(referencePage().contains("### `hidden`"))
  }

  @Test func whatNamesNothingIsReported() {
    let cases: [(hidden: String, said: String)] = [
      ("{stages: [catalog-fault, princing-fault], values: {tenant: [t1]}}", "did you mean `pricing-fault`?"),
      ("{stages: [catalog-fault], values: {tennant: [t1]}}", "`hidden` draws from `tennant`"),
      ("{stages: [], values: {tenant: [t1]}}", "`stages` is empty"),
      ("{stages: [catalog-fault], values: {}}", "`values` is empty"),
      ("{stages: [catalog-fault], values: {tenant: []}}", "`tenant` is empty"),
      ("{stages: [catalog-fault], values: {tenant: t1}}", "are a list of texts"),
      ("{stages: [catalog-fault], values: [t1]}", "`values` is a mapping of lists"),
      ("{stages: [catalog-fault, catalog-fault], values: {tenant: [t1]}}", "stands twice in `stages`"),
      ("{stages: [catalog-fault], values: {tenant: [t1, t1]}}", "stands twice in `tenant`"),
      ("{stages: [catalog-fault]}", "needs `values`"),
      ("{stages: [catalog-fault], values: {tenant: [t1]}, of: 3}", "unknown key `of`"),
    ]
    for (hidden, said) in cases {
      let all = found(notebook(hidden: hidden))
      #expect(all.contains { $0.contains(said) }, "\(hidden): \(all)")
    }
  }

  @Test func aStageDoesNotDecideTwice() {
    #expect(found(notebook(pricing: ", when: tenant==t1")).contains { $0.contains("says by itself `when`") })
    for seed in UInt64(1)...8 {
      #expect(found(notebook(set: "{pricing-fault.when: tenant==t1}"), seed: seed).contains { $0.contains("is chosen by `hidden`") }, "whatever was chosen")
    }
    let instances = notebook().replacing("  kind: origin\n  routes: {GET /price", with: "  kind: origin\n  instances: {1: {pricing-fault.when: tenant==t1}}\n  routes: {GET /price")
    for seed in UInt64(1)...8 { #expect(found(instances, seed: seed).contains { $0.contains("of an instance is chosen by `hidden`") }) }
    #expect(found(notebook(set: "{hidden.on: true}")).contains { $0.contains("hidden.off") })
  }

  @Test func noSeedHidesAMistake() {
    for seed in UInt64(1)...8 {
      let all = found(notebook().replacing("a far stock}", with: "a far stock, dist: uniform}"), seed: seed)
      #expect(!all.isEmpty, "a uniform wait needs min and max")
    }
  }

  private func check(_ answer: String, gate: String = "exercise.answered==1") -> String {
    "```perf\nkind: check\nid: exercise\nanswer: \(answer)\ngate: ['\(gate)']\n```\n"
  }

  private func answer(_ text: String, seed: UInt64) throws -> CheckAnswer? {
    let (planned, found) = plan(notebook(more: check(text)), PlanContext(learnerSeed: seed))
    try #require(found.isEmpty, "\(found)")
    for case .check(let cell) in planned.plan.cells.map(\.work) { return cell.answer }
    return nil
  }

  @Test func exactlyOneAnswerIsRight() throws {
    for seed in UInt64(1)...3 {
      var right: [String] = []
      for service in ["catalog", "pricing", "inventory"] {
        for (attribute, values) in Self.values {
          for value in values {
            let given = try answer("{of: checkout, service: \(service), attribute: \(attribute), value: '\(value)'}", seed: seed)
            if given == .right { right.append("\(service)/\(service)-fault \(attribute)==\(value)") } else { #expect(given == .wrong) }
          }
        }
      }
      #expect(try right == faults(notebook(), seed: seed))
    }
  }

  @Test func whatIsNotFilledInIsOpen() throws {
    for text in ["{of: checkout}", "{of: checkout, service: pricing, attribute: tenant, value: ''}", "{of: checkout, service: ' ', attribute: tenant, value: t1}"] {
      #expect(try answer(text, seed: 1) == .open)
    }
  }

  @Test func slipsInAnAnswerAreReported() {
    let cases: [(text: String, said: String)] = [
      (check("{of: checkout, service: princing}"), "did you mean `pricing`?"), (check("{of: checkout, attribute: tennant}"), "did you mean `tenant`?"),
      (check("{of: checkout, attribute: tenant, value: t99}"), "`value` of the answer is `t99`"), (check("{of: chekout}"), "did you mean `checkout`?"),
      (check("{of: shop}"), "hides nothing"), (check("{service: pricing}"), "needs `of`"),
      (check("{of: checkout}", gate: "traffic.answered==1"), "no block `traffic`"), (check("{of: checkout}", gate: "base.answered==1"), "answered"),
      (check("{of: checkout}").replacing("answer: {of: checkout}\n", with: ""), "`exercise` has no `answered`"),
    ]
    for (text, said) in cases {
      let all = found(notebook(more: text))
      #expect(all.contains { $0.contains(said) }, "\(text): \(all)")
    }
    #expect(found(notebook(more: check("{of: checkout}", gate: "answered==1"))) == [])
  }

  @Test func aLearnersSeedIsOfTheName() {
    #expect(learnerSeed(of: " Ada Lovelace") == learnerSeed(of: "ada lovelace"))
    #expect(Set((1...1_000).map { learnerSeed(of: "learner \($0)") }).count == 1_000)
  }
}
