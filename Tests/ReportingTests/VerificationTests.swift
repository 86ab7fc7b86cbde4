import ExperimentModel
import Reporting
import Testing

@Suite struct VerificationTests {
  private let cell: Cell = {
    let address = Address(block: nil, arm: [], metric: "mean")
    return Cell(
      id: "queue", work: .check(CheckCell(editParams: [], hintAfter: nil)),
      expects: [Expectation(address: address, value: nil, theory: "twin", tolerance: 0.1, relative: true)], inputs: "aaaa")
  }()

  private func result(inputs: String, quick: Bool = false) -> CellResult {
    var result = CellResult(id: "queue", kind: "load", inputs: inputs, quick: quick, evidence: .declaredWait)
    result.expects = [JudgementResult(text: "queue.mean = twin ± 10 %", measured: MetricValue(Estimate(8e6, low: 7e6, high: 9e6), .nanoseconds), outcome: .pass)]
    return result
  }

  @Test("a prediction is open without a result, and with one that answers an older question")
  func open() {
    let none = VerifiedPrediction.all(of: cell, in: "day01", result: nil)
    let old = VerifiedPrediction.all(of: cell, in: "day01", result: result(inputs: "bbbb"))
    #expect(none.map(\.outcome) == [.inconclusive] && none.map(\.note) == ["not measured"])
    #expect(old.map(\.outcome) == [.inconclusive] && old.map(\.note) == ["measured before the block was changed"])
  }

  @Test("a prediction of a block that could not run here is open, whatever an earlier run found")
  func notRun() {
    var unmet = result(inputs: "aaaa")
    unmet.unmet = "`java`"
    let found = VerifiedPrediction.all(of: cell, in: "day01", result: unmet)
    #expect(found.map(\.outcome) == [.inconclusive] && found.map(\.note) == ["not run here: needs `java`"] && found[0].measured == nil)
  }

  @Test("the table and its count")
  func text() {
    let all =
      VerifiedPrediction.all(of: cell, in: "day01", result: result(inputs: "aaaa", quick: true)) + VerifiedPrediction.all(of: cell, in: "day02", result: nil)
    #expect(
      verificationText(all) == """
        outcome       block        prediction                measured
        pass          day01/queue  queue.mean = twin ± 10 %  8.0 ms [7.0, 9.0], from a quick run
        inconclusive  day02/queue  mean                      not measured
        2 predictions: 1 hold, 0 do not, 1 are open

        """)
    #expect(verificationText([]) == "There is no prediction: no block has `expect`.\n")
  }
}
