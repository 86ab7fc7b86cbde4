// What is fuzzed: functions of any bytes that throw where a law does not hold. libFuzzer calls them (Tests/Fuzz/Driver), and so
// do the tests that replay what it found once (Tests/Fuzz/Replay). A crash, a hang and a memory error are found by whoever calls.

/// A law that does not hold.
public struct BrokenLaw: Error, CustomStringConvertible {
  public var description: String
}

public typealias FuzzTarget = @Sendable (UnsafeRawBufferPointer) throws -> Void

/// By the name that `make fuzz T=` takes; folders of Corpus, FailCases and Dictionaries have the same.
public let fuzzTargets: [String: FuzzTarget] = [
  "splice": fuzzSplice, "pages": fuzzPages, "perf": fuzzPerf, "http1": fuzzHTTP1, "otlp": fuzzOTLP, "importers": fuzzImporters,
]

func require(_ holds: Bool, _ law: @autoclosure () -> String) throws {
  if !holds { throw BrokenLaw(description: law()) }
}

/// Choices that an input makes: the same for the same bytes.
struct Choices {
  private var state: UInt64

  init(_ bytes: UnsafeRawBufferPointer) {
    state = 0xCBF2_9CE4_8422_2325
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
  }

  /// 0 to `count` − 1.
  mutating func next(_ count: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(max(count, 1)))
  }
}
