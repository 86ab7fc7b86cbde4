import ExperimentModel
import Testing

@Suite struct ControlTests {
  @Test("a control is fatal to differences of its own size, and told beside larger ones", arguments: [
    (Estimate(1.01, low: 0.99, high: 1.03), [1.02], ControlState.holds),
    (Estimate(1.01, low: 1.005, high: 1.015), [11], .small),
    (Estimate(1.01, low: 1.005, high: 1.015), [0.95], .small),
    (Estimate(1.01, low: 1.005, high: 1.015), [1.02], .broken),
    (Estimate(1.01, low: 1.005, high: 1.015), [11, 1.02], .broken),
    (Estimate(1.05, low: 1.04, high: 1.06), [11], .broken),
    (Estimate(0.99, low: 0.985, high: 0.995), [], .broken),
    (Estimate(0.99, low: 0.985, high: 0.995), [2], .small),
  ])
  func states(control: Estimate, ratios: [Double], expected: ControlState) {
    #expect(ControlState(control, ratios: ratios) == expected)
    #expect(ControlState(nil, ratios: ratios) == .holds)
  }
}
