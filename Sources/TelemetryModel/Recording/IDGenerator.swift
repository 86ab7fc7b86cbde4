// Ids of traces and spans from a seed: xoshiro256**, about a nanosecond for eight bytes. Not for secrets. (The
// algorithm of Statistics.SeededRandom; telemetry stands on no other module, so it has its own.)

public struct IDGenerator: Sendable, BitwiseCopyable {
  private var s0: UInt64, s1: UInt64, s2: UInt64, s3: UInt64

  /// - Parameter stream: generators of one seed and different streams, such as one for each loop, never meet in practice.
  public init(seed: UInt64, stream: UInt64 = 0) {
    var mix = seed ^ (stream &* 0xD1B5_4A32_D192_ED03)
    func splitMix64() -> UInt64 {
      mix &+= 0x9E37_79B9_7F4A_7C15
      var z = mix
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    s0 = splitMix64()
    s1 = splitMix64()
    s2 = splitMix64()
    s3 = splitMix64()
  }

  @inline(__always)
  mutating func next() -> UInt64 {
    let scaled = s1 &* 5
    let result = (scaled << 7 | scaled >> 57) &* 9
    let shifted = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= shifted
    s3 = s3 << 45 | s3 >> 19
    return result
  }

  /// Never all zero.
  @inline(__always)
  public mutating func traceID() -> TraceID {
    let high = next(), low = next()
    return TraceID(high: high | (low == 0 ? 1 : 0), low: low)
  }

  /// Never zero.
  @inline(__always)
  public mutating func spanID() -> SpanID {
    let value = next()
    return SpanID(value == 0 ? 1 : value)
  }
}
