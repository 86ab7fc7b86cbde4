// Randomness of the lab: declared waits, TTL jitter, seeded rows and key streams. Never the
// system's generator: the same spec gives the same bytes and the same draws on every machine.

/// xoshiro256** (Blackman and Vigna 2018), seeded through SplitMix64 as its authors advise.
struct SeededRandom: RandomNumberGenerator {
  private var s0, s1, s2, s3: UInt64

  init(seed: UInt64) {
    var state = seed
    s0 = splitMix64(&state); s1 = splitMix64(&state); s2 = splitMix64(&state); s3 = splitMix64(&state)
  }

  /// An independent stream for a named part, so that adding a stage does not shift another's draws.
  init(seed: UInt64, stream: String) { self.init(seed: seed ^ fnv1a(stream)) }

  mutating func next() -> UInt64 {
    let product = s1 &* 5
    let result = ((product << 7) | (product >> 57)) &* 9
    let shifted = s1 << 17
    s2 ^= s0; s3 ^= s1; s1 ^= s2; s0 ^= s3; s2 ^= shifted
    s3 = (s3 << 45) | (s3 >> 19)
    return result
  }

  /// Uniform in [0, 1), 53 bits.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }
}

@inline(__always)
func splitMix64(_ state: inout UInt64) -> UInt64 {
  state &+= 0x9E37_79B9_7F4A_7C15
  return mix64(state)
}

/// The finalizer of SplitMix64: every input bit reaches every output bit.
@inline(__always)
func mix64(_ value: UInt64) -> UInt64 {
  var z = value
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

/// FNV-1a, 64 bit: for names and short keys; stable between processes, unlike `Hasher`.
func fnv1a(_ text: String) -> UInt64 {
  var hash: UInt64 = 0xCBF2_9CE4_8422_2325
  for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
  return hash
}
