import ExperimentModel
import MeasureKernel
import Testing

@Suite struct MachineProbeTests {
  private func sample(_ wait: Int64?, _ steal: Int64?, _ busy: Int64?, _ total: Int64?, own: Int64 = 0, at: Int64) -> MachineProbe.Sample {
    MachineProbe.Sample(runQueueWait: wait, steal: steal, busy: busy, total: total, own: own, at: at)
  }

  @Test("the worst of others' CPU, steal and own waiting decides", arguments: [
    // wait ns, steal, busy, own ticks of 200 in one second
    (Int64(0), Int64(0), Int64(100), Int64(98), MachineState.quiet), (0, 0, 100, 80, .busy), (0, 0, 100, 10, .noisy),
    (0, 5, 0, 0, .busy), (0, 30, 0, 0, .noisy), (50_000_000, 0, 0, 0, .busy), (500_000_000, 0, 0, 0, .noisy),
  ])
  func states(_ wait: Int64, _ steal: Int64, _ busy: Int64, _ own: Int64, _ expected: MachineState) {
    let a = sample(0, 0, 0, 0, at: 0)
    let b = sample(wait, steal, busy, 200, own: own, at: 1_000_000_000)
    #expect(MachineProbe.state(from: a, to: b) == expected)
  }

  @Test("what cannot be read is unknown in the text, and nothing read is not quiet")
  func unknown() {
    let blind = MachineProbe.receipt(from: sample(nil, nil, nil, nil, at: 0), to: sample(nil, nil, nil, nil, at: 5))
    #expect(blind.state == nil)
    #expect(blind.text == "others' CPU unknown, steal unknown, own wait unknown, CPU pressure unknown, involuntary switches unknown")
    #expect(MachineProbe.state(from: sample(nil, nil, nil, nil, at: 0), to: sample(nil, nil, nil, nil, at: 5)) == .busy)
    let half = MachineProbe.receipt(from: sample(0, nil, nil, nil, at: 0), to: sample(12_000_000, nil, nil, nil, at: 1_000_000_000))
    #expect(half.state == .quiet)
    #expect(half.text.contains("own wait 1.2 %") && half.text.contains("steal unknown"))
  }

  @Test("this machine can be sampled; counters never run backwards")
  func here() {
    let a = MachineProbe.sample()
    let b = MachineProbe.sample()
    #expect(b.at >= a.at && b.own >= a.own)
    if let x = a.total, let y = b.total { #expect(y >= x) }
  }

  @Test("the clock has a cost and a step")
  func clock() {
    let clock = ClockProbe.measure()
    #expect(clock.cost > 0 && clock.cost < 1e6)
    #expect(clock.resolution > 0)
  }
}
