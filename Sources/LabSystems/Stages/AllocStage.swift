import ExperimentModel

/// Takes memory in one block for real and writes to every page of it, since untouched memory is not resident. What is leaked
/// is kept in a list that nothing reads again: reachable, useless, and invisible to any collector.
final class AllocStage: Stage {
  let name: String
  let probe: StageProbe
  var isOff = false
  private let spec: AllocSpec
  private var kept: [UnsafeMutableRawPointer] = []
  private var calls = 0

  init(_ spec: AllocSpec, name: String) {
    self.spec = spec; self.name = name
    probe = StageProbe(name, .real)
  }

  deinit { for block in kept { block.deallocate() } }

  func enter(_ exchange: Exchange) -> StageStep {
    calls += 1
    if spec.perRequest > 0 { touched(spec.perRequest).deallocate() }
    if spec.leak > 0 { kept.append(touched(spec.leak)) }
    return .next
  }

  private func touched(_ size: Int) -> UnsafeMutableRawPointer {
    let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
    for offset in stride(from: 0, to: size, by: 4096) { block.storeBytes(of: UInt8(truncatingIfNeeded: calls), toByteOffset: offset, as: UInt8.self) }
    return block
  }

  func appendCounters(to counters: inout Counters) {
    counters.add(name, "calls", calls)
    counters.add(name, "leaked_bytes", kept.count * spec.leak)
  }

  func processDied() {
    for block in kept { block.deallocate() }
    kept = []
  }

  /// What is leaked stays leaked.
  func resetCounters() { calls = 0 }
}
