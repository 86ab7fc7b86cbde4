// The project's source of randomness: xoshiro256** (Blackman and Vigna, 2018), seeded through
// SplitMix64 as its authors advise. Never the system's generator: the same seed and stream give the
// same numbers on every machine, so that a run can be repeated and a schedule can be tested.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A seeded generator. A value: copying it copies its position.
public struct SeededRandom: RandomNumberGenerator, Sendable, BitwiseCopyable {
  @usableFromInline var state: (UInt64, UInt64, UInt64, UInt64)

  /// - Parameter stream: streams of one seed are independent of each other, so that arrivals, keys and
  ///   choices do not move when one of them draws more.
  public init(seed: UInt64, stream: UInt64 = 0) {
    var mix = seed ^ (stream &* 0xD1B5_4A32_D192_ED03)
    func splitMix64() -> UInt64 {
      mix &+= 0x9E37_79B9_7F4A_7C15
      var z = mix
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
    state = (splitMix64(), splitMix64(), splitMix64(), splitMix64())
  }

  /// 64 random bits.
  @inlinable public mutating func next() -> UInt64 {
    let result = Self.rotate(state.1 &* 5, 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = Self.rotate(state.3, 45)
    return result
  }

  @inlinable static func rotate(_ x: UInt64, _ count: UInt64) -> UInt64 {
    (x &<< count) | (x &>> (64 &- count))
  }

  /// Uniform on [0, 1), all 53 bits of the significand.
  @inlinable public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Exponential with mean 1, by inversion; finite, because 1 is never drawn.
  public mutating func exponential() -> Double { -log1p(-uniform()) }
}
